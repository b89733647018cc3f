import { join } from 'node:path';
import { DataError, loadWeights, type Optimizer, type WeightRule } from '@easel/core';
import { openCheckpoint } from '@easel/core/node';
import * as tf from '@tensorflow/tfjs';
import { readCheckpointPart } from './checkpoint-store.js';
import type { RunFolder } from './run-folder.js';
import type { TrainingTask } from './training-task.js';

/**
 * Brings weights and optimizer to the run's checkpoint, if it has one; a task's further tensors are
 * its own care. Throws DataError if the run was begun on other data, CheckpointError if the
 * checkpoint doesn't fit.
 */
export async function restoreCheckpoint(
  run: RunFolder,
  task: Pick<TrainingTask, 'data'>,
  parts: {
    readonly weights: ReadonlyMap<string, tf.Variable>;
    readonly rules: ReadonlyMap<string, WeightRule>;
    readonly optimizer: Optimizer;
  },
): Promise<void> {
  const { resumed } = run;
  if (resumed === null) return;
  if (resumed.state.data !== task.data)
    throw new DataError(
      `Run folder ${run.path}: its run was begun on other training data than is there now. Restore the data, or start a new run (init takes over a model).`,
    );
  const source = await openCheckpoint(join(resumed.path, 'model.safetensors'));
  try {
    await loadWeights(parts.weights, source, parts.rules);
  } finally {
    await source.close();
  }
  await restoreState(parts.optimizer, resumed.path, 'optimizer');
}

/**
 * Brings what has a state, as an optimizer has, to that in one file of a checkpoint. Throws
 * CheckpointError if it doesn't fit.
 */
export async function restoreState(
  owner: { loadState(state: ReadonlyMap<string, tf.Tensor>): Promise<void> },
  checkpoint: string,
  part: string,
): Promise<void> {
  const arrays = await readCheckpointPart(checkpoint, part);
  const state = new Map(
    [...arrays].map(([name, { data, shape }]) => [
      name,
      tf.tensor(data, [...shape], data instanceof Int32Array ? 'int32' : 'float32'),
    ]),
  );
  try {
    await owner.loadState(state);
  } finally {
    tf.dispose([...state.values()]);
  }
}
