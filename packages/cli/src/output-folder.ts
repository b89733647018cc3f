import { mkdir, mkdtemp, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DataError } from '@easel/core';

/** Folders that this process made for its output, the outer ones first. */
const made: string[] = [];

/**
 * Makes a folder and its parents. Node's own `recursive` never returns if a file system refuses
 * folders with ENOENT, as /proc does.
 */
async function makeFolder(path: string): Promise<void> {
  const make = () =>
    mkdir(path).then(
      () => void made.push(path),
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error; // a file of that name fails at the first write
      },
    );
  await make().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await make();
  });
}

/**
 * Makes the folder, with its parents, and tries to write in it, so that work that takes hours does
 * not end at an unwritable disk. Throws DataError if that fails.
 */
export async function prepareOutputFolder(path: string): Promise<void> {
  try {
    await makeFolder(resolve(path));
    await rmdir(await mkdtemp(join(path, '.easel-')));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataError(
      `Output folder ${path}: cannot write there (${reason}). Give another folder, or the right to write.`,
    );
  }
}

/**
 * Removes the folders that `prepareOutputFolder` made and that are still empty, for example after a
 * command that failed.
 */
export async function removeEmptyFolders(): Promise<void> {
  for (const path of made.splice(0).reverse()) await rmdir(path).catch(() => {}); // there is something in it
}
