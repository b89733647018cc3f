import { lstat, readdir, readlink, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ConfigError } from '@easel/core';
import { digestFile, digestName, digestOf } from './digest.js';
import { convertedFolders } from './find-model.js';
import { HubError } from './hub-error.js';
import { type HubPlace, hubPlace } from './hub-place.js';
import { type ModelForm, modelContents } from './model-contents.js';
import { formatHubName, parseHubName } from './model-name.js';
import { RepositoryCache, repositoryOf } from './repository-cache.js';

/** A commit of a repository in the cache. */
export interface CachedModel {
  readonly repository: string;
  readonly commit: string;
  /** Branches and tags that were this commit when they were last asked for. */
  readonly revisions: readonly string[];
  readonly folder: string;
  readonly files: number;
  /** Bytes of its files. Commits may share some of them. */
  readonly bytes: number;
  /** The form of its weights; null for what is no model that Easel opens. */
  readonly form: ModelForm | null;
  /** Bytes of what it was rewritten to, 0 if it was not. */
  readonly convertedBytes: number;
}

/** How a cached model's files compare with the hub's digests. */
export interface VerifiedModel {
  readonly repository: string;
  readonly commit: string;
  /** Files that were compared. */
  readonly files: number;
  /** Files of which nobody kept a digest. */
  readonly unknown: readonly string[];
  /** A sentence for each file that is damaged or missing. */
  readonly faults: readonly string[];
}

/** Lists what is in the cache, whoever fetched it, by name. */
export async function listModels(place: HubPlace = hubPlace()): Promise<CachedModel[]> {
  const names = await readdir(place.cache).catch(() => [] as string[]);
  const repositories = names.map(repositoryOf).filter((name) => name !== undefined);
  const lists = await Promise.all(repositories.sort().map((repository) => listCommits(repository, place)));
  return lists.flat();
}

async function listCommits(repository: string, place: HubPlace): Promise<CachedModel[]> {
  const cache = new RepositoryCache(place, repository);
  const [revisions, commits] = await Promise.all([cache.revisions(), cache.commits()]);
  return Promise.all(
    commits.map(async (commit) => {
      const paths = await cache.filesOf(commit);
      const sizes = await Promise.all(
        paths.map(async (path) => (await stat(cache.pointer(commit, path))).size),
      );
      return {
        ...{ repository, commit, revisions: revisions.get(commit) ?? [] },
        ...{ folder: cache.snapshot(commit), files: paths.length },
        bytes: sizes.reduce((sum, size) => sum + size, 0),
        form:
          modelContents(
            paths.map((path) => ({ path })),
            '',
          )?.form ?? null,
        convertedBytes: await bytesBelow(
          (await convertedOf(place, repository, commit)).map((name) =>
            join(convertedFolders(place.assets, repository), name),
          ),
        ),
      };
    }),
  );
}

/**
 * Compares the files of cached commits with the digests that the hub gave: those of a name, or, if
 * `name` is undefined, of all. Throws HubError if the name is not in the cache.
 */
export async function verifyModels(
  name: string | undefined,
  {
    place = hubPlace(),
    onFile,
    signal,
  }: {
    readonly place?: HubPlace;
    /** Takes the number of files that are compared. */
    readonly onFile?: (done: number, total: number) => void;
    readonly signal?: AbortSignal;
  } = {},
): Promise<VerifiedModel[]> {
  const chosen = await chosenCommits(name, place);
  const names = await Promise.all(chosen.map(({ cache, commit }) => cache.namesOf(commit)));
  const total = names.reduce((sum, { length }) => sum + length, 0);
  let done = 0;
  const verified: VerifiedModel[] = [];
  for (const [i, { cache, commit }] of chosen.entries()) {
    const listed = new Map((await cache.list(commit))?.map((file) => [file.path, file]));
    const faults: string[] = [];
    const unknown: string[] = [];
    const present = names[i] ?? [];
    for (const path of present) {
      signal?.throwIfAborted();
      const fault = await faultOf(cache, commit, path, listed.get(path));
      if (fault === null) unknown.push(path);
      else if (fault !== undefined) faults.push(`${cache.pointer(commit, path)} ${fault}`);
      onFile?.(++done, total);
    }
    // What a model needs beside: only of one that was asked for, since Python fetches single files, too.
    const wanted =
      name === undefined
        ? []
        : (modelContents([...listed.values()], parseHubName(name).subfolder)?.files ?? []);
    for (const { path } of wanted)
      if (!present.includes(path)) faults.push(`${cache.pointer(commit, path)} is missing`);
    const files = present.length - unknown.length;
    verified.push({ repository: cache.repository, commit, files, unknown, faults });
  }
  return verified;
}

