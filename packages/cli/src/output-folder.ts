import { mkdir, mkdtemp, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '@easel/core';

/**
 * Makes the folder, with its parents, and tries to write in it, so that work that takes hours does not end at an unwritable disk.
 * Throws DataError if that fails.
 */
export async function prepareOutputFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await rmdir(await mkdtemp(join(path, '.easel-')));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataError(
      `Output folder ${path}: cannot write there (${reason}). Give another folder, or the right to write.`,
    );
  }
}
