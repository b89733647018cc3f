import { type HeldTensors, holdTensors } from '@easel/core/node';
import { allDone } from './all-done.js';
import type { CheckpointParts, CheckpointState, HeldParts } from './checkpoint-store.js';
import type { RunFolder } from './run-folder.js';
import type { TrainingTask } from './training-task.js';

type SavedTask = Pick<TrainingTask, 'checkpointParts' | 'exportModel' | 'exportNeedsPause'>;

/** How checkpoints are written. */
export interface SaverOptions {
  /** Newest checkpoints to keep. */
  readonly keep: number;
  /** Write while the training goes on, where the backend can. */
  readonly background: boolean;
  /** Called when a checkpoint and its model are on the disk. */
  readonly onSaved: (state: CheckpointState, path: string) => void;
}

/**
 * Writes a run's checkpoints, and after each the model folder. On the native backend a thread
 * writes the tensors as they were while the training computes on; an optimizer that comes to a
 * tensor that is not yet written puts its update elsewhere, so that memory grows by what the disk
 * is late with.
 */
export class CheckpointSaver {
  private readonly run: RunFolder;
  private readonly task: SavedTask;
  private readonly options: SaverOptions;
  private saving: Promise<void> = Promise.resolve();
  private inWork = false;
  /** Thrown at the next call: nobody awaits a save when it fails. */
  private failure: { readonly error: unknown } | undefined;

  constructor(run: RunFolder, task: SavedTask, options: SaverOptions) {
    this.run = run;
    this.task = task;
    this.options = options;
  }

  /**
   * Saves the training as it is now, when the save before it has ended. Returns when the state may
   * change: in the background that is when all files are being written. Throws EaselError if this
   * or, in the background, the save before failed.
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

  /** Throws what a save in the background failed with. Call it now and then. */
  check(): void {
    const failure = this.failure;
    this.failure = undefined;
    if (failure !== undefined) throw failure.error;
  }

  /** Whether a save is in work. */
  get isSaving(): boolean {
    return this.inWork;
  }

  /** Waits for the save in work. Throws what it failed with. */
  async finish(): Promise<void> {
    await this.saving;
    this.check();
  }

  /** Both at once; the model takes its place when the checkpoint has. */
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
 * Holds all tensors of a checkpoint: the weights for two files, as the model has them too.
 * Undefined where the backend can't.
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