/** What is wrong with a file: undefined for nothing, null if nobody knows what it should be. */
async function faultOf(
  cache: RepositoryCache,
  commit: string,
  path: string,
  listed: { readonly size: number; readonly digest: { readonly hex: string } } | undefined,
): Promise<string | undefined | null> {
  const pointer = cache.pointer(commit, path);
  const target = await readlink(pointer).catch(() => undefined);
  const found = await stat(pointer).catch(() => undefined);
  if (found === undefined) return `is missing: its link leads to ${target ?? 'nothing'}, which is not there`;
  const digest = digestOf(listed?.digest.hex ?? basename(target ?? ''));
  if (digest === undefined) return null;
  if (listed !== undefined && listed.size !== found.size)
    return `has ${found.size} bytes in place of ${listed.size}`;
  const hex = await digestFile(pointer, found.size, digest);
  if (hex === digest.hex) return undefined;
  return `has other bytes than the hub's (${digestName(digest)}: expected ${digest.hex}, found ${hex})`;
}

/**
 * Removes a repository from the cache, or with `@revision` one commit of it, and what was made of it.
 * Files that other commits have stay. Returns the bytes that became free. Throws HubError if the name
 * is not in the cache, ConfigError for the name of a folder in a repository.
 */
export async function removeModel(
  name: string,
  {
    place = hubPlace(),
    onNotice,
    signal,
  }: {
    readonly place?: HubPlace;
    readonly onNotice?: (text: string) => void;
    readonly signal?: AbortSignal;
  } = {},
): Promise<number> {
  const hubName = parseHubName(name);
  if (hubName.subfolder !== '')
    throw new ConfigError(
      `Model ${name}: a repository is removed as a whole: leave :${hubName.subfolder} out.`,
    );
  const chosen = await chosenCommits(name, place);
  const cache = new RepositoryCache(place, hubName.repository);
  const made = convertedFolders(place.assets, hubName.repository);
  return cache.alone(
    async () => {
      const before = await bytesBelow([cache.folder, made]);
      const going = new Set(chosen.map(({ commit }) => commit));
      const staying = (await cache.commits()).filter((commit) => !going.has(commit));
      if (staying.length === 0) {
        await rm(cache.folder, { recursive: true, force: true });
        await rm(made, { recursive: true, force: true });
        return before;
      }
      for (const commit of going) await removeCommit(cache, commit, made, place);
      await removeUnused(cache, staying);
      return before - (await bytesBelow([cache.folder, made]));
    },
    { onNotice, signal },
  );
}

async function removeCommit(
  cache: RepositoryCache,
  commit: string,
  made: string,
  place: HubPlace,
): Promise<void> {
  for (const revision of (await cache.revisions()).get(commit) ?? [])
    await rm(join(cache.folder, 'refs', revision), { force: true });
  await rm(join(cache.folder, 'trees', `${commit}.json`), { force: true });
  await rm(cache.snapshot(commit), { recursive: true, force: true });
  for (const name of await convertedOf(place, cache.repository, commit))
    await rm(join(made, name), { recursive: true, force: true });
}

/** Removes the blobs that no commit points to. */
async function removeUnused(cache: RepositoryCache, commits: readonly string[]): Promise<void> {
  const used = new Set<string>();
  for (const commit of commits) {
    for (const path of await cache.namesOf(commit)) {
      const target = await readlink(cache.pointer(commit, path)).catch(() => undefined);
      if (target !== undefined) used.add(basename(target));
    }
  }
  const blobs = join(cache.folder, 'blobs');
  for (const blob of await readdir(blobs).catch(() => [] as string[]))
    if (digestOf(blob) !== undefined && !used.has(blob)) await rm(join(blobs, blob), { force: true });
}

/** The commits that a name stands for: all of its repository unless it has a revision. */
async function chosenCommits(
  name: string | undefined,
  place: HubPlace,
): Promise<{ readonly cache: RepositoryCache; readonly commit: string }[]> {
  if (name === undefined)
    return (await listModels(place)).map(({ repository, commit }) => ({
      cache: new RepositoryCache(place, repository),
      commit,
    }));
  const hubName = parseHubName(name);
  const cache = new RepositoryCache(place, hubName.repository);
  const commits = await cache.commits();
  const asked = name.includes('@') ? [await cache.commitOf(hubName.revision)] : commits;
  const found = asked.filter((commit) => commit !== undefined && commits.includes(commit)) as string[];
  if (found.length === 0)
    throw new HubError(
      `${formatHubName(hubName)} is not in the cache ${place.cache}. easel models list says what is.`,
    );
  return found.map((commit) => ({ cache, commit }));
}

/** Names of the folders that were made of a commit. */
async function convertedOf({ assets }: HubPlace, repository: string, commit: string): Promise<string[]> {
  const names = await readdir(convertedFolders(assets, repository)).catch(() => [] as string[]);
  return names.filter((name) => name.startsWith(commit));
}

/** Bytes of the files below folders, links not followed. */
async function bytesBelow(folders: readonly string[]): Promise<number> {
  let sum = 0;
  for (const folder of folders) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries)
      if (entry.isFile()) sum += (await lstat(join(entry.parentPath, entry.name))).size;
  }
  return sum;
}
