import { randomUUID } from 'node:crypto';
import { copyFile, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  asWriteError,
  type FileLock,
  makeFolder,
  takeLock,
  writeFileAtomic,
} from '@easel/core/internals/node';
import { type Digest, digestOf } from './digest.js';
import type { RepositoryFile } from './hub-client.js';
import type { HubPlace } from './hub-place.js';

/**
 * The folder of one repository in the cache, laid out as Python's huggingface_hub does:
 *
 *     models--org--name/refs/main                     the commit that main was when it was asked for
 *     models--org--name/blobs/DIGEST                  the bytes of a file, under its etag
 *     models--org--name/snapshots/COMMIT/config.json  → ../../blobs/DIGEST
 *     models--org--name/trees/COMMIT.json             the list of the commit's files
 *
 * Where a file system has no symbolic links, the bytes lie in `snapshots` themselves.
 */
export class RepositoryCache {
  readonly repository: string;
  readonly folder: string;
  private readonly place: HubPlace;
  private readonly link: (target: string, path: string) => Promise<void>;

  constructor(
    place: HubPlace,
    repository: string,
    link: (target: string, path: string) => Promise<void> = symlink,
  ) {
    this.place = place;
    this.repository = repository;
    this.folder = join(place.cache, folderName(repository));
    this.link = link;
  }

  /** The folder of a commit's files. */
  snapshot(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  pointer(commit: string, path: string): string {
    return join(this.snapshot(commit), ...path.split('/'));
  }

  blob({ hex }: Digest): string {
    return join(this.folder, 'blobs', hex);
  }

  /** The part of a blob that has come. Other programs have names of their own for theirs. */
  incomplete(digest: Digest): string {
    return `${this.blob(digest)}.easel.incomplete`;
  }

  /** The commit of a revision as it was last asked for; undefined if it never was. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (/^[0-9a-f]{40}$/.test(revision)) return revision;
    const text = await readFile(join(this.folder, 'refs', ...revision.split('/')), 'utf8').catch(() => '');
    return /^[0-9a-f]{40}$/.test(text.trim()) ? text.trim() : undefined;
  }

  /** Notes which commit a revision is. */
  async setCommit(revision: string, commit: string): Promise<void> {
    if (revision === commit || (await this.commitOf(revision)) === commit) return;
    const path = join(this.folder, 'refs', ...revision.split('/'));
    await makeFolder(dirname(path));
    await writeFileAtomic(path, commit);
  }

  /** Revisions of each commit, by the files of `refs`. */
  async revisions(): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    for (const revision of await filesBelow(join(this.folder, 'refs'))) {
      const commit = await this.commitOf(revision);
      if (commit !== undefined) found.set(commit, [...(found.get(commit) ?? []), revision]);
    }
    return found;
  }

  /** The commits of which files are here. */
  async commits(): Promise<string[]> {
    const names = await readdir(join(this.folder, 'snapshots')).catch(() => []);
    return names.filter((name) => /^[0-9a-f]{40}$/.test(name)).sort();
  }

  /** The list of a commit's files, if it was kept; undefined for none, or one that can't be read. */
  async list(commit: string): Promise<RepositoryFile[] | undefined> {
    try {
      const { format_version, files } = JSON.parse(await readFile(this.treePath(commit), 'utf8'));
      if (format_version !== TREE_FORMAT) return undefined;
      return Object.entries(files as Record<string, TreeEntry>).map(([path, entry]) => {
        const digest = digestOf(entry.lfs_sha256 ?? entry.blob_id);
        if (digest === undefined) throw new Error('no digest');
        const size = entry.lfs_size ?? entry.size;
        return { path, size, digest, blobId: entry.blob_id, xetHash: entry.xet_hash };
      });
    } catch {
      return undefined; // it is only a copy of what the hub says
    }
  }

  /** Keeps the list of a commit's files. */
  async setList(commit: string, files: readonly RepositoryFile[]): Promise<void> {
    const entries = files.map(({ path, size, digest, blobId, xetHash }): [string, TreeEntry] => [
      path,
      {
        ...{ size, blob_id: blobId },
        ...(digest.algorithm === 'sha256' ? { lfs_sha256: digest.hex, lfs_size: size } : {}),
        ...(xetHash === undefined ? {} : { xet_hash: xetHash }),
      },
    ]);
    const sorted = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
    await makeFolder(dirname(this.treePath(commit)));
    const json = { format_version: TREE_FORMAT, files: sorted };
    await writeFileAtomic(this.treePath(commit), JSON.stringify(json, null, 1));
  }

