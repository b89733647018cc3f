import { join } from 'node:path';
import { flaxLayout } from '@easel/bart/internals';
import { CheckpointError, type Optimizer, type SourceEntry } from '@easel/core';
import { asWriteError } from '@easel/core/internals/node';
import { writeMsgpack } from '@easel/core/node';
import * as tf from '@tensorflow/tfjs';
import {
  ORIGINAL_STATE,
  readOriginalState,
  type StateSubject,
  writeOriginalState,
} from './optimizer-state.js';

/**
 * Writes the files from which the original's trainer goes on, beside the config.json and tokenizer
 * of a model folder: flax_model.msgpack and opt_state.msgpack, in float32. Its
 * `--model_name_or_path FOLDER --restore_state` reads both.
 */
export async function saveOriginalCheckpoint(
  folder: string,
  subject: StateSubject,
  state: ReadonlyMap<string, tf.Tensor>,
): Promise<void> {
  const { model } = subject;
  const weights = model.namedWeights();
  const layout = flaxLayout(model.config, model.config.useScan);
  const entries = layout.map(({ name, weights: names, stacked }): SourceEntry => {
    const { shape } = weights.get(names[0] as string) as tf.Variable;
    return { name, dtype: 'F32', shape: stacked ? [names.length, ...shape] : shape };
  });
  const weightsOf = new Map(layout.map((tensor) => [tensor.name, tensor.weights]));
  async function* read(name: string): AsyncGenerator<Float32Array> {
    for (const weight of weightsOf.get(name) as readonly string[])
      yield (await (weights.get(weight) as tf.Variable).data()) as Float32Array;
  }
  const path = join(folder, 'flax_model.msgpack');
  try {
    await writeMsgpack(path, entries, read);
  } catch (error) {
    throw asWriteError(error, path);
  }
  await writeOriginalState(join(folder, ORIGINAL_STATE), subject, state);
}

/**
 * Brings a fresh optimizer to the state in an opt_state.msgpack. Throws CheckpointError if it
 * doesn't fit model and settings.
 */
export async function restoreOriginalState(
  optimizer: Optimizer,
  path: string,
  subject: StateSubject,
): Promise<void> {
  const state = await readOriginalState(path, subject).catch((error: Error) => {
    if (!(error instanceof CheckpointError)) throw error;
    throw new CheckpointError(`${error.message} (restoreState asks for this file.)`, { cause: error });
  });
  try {
    await optimizer.loadState(state);
  } finally {
    tf.dispose([...state.values()]);
  }
}
