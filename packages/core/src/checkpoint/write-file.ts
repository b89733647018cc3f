import { mkdir } from 'node:fs/promises';
import { writeAll, writeAtomically } from 'safetensors-ts/internals/node';
import { EaselError } from '../errors.js';
import { errorCode } from '../files/file-errors.js';

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'The folder does not exist: make it first.',
  ENOTDIR: 'A part of the path is a file and not a folder.',
  EISDIR: 'There is a folder of that name: choose another name.',
  EACCES: 'You may not write there: choose another folder or change its permissions.',
  EPERM: 'You may not write there: choose another folder or change its permissions.',
  EROFS: 'The disk is mounted read-only: choose another folder.',
  ENOSPC: 'The disk is full: free some space or choose another disk. Nothing was changed.',
  EDQUOT: 'Your disk quota is used up: free some space or choose another disk. Nothing was changed.',
  EMFILE: 'Too many files are open: raise the limit (ulimit -n).',
};

/**
 * Turns an error of the file system into an EaselError that says what to do. Any other error is
 * returned unchanged.
 */
export function asWriteError(error: unknown, path: string): unknown {
  const code = errorCode(error);
  if (code === undefined || error instanceof EaselError) return error;
  const remedy = REMEDIES[code];
  return new EaselError(
    `${path}: cannot be written (${code}).${remedy === undefined ? ` ${(error as Error).message}.` : ` ${remedy}`}`,
    { cause: error },
  );
}

/**
 * Waits for `writing`. An error of the file system becomes one that says what to do about `path`.
 */
export async function withRemedy<Result>(path: string, writing: Promise<Result>): Promise<Result> {
  try {
    return await writing;
  } catch (error) {
    throw asWriteError(error, path);
  }
}

/**
 * Makes or replaces a file as a whole. The content goes to a temporary sibling, which is synced and
 * renamed. If anything fails, no temporary file is left, and what was at `path` stays. Text is
 * written as UTF-8. Throws EaselError that says what to do.
 */
export async function writeFileAtomic(path: string, content: Uint8Array | string): Promise<void> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  await withRemedy(
    path,
    writeAtomically(path, (handle) => writeAll(handle, bytes)),
  );
}

/**
 * Writes a value as indented JSON that ends with a line break. The rest is as in `writeFileAtomic`.
 */
export async function writeJson(path: string, json: unknown): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(json, null, 2)}\n`);
}

/**
 * Makes a folder, and those above it, if they do not exist yet. Throws EaselError that says what to
 * do.
 */
export async function makeFolder(path: string): Promise<void> {
  await withRemedy(path, mkdir(path, { recursive: true }));
}
