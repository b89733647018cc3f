import { memoryFile } from 'safetensors-ts';
import { CheckpointError } from '../errors.js';
import { becameShorter, type ModelFile, ModelFiles } from './model-files.js';

/** How files behind an address are fetched. */
export interface UrlFilesOptions {
  /** Replaces the global fetch: to send credentials, to stop by a signal, to count bytes. */
  readonly fetch?: (url: string, init: { readonly headers: Record<string, string> }) => Promise<Response>;
}

/**
 * The first request for a file asks for this many bytes. A file that is no larger comes whole in
 * one request; otherwise each of its tensors would cost a round trip of its own.
 */
const FIRST_BYTES = 16 * 2 ** 20;

/**
 * Statuses that mean that there is no such file. Stores of objects answer 403 where nobody may list
 * them.
 */
const NOT_THERE: readonly number[] = [403, 404, 410];

class UrlFiles extends ModelFiles {
  override readonly description: string;
  private readonly base: URL;
  private readonly fetch: NonNullable<UrlFilesOptions['fetch']>;

  constructor(base: URL, fetch: NonNullable<UrlFilesOptions['fetch']>) {
    super();
    this.base = base;
    this.fetch = fetch;
    this.description = base.href.replace(/\/$/, '');
  }

  override nameOf(name: string): string {
    return this.address(name).href;
  }

  override folder(name: string): ModelFiles {
    return new UrlFiles(this.address(name), this.fetch);
  }

  /**
   * Sends one request, for the first bytes. A server that knows no ranges sends the whole file,
   * which is then kept in memory. A page of HTML counts as no file: servers of single-page programs
   * send one for any name.
   */
  override async open(name: string): Promise<ModelFile | undefined> {
    const url = this.nameOf(name);
    const response = await this.request(url, 0, FIRST_BYTES);
    if (NOT_THERE.includes(response.status) || isPage(response)) {
      await response.body?.cancel();
      return undefined;
    }
    if (response.status === 206) {
      const first = await bodyOf(response, url);
      const size = totalOf(response);
      if (size === first.byteLength) return inMemory(first, url);
      if (size !== undefined) return this.remote(url, first, size, tagOf(response));
    } else if (response.status === 200) {
      return inMemory(await bodyOf(response, url), url);
    } else if (response.status !== 416) {
      await response.body?.cancel();
      throw refused(url, response);
    }
    // All of the file is fetched. No range fits an empty file, and a page of another origin may not
    // see how long the file is.
    const whole = await this.request(url);
    if (whole.status !== 200) throw refused(url, whole);
    return inMemory(await bodyOf(whole, url), url);
  }

  /** Asks for one byte. */
  override async has(name: string): Promise<boolean> {
    const url = this.nameOf(name);
    const response = await this.request(url, 0, 1);
    await response.body?.cancel();
    if (NOT_THERE.includes(response.status) || isPage(response)) return false;
    if ([200, 206, 416].includes(response.status)) return true; // 416: of an empty file
    throw refused(url, response);
  }

  /**
   * A file of `size` bytes whose `first` bytes are in memory. The others are requested when they
   * are read.
   */
  private remote(url: string, first: Uint8Array, size: number, tag: string | null): ModelFile {
    return {
      name: url,
      size,
      read: async (target, position) => {
        const length = Math.max(0, Math.min(target.byteLength, size - position));
        if (length === 0) return 0;
        if (position + length <= first.byteLength) {
          target.set(first.subarray(position, position + length));
          return length;
        }
        const response = await this.request(url, position, position + length);
        const isPart = response.status === 206;
        const found = totalOf(response) ?? size;
        if ((!isPart && response.status !== 200) || found !== size || tagOf(response) !== tag) {
          await response.body?.cancel();
          if (found < size) throw becameShorter(url);
          throw isPart || response.status === 200 ? changed(url) : refused(url, response);
        }
        // A server may answer a range with the whole file even if it did not do so the first time.
        return readInto(response, target.subarray(0, length), isPart ? 0 : position, url);
      },
      close: async () => undefined,
    };
  }

  private async request(url: string, begin?: number, end?: number): Promise<Response> {
    const headers: Record<string, string> = end === undefined ? {} : { Range: `bytes=${begin}-${end - 1}` };
    try {
      return await this.fetch(url, { headers });
    } catch (error) {
      throw unreachable(url, error);
    }
  }

  private address(name: string): URL {
    const url = new URL(this.base);
    const encoded = name.split('/').map(encodeURIComponent).join('/');
    url.pathname = `${url.pathname.replace(/\/$/, '')}/${encoded}`;
    return url;
  }
}

/**
 * A model whose files lie behind an address, which is that of their folder:
 * `https://host/models/emoji`. Weights are read by range requests, so that none is fetched twice or
 * in vain. A server without ranges sends each file whole. A query of the address is kept.
 */
export function urlFiles(address: string | URL, options: UrlFilesOptions = {}): ModelFiles {
  const { fetch = (url, init) => globalThis.fetch(url, init) } = options;
  return new UrlFiles(new URL(address), fetch);
}

function inMemory(bytes: Uint8Array, url: string): ModelFile {
  return {
    ...memoryFile(bytes, url),
    view: (position, length) => bytes.subarray(position, position + length),
  };
}

async function bodyOf(response: Response, url: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw unreachable(url, error);
  }
}

/**
 * Fills `target` from a body as it arrives, from the body's byte `skip` on. Returns how many bytes
 * there were.
 */
async function readInto(response: Response, target: Uint8Array, skip: number, url: string): Promise<number> {
  const reader = response.body?.getReader();
  let at = -skip;
  try {
    while (reader !== undefined && at < target.byteLength) {
      const { done, value } = await reader.read();
      if (done) break;
      const wanted = value.subarray(Math.max(0, -at), target.byteLength - at);
      target.set(wanted, Math.max(0, at));
      at += value.byteLength;
    }
    await reader?.cancel();
  } catch (error) {
    throw unreachable(url, error);
  }
  return Math.max(0, Math.min(at, target.byteLength));
}

/** The size of the whole file, if an answer to a range says it. */
function totalOf(response: Response): number | undefined {
  const total = /^bytes .*\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
  return total === undefined ? undefined : Number(total);
}

function tagOf(response: Response): string | null {
  return response.headers.get('etag');
}

function isPage(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('text/html') ?? false;
}

function refused(url: string, { status, statusText }: Response): CheckpointError {
  return new CheckpointError(`${url}: expected the file, the server answers ${status} ${statusText}.`);
}

function changed(url: string): CheckpointError {
  return new CheckpointError(`${url}: the file changed while it was read. Open the model again.`);
}

function unreachable(url: string, error: unknown): unknown {
  if ((error as Error | undefined)?.name === 'AbortError') return error;
  return new CheckpointError(
    `${url}: cannot be fetched (${(error as Error).message}). Is the address right, and may this page read from it (CORS)?`,
    { cause: error },
  );
}
