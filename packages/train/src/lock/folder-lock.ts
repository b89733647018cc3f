import { join } from 'node:path';
import { EaselError } from '@easel/core';
import { type LockAttempt, takeLock } from '@easel/core/internals/node';

/** A held lock. `release` frees the folder and may be called twice. */
export interface FolderLock {
  release(): Promise<void>;
}

/** File by which a process holds a folder. */
export const LOCK_NAME = 'lock';

/**
 * Locks a folder for this process, so that no second run writes into it.
 *
 * The file `lock` in the folder names process and host. If it names a process of this host that has
 * ended, it is replaced. A lock of another host cannot be checked, so it is respected. Throws
 * EaselError if the folder is locked or can't be written to.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, LOCK_NAME);
  const attempt: LockAttempt = await takeLock(path).catch((error: Error) => {
    throw new EaselError(`Folder ${folder}: can't be written to (${error.message}).`);
  });
  if ('lock' in attempt) return attempt.lock;
  const { pid, host } = attempt.holder ?? { pid: '?', host: '?' };
  throw new EaselError(
    `Folder ${folder}: another run writes into it (process ${pid} on ${host}). Wait for it or choose another folder. If that process is gone, delete ${path}.`,
  );
}