  /** Paths of a commit's files that are here, links to missing blobs left out. */
  async filesOf(commit: string): Promise<string[]> {
    const snapshot = this.snapshot(commit);
    const names = await filesBelow(snapshot);
    const here = await Promise.all(names.map((name) => isFile(join(snapshot, name))));
    return names.filter((_, i) => here[i]);
  }

  /** All names in a commit's folder, links that lead nowhere included. */
  namesOf(commit: string): Promise<string[]> {
    return filesBelow(this.snapshot(commit));
  }

  /**
   * Gives a blob its name in a commit's folder: by a link, or, where there are none, by moving a blob
   * that is `fresh` and copying one that others may use.
   */
  async point(commit: string, { path, digest }: RepositoryFile, fresh: boolean): Promise<void> {
    const [blob, pointer] = [this.blob(digest), this.pointer(commit, path)];
    await makeFolder(dirname(pointer));
    await rm(pointer, { force: true });
    if (this.place.symlinks) {
      try {
        await this.link(relative(dirname(pointer), blob), pointer);
        return;
      } catch (error) {
        if (!WITHOUT_SYMLINKS.has((error as NodeJS.ErrnoException).code ?? ''))
          throw asWriteError(error, pointer);
      }
    }
    try {
      if (fresh) return await rename(blob, pointer);
      const aside = `${pointer}.${randomUUID()}.tmp`;
      await copyFile(blob, aside);
      await rename(aside, pointer);
    } catch (error) {
      throw asWriteError(error, pointer);
    }
  }

  /**
   * Runs `work` while this process alone writes here, as far as programs of Easel go. Says through
   * `onNotice` whom it waits for.
   */
  async alone<T>(
    work: () => Promise<T>,
    {
      onNotice,
      signal,
    }: {
      readonly onNotice?: ((text: string) => void) | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<T> {
    const path = join(this.place.cache, '.locks', folderName(this.repository), 'easel.lock');
    await makeFolder(dirname(path));
    const lock = await this.waitForLock(path, onNotice, signal);
    const renewing = setInterval(() => void lock.renew().catch(() => {}), RENEW_MILLISECONDS).unref();
    try {
      return await work();
    } finally {
      clearInterval(renewing);
      await lock.release();
    }
  }

  private async waitForLock(
    path: string,
    onNotice: ((text: string) => void) | undefined,
    signal: AbortSignal | undefined,
  ): Promise<FileLock> {
    for (let told = false; ; told = true) {
      signal?.throwIfAborted();
      const attempt = await takeLock(path, { expirySeconds: EXPIRY_SECONDS }).catch((error: unknown) => {
        throw asWriteError(error, path);
      });
      if ('lock' in attempt) return attempt.lock;
      const { pid, host } = attempt.holder ?? { pid: '?', host: '?' };
      if (!told)
        onNotice?.(
          `${this.repository}: waiting for process ${pid} on ${host}, which fetches it. If that process is gone, delete ${path}.`,
        );
      await sleep(POLL_MILLISECONDS, undefined, signal === undefined ? {} : { signal });
    }
  }

  private treePath(commit: string): string {
    return join(this.folder, 'trees', `${commit}.json`);
  }
}

/** A file as huggingface_hub's `trees` have it. */
interface TreeEntry {
  readonly size: number;
  readonly blob_id: string;
  readonly lfs_sha256?: string;
  readonly lfs_size?: number;
  readonly xet_hash?: string;
}

const TREE_FORMAT = 1;

const RENEW_MILLISECONDS = 10_000;
const EXPIRY_SECONDS = 60;
const POLL_MILLISECONDS = 200;

/** What systems answer that have no symbolic links, or keep them from this user. */
const WITHOUT_SYMLINKS = new Set(['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'UNKNOWN']);

/** The folder of a repository in the cache. */
export function folderName(repository: string): string {
  return ['models', ...repository.split('/')].join('--');
}

/** The repository of a folder in the cache; undefined for another kind of folder. */
export function repositoryOf(name: string): string | undefined {
  const [kind, ...words] = name.split('--');
  return kind === 'models' && words.length > 0 && words.length <= 2 && words.every((word) => word !== '')
    ? words.join('/')
    : undefined;
}

/** Paths of all files below a folder, with slashes, links included. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory() && !entry.name.endsWith('.tmp'))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
}

/** Whether there is a file, links followed. */
export async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

/** Size of a file, links followed; undefined if there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}
