import { CheckpointError } from '../errors.js';
import { type ModelFile, ModelFiles } from '../files/model-files.js';
import { urlFiles } from '../files/url-files.js';
import {
  contentFault,
  damagedModel,
  type ListedFile,
  MANIFEST_FILE,
  openManifest,
  sizeFault,
} from '../manifest/model-manifest.js';

/** Name of the cache where none is given. */
const CACHE_NAME = 'easel-models';

/** What of a browser's Cache keeps files. */
export interface FileCache {
  match(url: string): Promise<Response | undefined>;
  put(url: string, response: Response): Promise<void>;
  delete(url: string): Promise<boolean>;
  keys(): Promise<readonly { readonly url: string }[]>;
}

/** Options of `keptFiles`. */
export interface KeptFilesOptions {
  /** Called with the number of bytes that are there, of all that are listed. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Files that the manifest does not list and that may be there, e.g. those that a user may change. */
  readonly others?: readonly string[];
  /** Where files are kept (default: a cache of the browser; nowhere if there is none). */
  readonly cache?: FileCache | undefined;
  /** Replaces the global fetch. */
  readonly fetch?: (url: string, init: object) => Promise<Response>;
  /** Ends the loading, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The files of a model behind an address, each fetched once: a browser keeps them in its Cache API,
 * so that they are there without a network the next time. The model needs a manifest.json; a file
 * is kept under its SHA-256, and one that has another is refused. Files of an earlier manifest are
 * dropped once all of the new one are there.
 *
 * Only a page of https or of this machine has a Cache API and can compute SHA-256. Elsewhere files
 * are fetched each time, and their sizes alone are compared.
 *
 * Throws CheckpointError if there is no manifest, or a file can't be fetched or is damaged.
 */
export async function keptFiles(address: string | URL, options: KeptFilesOptions = {}): Promise<ModelFiles> {
  const { onProgress, others = [], signal } = options;
  const fetch = options.fetch ?? ((url: string, init: object) => globalThis.fetch(url, init));
  const { caches } = globalThis as { caches?: { open(name: string): Promise<FileCache> } };
  const store = new Store(options.cache ?? (await caches?.open(CACHE_NAME)));
  // Ranges would be kept as whole files.
  const newest = { cache: 'no-cache', signal: signal ?? null };
  const remote = urlFiles(address, { fetch: (url) => store.newest(url, () => fetch(url, newest)) });
  const manifest = await openManifest(remote);
  if (manifest === undefined) {
    throw new CheckpointError(
      `${remote.nameOf(MANIFEST_FILE)}: there is no such file. It lists the files that are fetched and kept: node data/models/manifest.mjs FOLDER writes it.`,
    );
  }
  const total = [...manifest.files.values()].reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  const blobs = new Map<string, Blob>();
  const current = new Set<string>();
  for (const [name, listed] of manifest.files) {
    const { size, sha256: digest } = listed;
    const url = remote.nameOf(name);
    const key = keyOf(url, digest);
    current.add(key);
    let blob = await store.get(key);
    if (blob === undefined || blob.size !== size) {
      const before = done;
      blob = await load(url, fetch, signal, (bytes) => onProgress?.(before + Math.min(bytes, size), total));
      const fault = await faultOf(blob, listed);
      if (fault !== undefined) throw damagedModel(remote, manifest, [`${url} ${fault}`]);
      await store.put(key, new Response(blob));
    }
    blobs.set(name, blob);
    done += size;
    onProgress?.(done, total);
  }
  for (const name of others) {
    const bytes = await remote.bytes(name);
    if (bytes !== undefined) blobs.set(name, new Blob([bytes as Uint8Array<ArrayBuffer>]));
  }
  await store.dropOthers(remote.description, current);
  return new BlobFiles(blobs, remote.description);
}

/** The address under which a file with this digest is kept. */
function keyOf(url: string, digest: string): string {
  const key = new URL(url);
  key.searchParams.set('sha256', digest);
  return key.href;
}

async function faultOf(blob: Blob, listed: ListedFile): Promise<string | undefined> {
  const fault = sizeFault(listed, blob.size);
  if (fault !== undefined || globalThis.crypto?.subtle === undefined) return fault;
  return contentFault(listed, new Uint8Array(await blob.arrayBuffer()));
}

async function load(
  url: string,
  fetch: (url: string, init: object) => Promise<Response>,
  signal: AbortSignal | undefined,
  onBytes: (bytes: number) => void,
): Promise<Blob> {
  const unreachable = (cause: unknown) =>
    signal?.aborted
      ? signal.reason
      : new CheckpointError(`${url}: cannot be fetched (${(cause as Error).message}). Is there a network?`, {
          cause,
        });
  const response = await fetch(url, { signal: signal ?? null }).catch((error) => {
    throw unreachable(error);
  });
  if (!response.ok)
    throw new CheckpointError(
      `${url}: expected the file, the server answers ${response.status} ${response.statusText}.`,
    );
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  try {
    const reader = response.body?.getReader();
    for (let part = await reader?.read(); part?.value !== undefined; part = await reader?.read()) {
      parts.push(part.value);
      bytes += part.value.length;
      onBytes(bytes);
    }
  } catch (error) {
    throw unreachable(error);
  }
  return new Blob(parts);
}

/** What is kept: nothing without a cache. */
class Store {
  private readonly cache: FileCache | undefined;

  constructor(cache: FileCache | undefined) {
    this.cache = cache;
  }

  async get(key: string): Promise<Blob | undefined> {
    return (await this.cache?.match(key))?.blob();
  }

  /** A full disk is no reason not to draw: the file is fetched again the next time. */
  async put(key: string, response: Response): Promise<void> {
    await this.cache?.put(key, response).catch(() => undefined);
  }

  /**
   * The answer of the network, which is kept, also that there is no such file; without a network the one
   * that was kept.
   */
  async newest(url: string, fetch: () => Promise<Response>): Promise<Response> {
    try {
      const response = await fetch();
      if (response.status === 200) await this.put(url, response.clone());
      if (response.status === 404) await this.put(url, new Response(null, { status: 404 }));
      return response;
    } catch (error) {
      const before = await this.cache?.match(url);
      if (before === undefined) throw error;
      return before;
    }
  }

  /** Drops the files below an address that are not among those named. */
  async dropOthers(address: string, named: ReadonlySet<string>): Promise<void> {
    for (const { url } of (await this.cache?.keys()) ?? []) {
      const isFile = url.startsWith(`${address}/`) && new URL(url).searchParams.has('sha256');
      if (isFile && !named.has(url)) await this.cache?.delete(url);
    }
  }
}

/** Files that are blobs, which a browser may hold on its disk. */
class BlobFiles extends ModelFiles {
  override readonly description: string;
  private readonly blobs: ReadonlyMap<string, Blob>;
  private readonly prefix: string;

  constructor(blobs: ReadonlyMap<string, Blob>, description: string, prefix = '') {
    super();
    this.blobs = blobs;
    this.description = description;
    this.prefix = prefix;
  }

  override async open(name: string): Promise<ModelFile | undefined> {
    const blob = this.blobs.get(this.prefix + name);
    if (blob === undefined) return undefined;
    return {
      name: this.nameOf(name),
      size: blob.size,
      read: async (target, position) => {
        const part = blob.slice(position, Math.min(blob.size, position + target.byteLength));
        target.set(new Uint8Array(await part.arrayBuffer()));
        return part.size;
      },
      close: async () => undefined,
    };
  }

  override folder(name: string): ModelFiles {
    return new BlobFiles(this.blobs, this.nameOf(name), `${this.prefix}${name}/`);
  }
}
