import { CheckpointError, loadWeights, type TensorSource } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { ConvertibleModel } from './convertible-model.js';

/** A checkpoint and its model. */
export interface ReadableCheckpoint {
  readonly source: TensorSource;
  readonly model: ConvertibleModel;
}

/** The difference between the outputs of two checkpoints. */
export interface OutputDifference {
  /** Largest absolute difference of two numbers. */
  readonly difference: number;
  /** Largest absolute output of the first. */
  readonly largest: number;
}

/**
 * Loads a model from each of two checkpoints, one after the other, and compares their outputs for a
 * fixed input. The outputs are a text model's logits for a whole row of image tokens; a VQGAN's
 * picture of a 4×4 map of tokens and its latents of a picture; or a CLIP's vectors of a text and a
 * picture and their score. It runs on the current backend.
 *
 * Throws CheckpointError if an output is not finite, and as `loadWeights` does.
 */
export async function compareOutputs(
  before: ReadableCheckpoint,
  after: ReadableCheckpoint,
): Promise<OutputDifference> {
  const [first, second] = [await outputs(before), await outputs(after)];
  let [difference, largest] = [0, 0];
  for (const [i, value] of first.entries()) {
    difference = Math.max(difference, Math.abs(value - (second[i] as number)));
    largest = Math.max(largest, Math.abs(value));
  }
  if (!Number.isFinite(difference)) {
    throw new CheckpointError(
      `${after.source.description}: the outputs for a fixed input are not finite. Weights beyond 65504 do not fit float16: try --dtype bf16 or f32.`,
    );
  }
  return { difference, largest };
}

/** Returns all numbers that a model computes, in a row. */
async function outputs({ source, model }: ReadableCheckpoint): Promise<Float32Array> {
  const { rules, ignore } = model.reading(source);
  const built = model.build();
  try {
    await loadWeights(built.namedWeights(), source, rules, ignore === undefined ? {} : { ignore });
    const row = tf.tidy(() => tf.concat(model.outputs(built).map((tensor) => tf.reshape(tensor, [-1]))));
    const values = (await row.data()) as Float32Array;
    row.dispose();
    return values;
  } finally {
    built.dispose();
  }
}
