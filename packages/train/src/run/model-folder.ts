import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EaselError } from '@easel/core';
import { allDone } from './all-done.js';

/**
 * RUN/model, the model of the newest checkpoint. The folder is replaced as a whole or not at all.
 */
export class ModelFolder {
  readonly path: string;
  /** Path of the new model while it is written. */
  private readonly fresh: string;
  /** Path of the replaced model, for the moment in which neither model is in place. */
  private readonly old: string;

  constructor(run: string) {
    this.path = join(run, 'model');
    this.fresh = join(run, '.model.partial');
    this.old = join(run, '.model.old');
  }

  /**
   * Replaces the model, once `checkpoint` is there, by the files that `write` puts into the folder
   * it is given. Returns the model's path. Throws EaselError if the model can't be written, and the
   * error of `checkpoint`. The model is then as it was.
   */
  async replace(
    write: (folder: string) => Promise<void>,
    checkpoint: Promise<unknown> = Promise.resolve(),
  ): Promise<string> {
    try {
      await allDone([this.named(this.writeFresh(write)), checkpoint]);
      await this.named(this.putFresh());
      return this.path;
    } catch (error) {
      await rm(this.fresh, { recursive: true, force: true }).catch(() => {});
      throw error;
    }
  }

  /** Puts back a model that a killed process removed without putting a new one in its place. */
  async putBack(): Promise<void> {
    await rename(this.old, this.path).catch(() => {}); // fails where there is a model, or none to put back
  }

  private async writeFresh(write: (folder: string) => Promise<void>): Promise<void> {
    await rm(this.fresh, { recursive: true, force: true });
    await mkdir(this.fresh);
    await write(this.fresh);
  }

  private async putFresh(): Promise<void> {
    await rm(this.old, { recursive: true, force: true });
    await rename(this.path, this.old).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rename(this.fresh, this.path);
    await rm(this.old, { recursive: true, force: true });
  }

  private named(work: Promise<void>): Promise<void> {
    return work.catch((error: Error) => {
      throw new EaselError(`Model ${this.path}: can't be written (${error.message}).`);
    });
  }
}
