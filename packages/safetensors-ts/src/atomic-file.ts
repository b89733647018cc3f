import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { bytesOf } from './bytes.js';

/**
 * The most bytes of one write call. libuv's limit is below 2 GiB, and an abort should not wait for
 * more.
 */
const MAX_WRITE_BYTES = 64 * 2 ** 20;

/** Appends all bytes of the view to the file. */
export async function writeAll(handle: FileHandle, view: ArrayBufferView): Promise<void> {
  const bytes = bytesOf(view);
  for (let at = 0; at < bytes.byteLength; ) {
    const length = Math.min(MAX_WRITE_BYTES, bytes.byteLength - at);
    const { bytesWritten } = await handle.write(bytes, at, length);
    at += bytesWritten;
  }
}

/**
 * Makes or replaces the file at `path` with what `write` writes, so that nobody ever sees a part of
 * it. The content goes to a temporary sibling (`.NAME.RANDOM.tmp`), which is synced to the disk and
 * renamed at the end. If anything fails, the temporary file is removed and what was at `path` stays
 * untouched. The error is the one that `write` or the file system threw.
 */
export async function writeAtomically(
  path: string,
  write: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const handle = await open(temporary, 'wx');
  try {
    try {
      await write(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncDirectory(directory);
}

/**
 * Makes a rename last through a power cut. Not every file system can do this; then the rename
 * stands as it is.
 */
async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    return;
  }
}
