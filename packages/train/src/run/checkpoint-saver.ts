import { type HeldTensors, holdTensors } from '@easel/core/node';
import { allDone } from './all-done.js';
import type { CheckpointParts, CheckpointState, HeldParts } from './checkpoint-store.js';
import type { RunFolder } from './run-folder.js';
import type { TrainingTask } from './training-task.js';

type SavedTask = Pick<TrainingTask, 'checkpointParts' | 'exportModel' | 'exportNeedsPause'>;

/** Options of a CheckpointSaver. */
export interface SaverOptions {
  /** Number of newest checkpoints to keep. */
  readonly keep: number;
  /** Whether checkpoints are written while the training goes on, if the backend can do that. */
  readonly background: boolean;
  /** Called when a checkpoint and its model are on the disk. */
  readonly onSaved: (state: CheckpointState, path: string) => void;
}

/**
 * Writes a run's checkpoints, and after each one the model folder. On the native backend a thread
 * writes the tensors as they were, while the training goes on. If an optimizer updates a tensor
 * that is not yet written, it puts the new values into other memory. So memory grows by the tensors
 * that the disk has not yet taken.
 */
export class CheckpointSaver {
  private readonly run: RunFolder;
  private readonly task: SavedTask;
  private readonly options: SaverOptions;
  private saving: Promise<void> = Promise.resolve();
  private inWork = false;
  /** The error of a failed save. The next call throws it, because nobody awaits the save itself. */
  private failure: { readonly error: unknown } | undefined;

  constructor(run: RunFolder, task: SavedTask, options: SaverOptions) {
    this.run = run;
    this.task = task;
    this.options = options;
  }

  /**
   * Saves the present state of the training, after the previous save has ended. It returns when the
   * state may change; in the background this is when all files are being written. Throws EaselError
   * if this save failed or, in the background, the previous one.
   */
  async save(state: CheckpointState): Promise<void> {
    await this.finish();
    const parts = this.task.checkpointParts();
    const held = this.options.background && !this.task.exportNeedsPause ? holdParts(parts) : undefined;
    if (held === undefined) {
      await this.write(parts, state);
      return;
    }
    this.inWork = true;
    this.saving = this.write(held, state, held.model)
      .catch((error: unknown) => {
        this.failure = { error };
      })
      .finally(() => {
        for (const tensors of Object.values(held)) tensors.release();
        this.inWork = false;
      });
    await Promise.all(Object.values(held).map(({ begun }) => begun));
  }

  /** Throws the error of a failed save in the background. Call it now and then. */
  check(): void {
    const failure = this.failure;
    this.failure = undefined;
    if (failure !== undefined) throw failure.error;
  }

  /** Whether a save is under way. */
  get isSaving(): boolean {
    return this.inWork;
  }

  /** Waits for the save that is under way. Throws its error if it failed. */
  async finish(): Promise<void> {
    await this.saving;
    this.check();
  }

  /**
   * Writes checkpoint and model at the same time. The model is put in place after the checkpoint.
   */
  private async write(
    parts: CheckpointParts | HeldParts,
    state: CheckpointState,
    weights?: HeldTensors,
  ): Promise<void> {
    const checkpoint = this.run.checkpoints.save(parts, state, this.options.keep);
    const model = this.run.model.replace((folder) => this.task.exportModel(folder, weights), checkpoint);
    await allDone([checkpoint, model]);
    this.options.onSaved(state, await checkpoint);
  }
}

/**
 * Holds all tensors of a checkpoint. The weights are held for two files, since the model has them
 * too. Returns undefined if the backend can't hold tensors.
 */
function holdParts(parts: CheckpointParts): HeldParts | undefined {
  const held: Record<string, HeldTensors> = {};
  for (const [part, tensors] of Object.entries(parts)) {
    const values = holdTensors(tensors, part === 'model' ? 2 : 1);
    if (values === undefined) {
      for (const others of Object.values(held)) others.release();
      return undefined;
    }
    held[part] = values;
  }
  return held;
}
