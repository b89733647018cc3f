import { join } from 'node:path';
import { EaselError } from '@easel/core';
import { type LockAttempt, takeLock } from './lock-file.js';

/** A held lock; `release` gives the folder free and may be called twice. */
export interface FolderLock {
  release(): Promise<void>;
}

const LOCK_NAME = 'lock';

/**
 * Takes a folder for this process, so that no second run writes into it.
 *
 * The file `lock` in it names process and host. One left by a process of this host that is gone is
 * replaced; one of another host can't be judged and is respected. Throws EaselError if the folder
 * is taken or can't be written to.
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
