import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { EaselError } from '@easel/core';

/** A held lock; `release` gives the folder free and may be called twice. */
export interface FolderLock {
  release(): Promise<void>;
}

interface LockRecord {
  readonly pid: number;
  readonly host: string;
  /** When the process started, where the system tells: a later process may have got the same number. */
  readonly started: string | null;
}

const lockName = 'lock';

/**
 * Takes a folder for this process, so that no second run writes into it.
 *
 * The file `lock` in it names process and host. One left by a process of this host that is gone is replaced; one of
 * another host can't be judged and is respected.
 * Throws EaselError if the folder is taken or can't be written to.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, lockName);
  const mine = JSON.stringify({
    pid: process.pid,
    host: hostname(),
    started: startOf(process.pid),
    id: randomUUID(),
  });
  for (let attempt = 0; ; attempt++) {
    try {
      await createWhole(path, mine);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
        throw new EaselError(`Folder ${folder}: can't be written to (${(error as Error).message}).`);
    }
    const theirs = await readFile(path, 'utf8').catch(() => undefined);
    if (theirs === undefined) continue; // released in between
    const holder = parseLock(theirs);
    if (attempt >= 10 || !isStale(holder))
      throw new EaselError(
        `Folder ${folder}: another run writes into it (process ${holder?.pid ?? '?'} on ${holder?.host ?? '?'}). Wait for it or choose another folder. If that process is gone, delete ${path}.`,
      );
    await removeStale(path, theirs);
  }
  let held = true;
  return {
    async release() {
      if (!held) return;
      held = false;
      const now = await readFile(path, 'utf8').catch(() => undefined);
      if (now === mine) await unlink(path);
    },
  };
}

/**
 * Creates a file that nobody sees without its content, even if this process is killed meanwhile. Fails with EEXIST if there is one.
 * The sibling it is written to first is named like other leftovers of a run, which the next holder removes.
 */
async function createWhole(path: string, content: string): Promise<void> {
  const fresh = join(dirname(path), `.lock-${randomUUID()}.partial`);
  await writeFile(fresh, content, { flag: 'wx' });
  try {
    await link(fresh, path);
  } finally {
    await rm(fresh, { force: true });
  }
}

/** Takes a stale lock away by renaming, so that of two processes that found it only one does; a fresh one is put back. */
async function removeStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return; // another process was first
  }
  if ((await readFile(aside, 'utf8')) !== stale) await link(aside, path).catch(() => {});
  await unlink(aside);
}

function parseLock(text: string): LockRecord | undefined {
  try {
    const record = JSON.parse(text) as LockRecord;
    return Number.isInteger(record.pid) && typeof record.host === 'string' ? record : undefined;
  } catch {
    return undefined;
  }
}

function isStale(holder: LockRecord | undefined): boolean {
  if (holder === undefined || holder.host !== hostname()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
  return holder.started !== null && holder.started !== startOf(holder.pid);
}

/** Field 22 of Linux's /proc/PID/stat, the start in clock ticks since boot; null elsewhere. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
