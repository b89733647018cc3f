import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError, EaselError } from '@easel/core';
import { writeFileAtomic } from '@easel/core/internals/node';
import { type ArrayToSave, type HeldTensors, readSafetensors, saveSafetensors } from '@easel/core/node';
import type * as tf from '@tensorflow/tfjs';
import type { DataPosition } from '../encoded/epoch-order.js';
import { allDone } from './all-done.js';
import type { BestEvaluation } from './best-evaluation.js';
import { stepName } from './step-name.js';

/** Tensors of a checkpoint by file (model, optimizer, …) and name. */
export type CheckpointParts = Readonly<Record<string, ReadonlyMap<string, tf.Tensor>>>;
/** The same, held as they were. */
export type HeldParts = Readonly<Record<string, HeldTensors>>;

/** The state that a checkpoint holds beside tensors. */
export interface CheckpointState {
  readonly version: 1;
  /** Updates done. */
  readonly step: number;
  /** Rows or pictures seen. */
  readonly samples: number;
  /** Time spent training, over all sittings. */
  readonly seconds: number;
  /** The key from which the randomness of every step is derived. */
  readonly key: readonly [number, number];
  /** Place at which the data goes on. */
  readonly position: DataPosition;
  /** Digest of the training data. */
  readonly data: string;
  /** Loss summed over the steps since the last line of the metrics, and their number. */
  readonly lossSum: number;
  readonly lossSteps: number;
  /** The best evaluation so far, whose checkpoint is kept; null if the run doesn't look for one. */
  readonly best?: BestEvaluation | null;
}

/** A checkpoint on the disk. */
export interface SavedCheckpoint {
  readonly path: string;
  /** Updates that had been done. */
  readonly step: number;
}

/**
 * The checkpoints of a run, a folder each: step-00001000/{model.safetensors, optimizer.safetensors,
 * …, state.json}.
 *
 * A checkpoint is written into a temporary folder and renamed: after a crash it is either whole or
 * not there.
 */
export class CheckpointStore {
  private readonly folder: string;

  /** `folder` is the folder of the checkpoints. It must exist before one is saved. */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** Lists the complete checkpoints, oldest first. */
  async list(): Promise<SavedCheckpoint[]> {
    const names = await readdir(this.folder).catch(() => []);
    return names
      .flatMap((name) => {
        const step = /^step-(\d+)$/.exec(name)?.[1];
        return step === undefined ? [] : [{ path: join(this.folder, name), step: Number(step) }];
      })
      .sort((a, b) => a.step - b.step);
  }

  /** The newest checkpoint, or undefined if there is none. */
  async newest(): Promise<SavedCheckpoint | undefined> {
    return (await this.list()).at(-1);
  }

  /**
   * Writes a checkpoint and removes all but the newest `keep` and that of the best evaluation.
   * Returns its path. Throws EaselError if it can't be written; older checkpoints are then
   * untouched.
   */
  async save(parts: CheckpointParts | HeldParts, state: CheckpointState, keep: number): Promise<string> {
    const name = stepName(state.step);
    const path = join(this.folder, name);
    const temporary = join(this.folder, `.${name}.partial`);
    try {
      await rm(temporary, { recursive: true, force: true });
      await mkdir(temporary);
      await allDone(
        Object.entries(parts).map(([part, tensors]) =>
          saveSafetensors(join(temporary, `${part}.safetensors`), tensors, { dtype: 'F32' }),
        ),
      );
      await writeFileAtomic(join(temporary, 'state.json'), `${JSON.stringify(state, null, 2)}\n`);
      await syncFolder(temporary);
      await rm(path, { recursive: true, force: true });
      await rename(temporary, path);
      await syncFolder(this.folder);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true }).catch(() => {});
      const older = await this.newest();
      throw new EaselError(
        `Checkpoint of step ${state.step}: can't be written to ${path} (${(error as Error).message}). ${older === undefined ? 'There is no older one.' : `The last good one is ${older.path}; resume from it.`}`,
      );
    }
    const all = await this.list();
    for (const old of all.slice(0, Math.max(0, all.length - keep)))
      if (old.step !== state.best?.step) await rm(old.path, { recursive: true, force: true });
    return path;
  }
}

/**
 * Reads the state of a checkpoint beside its tensors. Throws EaselError if it is missing or
 * damaged.
 */
export async function readCheckpointState(checkpoint: string): Promise<CheckpointState> {
  const path = join(checkpoint, 'state.json');
  try {
    const state = JSON.parse(await readFile(path, 'utf8')) as CheckpointState;
    if (state.version === 1 && Number.isInteger(state.step)) return state;
  } catch {}
  throw new EaselError(
    `Checkpoint state ${path}: missing or damaged. Remove that checkpoint's folder to resume from the one before.`,
  );
}

/**
 * Reads the numbers of one file of a checkpoint by name. Throws CheckpointError if it is missing or
 * damaged.
 */
export async function readCheckpointPart(
  checkpoint: string,
  part: string,
): Promise<Map<string, ArrayToSave>> {
  const path = join(checkpoint, `${part}.safetensors`);
  return readSafetensors(path).catch((error: Error) => {
    if (error instanceof EaselError) throw error;
    throw new CheckpointError(
      `${path}: can't be read (${error.message}). Remove that checkpoint's folder to resume from the one before.`,
    );
  });
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
