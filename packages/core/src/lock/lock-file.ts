import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type FileHandle, link, open, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';

/** Who holds a lock. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /**
   * Start of the process, if the system tells it. It tells the holder from a later process with the
   * same number.
   */
  readonly started: string | null;
}

/** A lock of this process. */
export interface FileLock {
  /**
   * Tells others that the holder is alive. Returns false if another process has taken the lock over
   * meanwhile.
   */
  renew(): Promise<boolean>;
  /** Releases the lock. It may be called twice. */
  release(): Promise<void>;
}

/** A lock, or its present holder (undefined if the file is damaged). */
export type LockAttempt = { readonly lock: FileLock } | { readonly holder: LockHolder | undefined };

/** Number of attempts to take a lock that other processes keep releasing. */
const ATTEMPTS = 10;

/**
 * Takes a lock file for this process, or returns its holder.
 *
 * The file names process and host. One left by a process of this host that is gone is replaced. One
 * of another host can't be judged: with `expirySeconds` it is replaced if it wasn't renewed for so
 * long by the file system's own clock, else it is respected. Throws what the file system throws if
 * the file can't be made.
 */
export async function takeLock(
  path: string,
  options: { readonly expirySeconds?: number } = {},
): Promise<LockAttempt> {
  const mine = JSON.stringify({
    pid: process.pid,
    host: hostname(),
    started: startOf(process.pid),
    id: randomUUID(),
  });
  for (let attempt = 0; ; attempt++) {
    const handle = await createWhole(path, mine);
    if (handle !== undefined) return { lock: heldLock(path, mine, handle) };
    const theirs = await readFile(path, 'utf8').catch(() => undefined);
    if (theirs === undefined) continue; // released in between
    const holder = parseHolder(theirs);
    if (attempt >= ATTEMPTS || !(isGone(holder) || (await isExpired(path, holder, options.expirySeconds))))
      return { holder };
    await removeStale(path, theirs);
  }
}

function heldLock(path: string, mine: string, handle: FileHandle): FileLock {
  let held = true;
  return {
    async renew() {
      if (!held) return false;
      // Through the handle: were the lock another's by now, its file is another one and stays as it
      // is.
      await handle.write(mine, 0);
      return (await readFile(path, 'utf8').catch(() => undefined)) === mine;
    },
    async release() {
      if (!held) return;
      held = false;
      await handle.close();
      const now = await readFile(path, 'utf8').catch(() => undefined);
      if (now === mine) await unlink(path);
    },
  };
}

/**
 * Creates a file that nobody sees without its content, even if this process is killed meanwhile;
 * undefined if there is one already. The sibling it is written to first is named like other
 * leftovers of a run, which the next holder removes.
 */
async function createWhole(path: string, content: string): Promise<FileHandle | undefined> {
  const fresh = join(dirname(path), `.lock-${randomUUID()}.partial`);
  const handle = await open(fresh, 'wx');
  try {
    await handle.write(content, 0);
    await link(fresh, path);
    return handle;
  } catch (error) {
    await handle.close();
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return undefined;
    if (code !== undefined && WITHOUT_LINKS.has(code)) return createInPlace(path, content);
    throw error;
  } finally {
    await rm(fresh, { force: true });
  }
}

/** What file systems without hard links answer, as exFAT and some network drives. */
const WITHOUT_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** The same where a file can't have two names: others may see it for a moment without its content. */
async function createInPlace(path: string, content: string): Promise<FileHandle | undefined> {
  try {
    const handle = await open(path, 'wx');
    await handle.write(content, 0);
    return handle;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
}

/**
 * Removes a stale lock by renaming it, so that only one of two processes that found it removes it.
 * A fresh lock is put back.
 */
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

function parseHolder(text: string): LockHolder | undefined {
  try {
    const record = JSON.parse(text) as LockHolder;
    return Number.isInteger(record.pid) && typeof record.host === 'string' ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the holder is a process of this host that has ended. */
function isGone(holder: LockHolder | undefined): boolean {
  if (holder === undefined || holder.host !== hostname()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
  return holder.started !== null && holder.started !== startOf(holder.pid);
}

/**
 * Whether the holder is on another host and has not renewed its lock for too long. Both times come
 * from the file system's clock.
 */
async function isExpired(
  path: string,
  holder: LockHolder | undefined,
  expirySeconds: number | undefined,
): Promise<boolean> {
  if (expirySeconds === undefined || holder?.host === hostname()) return false;
  const probe = join(dirname(path), `.lock-${randomUUID()}.partial`);
  try {
    await writeFile(probe, '', { flag: 'wx' });
    const [now, renewed] = await Promise.all([stat(probe), stat(path)]);
    return now.mtimeMs - renewed.mtimeMs > expirySeconds * 1000;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false; // released in between
    throw error;
  } finally {
    await rm(probe, { force: true });
  }
}

/**
 * Reads field 22 of Linux's /proc/PID/stat, the start of the process in clock ticks since boot.
 * Returns null on other systems.
 */
function startOf(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
