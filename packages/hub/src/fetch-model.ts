import { readFile, rm, statfs } from 'node:fs/promises';
import { makeFolder } from '@easel/core/internals/node';
import { companionOf } from './companion.js';
import { digestFile } from './digest.js';
import { downloadBlob, type OnBytes } from './download-blob.js';
import { checkFileName } from './file-name.js';
import { type FoundModel, findModel } from './find-model.js';
import { HubClient, type HubClientOptions, type RepositoryFile } from './hub-client.js';
import { HubError } from './hub-error.js';
import { type HubPlace, hubPlace } from './hub-place.js';
import { describeFiles, formatBytes, type ModelContents, modelContents } from './model-contents.js';
import { formatHubName, type HubName, parseHubName } from './model-name.js';
import { RepositoryCache, sizeOf } from './repository-cache.js';

/** Options of `planFetch` and `fetchModel`. */
export interface FetchOptions extends HubClientOptions {
  /** Where the hub and the cache are (default: as the environment says). */
  readonly place?: HubPlace | undefined;
  /** Takes the bytes that are there, of all that there will be. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What fetching a model would do. */
export interface FetchPlan {
  readonly name: HubName;
  readonly commit: string;
  readonly contents: ModelContents<RepositoryFile>;
  /** All files of the repository. */
  readonly listed: readonly RepositoryFile[];
  /** Bytes of the model's files, and those of them that are not in the cache. */
  readonly bytes: number;
  readonly missing: number;
  /** The VQGAN that goes with it, from a repository of its own. */
  readonly vqgan: FetchPlan | undefined;
}

/** Files that are fetched at a time. */
const AT_A_TIME = 4;

/**
 * Asks the hub for a model's files, with those of the VQGAN that goes with it. Fetches none of them
 * but, for a text model, its config.json into memory. Throws HubError if the hub has no such model,
 * and says what its repository has instead; ConfigError for a name that no model can have.
 */
export async function planFetch(name: HubName | string, options: FetchOptions = {}): Promise<FetchPlan> {
  const { place = hubPlace() } = options;
  const hubName = typeof name === 'string' ? parseHubName(name) : name;
  const { repository, revision, subfolder } = hubName;
  const client = new HubClient(place, options);
  const cache = new RepositoryCache(place, repository);
  const commit = /^[0-9a-f]{40}$/.test(revision) ? revision : await client.commitOf(repository, revision);
  const listed = await client.filesOf(repository, commit);
  const contents = modelContents(listed, subfolder);
  if (contents === undefined)
    throw new HubError(
      `${formatHubName(hubName)} is no model that Easel opens: one has config.json and model.safetensors, flax_model.msgpack or a file of PyTorch. ${describeFiles(listed)}`,
    );
  for (const { path } of contents.files) checkFileName(path, repository);
  const there = await Promise.all(contents.files.map((file) => bytesThere(cache, commit, file)));
  const bytes = contents.files.reduce((sum, { size }) => sum + size, 0);
  const missing = bytes - there.reduce((sum, size) => sum + size, 0);
  const companion = contents.hasVqgan
    ? undefined
    : companionOf(await readConfig(client, cache, commit, contents.files));
  const vqgan = companion === undefined ? undefined : await planFetch(companion, options);
  return { name: hubName, commit, contents, listed, bytes, missing, vqgan };
}

/**
 * Fetches a model into the cache of Hugging Face's hub, with the VQGAN that goes with it, and returns
 * where it is. What is there is compared with the hub's digests and kept; what is damaged is fetched
 * again. A branch or tag names the new commit when all its files are there. One process at a time
 * fills a repository's folder; another one waits.
 *
 * Throws what `planFetch` and `downloadBlob` throw, and HubError if the disk has too little room.
 */
export async function fetchModel(
  what: FetchPlan | HubName | string,
  options: FetchOptions = {},
): Promise<FoundModel> {
  const { place = hubPlace(), onProgress } = options;
  const plan = typeof what === 'object' && 'contents' in what ? what : await planFetch(what, options);
  const plans = plan.vqgan === undefined ? [plan] : [plan, plan.vqgan];
  await checkRoom(
    place,
    plans.reduce((sum, { missing }) => sum + missing, 0),
  );
  const total = plans.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const onBytes = (change: number) => {
    done += change;
    onProgress?.(done, total);
  };
  for (const one of plans.reverse()) await fetchFiles(one, place, options, onBytes);
  const found = await findModel({ ...plan.name, revision: plan.commit }, place);
  if (found === undefined)
    throw new HubError(
      `${formatHubName(plan.name)}: its files were fetched, and are gone again from ${place.cache}.`,
    );
  return { ...found, name: plan.name };
}

async function fetchFiles(
  { name, commit, contents, listed }: FetchPlan,
  place: HubPlace,
  options: FetchOptions,
  onBytes: OnBytes,
): Promise<void> {
  const cache = new RepositoryCache(place, name.repository);
  const failed = new AbortController();
  const signal =
    options.signal === undefined ? failed.signal : AbortSignal.any([failed.signal, options.signal]);
  const client = new HubClient(place, { ...options, signal });
  const groups = sameBytes(contents.files).sort(([a], [b]) => (b?.size ?? 0) - (a?.size ?? 0));
  await cache.alone(async () => {
    await cache.setList(commit, listed);
    const work = async () => {
      for (let group = groups.shift(); group !== undefined; group = groups.shift())
        await fetchGroup(group, commit, cache, client, onBytes);
    };
    const workers = Array.from({ length: AT_A_TIME }, () =>
      work().catch((error: unknown) => {
        failed.abort(); // the others end at their next byte, and keep what they have
        throw error;
      }),
    );
    let first: unknown;
    for (const result of await Promise.allSettled(workers))
      if (result.status === 'rejected' && (first === undefined || isAbort(first))) first = result.reason;
    if (first !== undefined) throw first;
    await cache.setCommit(name.revision, commit);
  }, options);
}

/** Files in groups of the same bytes. */
function sameBytes(files: readonly RepositoryFile[]): RepositoryFile[][] {
  const groups = new Map<string, RepositoryFile[]>();
  for (const file of files) groups.set(file.digest.hex, [...(groups.get(file.digest.hex) ?? []), file]);
  return [...groups.values()];
}

/** Makes sure of files with the same bytes: one is fetched, if none is there. */
async function fetchGroup(
  group: readonly RepositoryFile[],
  commit: string,
  cache: RepositoryCache,
  client: HubClient,
  onBytes: OnBytes,
): Promise<void> {
  const [{ digest, size }] = group as [RepositoryFile];
  const blob = cache.blob(digest);
  const absent: RepositoryFile[] = [];
  for (const file of group) {
    if (await isWhole(cache.pointer(commit, file.path), file)) onBytes(size);
    else absent.push(file);
  }
  if (absent.length === 0) return;
  const had = await isWhole(blob, absent[0] as RepositoryFile);
  if (had) onBytes(size);
  else {
    await rm(blob, { force: true });
    const [file] = absent as [RepositoryFile];
    const incomplete = cache.incomplete(digest);
    await downloadBlob(client, file, { repository: cache.repository, commit, blob, incomplete }, onBytes);
  }
  // Where files are moved in place of linked, the last name takes the blob.
  for (const [i, file] of absent.entries()) {
    await cache.point(commit, file, !had && i === absent.length - 1);
    if (i > 0) onBytes(size);
  }
}

async function isWhole(path: string, { size, digest }: RepositoryFile): Promise<boolean> {
  return (await sizeOf(path)) === size && (await digestFile(path, size, digest)) === digest.hex;
}

/** Bytes of a file that are in the cache, by size alone. */
async function bytesThere(cache: RepositoryCache, commit: string, file: RepositoryFile): Promise<number> {
  for (const path of [cache.pointer(commit, file.path), cache.blob(file.digest)])
    if ((await sizeOf(path)) === file.size) return file.size;
  return Math.min((await sizeOf(cache.incomplete(file.digest))) ?? 0, file.size);
}

/** More than any config is. */
const LARGEST_CONFIG = 2 ** 20;

async function readConfig(
  client: HubClient,
  cache: RepositoryCache,
  commit: string,
  files: readonly RepositoryFile[],
): Promise<string> {
  const file = files.find(({ path }) => /(?:^|\/)config\.json$/.test(path));
  if (file === undefined || file.size > LARGEST_CONFIG) return '';
  const path = cache.pointer(commit, file.path);
  if (await isWhole(path, file)) return readFile(path, 'utf8');
  return client.text(cache.repository, commit, file);
}

/** Throws HubError if the cache's disk has less room than is needed. */
async function checkRoom({ cache }: HubPlace, missing: number): Promise<void> {
  await makeFolder(cache);
  const disk = await statfs(cache).catch(() => undefined);
  const free = disk === undefined ? Number.POSITIVE_INFINITY : disk.bavail * disk.bsize;
  if (missing > free)
    throw new HubError(
      `${cache}: ${formatBytes(missing)} are to be fetched, and the disk has room for ${formatBytes(free)}. Make room, or set HF_HUB_CACHE to a folder on another disk. Nothing was fetched.`,
    );
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
