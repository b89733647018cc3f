import { DalleBart, type DalleBartConfig } from '@easel/bart';
import { Clip, type ClipConfig } from '@easel/clip';
import {
  CheckpointError,
  type CompositeLayer,
  loadWeights,
  type TensorSource,
  type WeightRule,
} from '@easel/core';
import { Vqgan, type VqganConfig } from '@easel/vqgan';
import * as tf from '@tensorflow/tfjs';

/** A model that can be built to compare what it computes from two checkpoints. */
export type VerifiedModel =
  | { readonly kind: 'text'; readonly config: DalleBartConfig }
  | { readonly kind: 'vqgan'; readonly config: VqganConfig; readonly decoderOnly: boolean }
  | { readonly kind: 'clip'; readonly config: ClipConfig };

/** A checkpoint and how it is read. */
export interface ReadableCheckpoint {
  readonly source: TensorSource;
  readonly rules: ReadonlyMap<string, WeightRule>;
  readonly ignore?: (name: string) => boolean;
}

/** How far the outputs of two checkpoints are apart. */
export interface OutputDifference {
  /** Largest absolute difference of two numbers. */
  readonly difference: number;
  /** Largest absolute output of the first. */
  readonly largest: number;
}

/**
 * Loads a model from each of two checkpoints, one after the other, and compares what they compute for a fixed input: the text model's logits for
 * a whole row of image tokens; the VQGAN's picture of a 4×4 map of tokens and its latents of a picture; CLIP's features of a text and a picture, and their score. Runs on the backend that is started.
 *
 * Throws CheckpointError if an output is not finite, and as `loadWeights`.
 */
export async function compareOutputs(
  model: VerifiedModel,
  before: ReadableCheckpoint,
  after: ReadableCheckpoint,
): Promise<OutputDifference> {
  const [first, second] = [await outputs(model, before), await outputs(model, after)];
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

async function outputs(model: VerifiedModel, checkpoint: ReadableCheckpoint): Promise<Float32Array> {
  const { source, rules, ignore } = checkpoint;
  const options = ignore === undefined ? {} : { ignore };
  const load = (layer: CompositeLayer) => loadWeights(layer.namedWeights(), source, rules, options);
  if (model.kind === 'text') {
    const bart = new DalleBart(model.config);
    try {
      await load(bart);
      return await numbers(() => [textOutput(bart)]);
    } finally {
      bart.dispose();
    }
  }
  if (model.kind === 'clip') {
    const clip = new Clip(model.config);
    try {
      await load(clip);
      return await numbers(() => clipOutputs(clip));
    } finally {
      clip.dispose();
    }
  }
  const vqgan = new Vqgan(model.config, { decoderOnly: model.decoderOnly });
  try {
    await load(vqgan);
    return await numbers(() => vqganOutputs(vqgan));
  } finally {
    vqgan.dispose();
  }
}

/** The numbers of all tensors in a row. */
async function numbers(compute: () => tf.Tensor[]): Promise<Float32Array> {
  const row = tf.tidy(() => tf.concat(compute().map((tensor) => tf.reshape(tensor, [-1]))));
  const values = (await row.data()) as Float32Array;
  row.dispose();
  return values;
}

/** Logits [1, T, V]; the last quarter of the text is padding. */
function textOutput(bart: DalleBart): tf.Tensor {
  const { maxTextLength, encoderVocabSize, imageLength, imageVocabSize } = bart.config;
  const ids = (count: number, below: number) =>
    tf.tensor2d(
      Int32Array.from({ length: count }, (_, i) => (7 * i + 3) % below),
      [1, count],
      'int32',
    );
  const shown = Math.ceil((3 * maxTextLength) / 4);
  const mask = Int32Array.from({ length: maxTextLength }, (_, i) => Number(i < shown));
  return bart.logits({
    inputIds: ids(maxTextLength, encoderVocabSize),
    attentionMask: tf.tensor2d(mask, [1, maxTextLength], 'int32'),
    decoderInputIds: ids(imageLength, imageVocabSize),
  });
}

/** Pixels of 4×4 tokens; latents of a picture of the same size, if the model can encode. */
function vqganOutputs(vqgan: Vqgan): tf.Tensor[] {
  const codes = Int32Array.from({ length: 16 }, (_, i) => (5 * i + 3) % vqgan.config.nEmbed);
  const drawn = vqgan.decodeCode(tf.tensor2d(codes, [1, 16], 'int32'));
  if (!vqgan.canEncode) return [drawn];
  const [, height, width] = drawn.shape;
  const channels = vqgan.config.inChannels;
  const values = Float32Array.from(
    { length: height * width * channels },
    (_, i) => 0.5 + 0.5 * Math.sin(0.1 * i),
  );
  return [drawn, vqgan.encodeToLatent(tf.tensor4d(values, [1, height, width, channels]))];
}

/** Features of a text and of a picture, and how well they fit. */
function clipOutputs(clip: Clip): tf.Tensor[] {
  const { vocabSize, maxTextLength } = clip.config.text;
  const { imageSize, channels } = clip.config.image;
  const ids = Int32Array.from({ length: maxTextLength }, (_, i) => (7 * i + 3) % vocabSize);
  const inputIds = tf.tensor2d(ids, [1, maxTextLength], 'int32');
  const size = imageSize * imageSize * channels;
  const values = Float32Array.from({ length: size }, (_, i) => Math.sin(0.1 * i));
  const pixels = tf.tensor4d(values, [1, imageSize, imageSize, channels]);
  return [clip.textFeatures({ inputIds }), clip.imageFeatures(pixels), clip.call([pixels, inputIds])];
}
