import { setTimeout as sleep } from 'node:timers/promises';
import { type Digest, digestOf } from './digest.js';
import { HubError } from './hub-error.js';
import type { HubPlace } from './hub-place.js';

/** A file of a repository as the hub lists it. */
export interface RepositoryFile {
  /** Path in the repository, with slashes. */
  readonly path: string;
  /** Size in bytes. */
  readonly size: number;
  readonly digest: Digest;
  /** Git's id: of the file, or of the pointer that stands for it in LFS. */
  readonly blobId: string;
  /** Its name in the hub's newer storage, which Python's package asks for. */
  readonly xetHash?: string | undefined;
}

/** Bytes of a file from `start` on. A server that knows no ranges starts at 0. */
export interface FileBytes {
  readonly start: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** The connection failed, or was cut. What came before may be kept. */
export class ConnectionError extends HubError {}

/** Options of a HubClient. */
export interface HubClientOptions {
  readonly signal?: AbortSignal | undefined;
  /** Takes a sentence about what takes time, e.g. that the hub asks to wait. */
  readonly onNotice?: ((text: string) => void) | undefined;
  /** Waits so many milliseconds, for tests. */
  readonly pause?: ((milliseconds: number, signal?: AbortSignal) => Promise<unknown>) | undefined;
  /** A connection that sends nothing for so many milliseconds is given up (default 30,000). */
  readonly stallMilliseconds?: number | undefined;
}

/** Times that a request is tried, and waits in a row without a byte. */
export const ATTEMPTS = 5;

/** Answers after which the same request may succeed. */
const PASSING = new Set([408, 429, 500, 502, 503, 504]);

/** The longest wait that a server may ask for: the hub's limits are renewed every 5 minutes. */
const LONGEST_WAIT_MILLISECONDS = 310_000;

const MOST_REDIRECTS = 5;
const STALL_MILLISECONDS = 30_000;

/** Pages of a list; a repository of 50,000 files has 50. */
const MOST_PAGES = 1000;

/** Speaks with the hub: revisions, lists of files, and their bytes. */
export class HubClient {
  private readonly place: HubPlace;
  private readonly options: HubClientOptions;

  constructor(place: HubPlace, options: HubClientOptions = {}) {
    this.place = place;
    this.options = options;
  }

  /** Waits before the next attempt, the longer the more there were. */
  async pause(attempt: number, milliseconds = Math.min(1000 * 2 ** attempt, 10_000)): Promise<void> {
    const { signal } = this.options;
    signal?.throwIfAborted();
    if (this.options.pause !== undefined) await this.options.pause(milliseconds, signal);
    else await sleep(milliseconds, undefined, signal === undefined ? {} : { signal });
  }

  /** The commit that a branch or tag stands for now. Throws HubError if there is none. */
  async commitOf(repository: string, revision: string): Promise<string> {
    const url = `${this.place.endpoint}/api/models/${repository}/revision/${encodeURIComponent(revision)}`;
    const response = await this.request(url, { repository, revision });
    const { sha } = (await this.json(response, url)) as { sha?: unknown };
    if (typeof sha === 'string' && /^[0-9a-f]{40}$/.test(sha)) return sha;
    throw new HubError(`${url}: expected the 40 digits of a commit in "sha", found ${JSON.stringify(sha)}.`);
  }

  /** All files of a commit. Throws HubError for an answer that is no list of files. */
  async filesOf(repository: string, commit: string): Promise<RepositoryFile[]> {
    const files: RepositoryFile[] = [];
    let url: string | undefined =
      `${this.place.endpoint}/api/models/${repository}/tree/${commit}?recursive=true&expand=false`;
    for (let page = 0; url !== undefined; page++) {
      if (page >= MOST_PAGES) throw new HubError(`${url}: the list of files has no end.`);
      const response = await this.request(url, { repository, revision: commit });
      const entries = await this.json(response, url);
      if (!Array.isArray(entries)) throw new HubError(`${url}: expected a list of files.`);
      for (const entry of entries) if (entry?.type === 'file') files.push(readEntry(entry, url));
      url = nextPage(response.headers.get('link'), url);
    }
    return files;
  }

  /**
   * Begins to read a file's bytes from `from` on. Throws ConnectionError for a connection that
   * fails, HubError if the hub has another file there than it listed.
   */
  async read(repository: string, commit: string, file: RepositoryFile, from: number): Promise<FileBytes> {
    const words = file.path.split('/').map(encodeURIComponent).join('/');
    const url = `${this.place.endpoint}/${repository}/resolve/${commit}/${words}`;
    const expectation = (headers: Headers) => checkEtag(headers, file, url);
    const response = await this.request(url, {
      repository,
      revision: commit,
      from,
      expectation,
      stream: true,
    });
    const range = /^bytes (\d+)-\d*\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
    const start = response.status === 206 ? Number(range?.[1] ?? Number.NaN) : 0;
    if (response.status === 206 && start !== from)
      throw new HubError(
        `${url}: asked for the bytes from ${from} on, got ${response.headers.get('content-range') ?? 'none named'}.`,
      );
    return { start, chunks: chunksOf(response) };
  }

  /** Reads a small file whole. */
  async text(repository: string, commit: string, file: RepositoryFile): Promise<string> {
    for (let attempt = 0; ; attempt++) {
      try {
        const { chunks } = await this.read(repository, commit, file, 0);
        const parts: Uint8Array[] = [];
        for await (const chunk of chunks) parts.push(chunk);
        return Buffer.concat(parts).toString('utf8');
      } catch (error) {
        if (!(error instanceof ConnectionError) || attempt + 1 >= ATTEMPTS) throw error;
        await this.pause(attempt);
      }
    }
  }

  /** Sends a request until it is answered, follows redirects, and turns refusals into errors. */
  private async request(url: string, asked: Asked): Promise<Response> {
    for (let attempt = 0; ; attempt++) {
      const last = attempt + 1 >= ATTEMPTS;
      let response: Response;
      try {
        response = await this.follow(url, asked);
      } catch (error) {
        // Who streams counts attempts by the bytes that came.
        if (!(error instanceof ConnectionError) || last || asked.stream) throw error;
        await this.pause(attempt);
        continue;
      }
      if (response.ok) return response;
      if (!PASSING.has(response.status) || last) throw await this.refusal(response, url, asked);
      await response.body?.cancel();
      const wait = waitOf(response.headers);
      if (wait !== undefined)
        this.options.onNotice?.(
          `${hostOf(url)} asks to wait ${Math.ceil(wait / 1000)} s (HTTP ${response.status}).`,
        );
      await this.pause(attempt, wait);
    }
  }

  private async follow(first: string, { from = 0, expectation }: Asked): Promise<Response> {
    let url = first;
    let named = false;
    for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
      const response = await this.send(url, from);
      // The hub says whose bytes they are; what it redirects to has etags of its own.
      if (expectation !== undefined && !named && response.status < 400) named = expectation(response.headers);
      const location = response.headers.get('location');
      if (response.status < 300 || response.status >= 400 || location === null) return response;
      await response.body?.cancel();
      url = new URL(location, url).href;
    }
    throw new HubError(`${first}: more than ${MOST_REDIRECTS} redirects.`);
  }

  private async send(url: string, from: number): Promise<Response> {
    const { endpoint, token, offline } = this.place;
    if (offline)
      throw new HubError(`${url} is not asked: HF_HUB_OFFLINE is set. Unset it to use the network.`);
    const headers = new Headers({ 'user-agent': 'easel-hub', 'accept-encoding': 'identity' });
    if (from > 0) headers.set('range', `bytes=${from}-`);
    // The token goes to nobody else: a CDN's address carries its own permission.
    if (token !== undefined && new URL(url).origin === new URL(endpoint).origin)
      headers.set('authorization', `Bearer ${token}`);
    const { signal } = this.options;
    signal?.throwIfAborted();
    const stall = new Stall(this.options.stallMilliseconds ?? STALL_MILLISECONDS, signal);
    try {
      const response = await fetch(url, { headers, redirect: 'manual', signal: stall.signal });
      stalls.set(response, stall);
      return response;
    } catch (error) {
      stall.end();
      signal?.throwIfAborted();
      throw connectionError(url, error);
    }
  }

  private async json(response: Response, url: string): Promise<unknown> {
    let text: string;
    try {
      const parts: Uint8Array[] = [];
      for await (const chunk of chunksOf(response)) parts.push(chunk);
      text = Buffer.concat(parts).toString('utf8');
    } catch (error) {
      this.options.signal?.throwIfAborted();
      throw error;
    }
    try {
      return JSON.parse(text);
    } catch {
      throw new HubError(
        `${url}: expected JSON, found ${JSON.stringify(text.slice(0, 60))}. Does HF_ENDPOINT (${this.place.endpoint}) name a hub?`,
      );
    }
  }

  /** What a refused request means to the user. */
  private async refusal(response: Response, url: string, { repository, revision }: Asked): Promise<HubError> {
    await response.body?.cancel().catch(() => {});
    stalls.get(response)?.end();
    const { endpoint, token } = this.place;
    const code = response.headers.get('x-error-code') ?? '';
    const said = response.headers.get('x-error-message');
    const page = `${endpoint}/${repository}`;
    const login = token === undefined ? 'No token is set' : 'The token that is set may not read it';
    const tokens =
      'HF_TOKEN takes one (https://huggingface.co/settings/tokens), and so does the file that `hf auth login` writes';
    if (code === 'GatedRepo')
      return new HubError(
        `${page}: its owner gives it to those who accepted its conditions. Accept them on that page. ${login}; ${tokens}.`,
      );
    if (code === 'RevisionNotFound')
      return new HubError(
        `${page}: it has no revision "${revision}". ${page}/tree/main lists its branches and tags.`,
      );
    if (code === 'EntryNotFound')
      return new HubError(`${url}: there is no such file, though the hub lists it. Try again later.`);
    if (response.status === 401 && /invalid/i.test(said ?? ''))
      return new HubError(`${endpoint}: it refuses the token (${said}). ${tokens}.`);
    if (code === 'RepoNotFound' || response.status === 401 || response.status === 404)
      return new HubError(
        `${page}: there is no such repository, or it is private. Check the name's spelling. ${login}; ${tokens}.`,
      );
    if (response.status === 429)
      return new HubError(
        `${endpoint}: too many requests (HTTP 429). Wait some minutes; a token raises the limit.`,
      );
    return new HubError(`${url}: HTTP ${response.status}${said === null ? '' : ` (${said})`}.`);
  }
}

/** What a request is for. */
interface Asked {
  readonly repository: string;
  readonly revision: string;
  /** First byte that is wanted. */
  readonly from?: number;
  /** Whether the caller reads the body as it comes, and tries again itself. */
  readonly stream?: boolean;
  /** Looks at the first headers that name the file; true once they did. */
  readonly expectation?: (headers: Headers) => boolean;
}

/** Ends a request from which nothing comes. */
class Stall {
  readonly signal: AbortSignal;
  private readonly controller = new AbortController();
  private readonly milliseconds: number;
  private timer: NodeJS.Timeout;

  constructor(milliseconds: number, other: AbortSignal | undefined) {
    this.milliseconds = milliseconds;
    this.signal =
      other === undefined ? this.controller.signal : AbortSignal.any([this.controller.signal, other]);
    this.timer = this.start();
  }

  renew(): void {
    clearTimeout(this.timer);
    this.timer = this.start();
  }

  end(): void {
    clearTimeout(this.timer);
  }

  private start(): NodeJS.Timeout {
    const reason = new Error(`nothing came for ${this.milliseconds / 1000} s`);
    return setTimeout(() => this.controller.abort(reason), this.milliseconds).unref();
  }
}

/** The watch of each answer whose body is still to come. */
const stalls = new WeakMap<Response, Stall>();

/** The bytes of an answer as they come. Throws ConnectionError if they end too early. */
async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  const stall = stalls.get(response);
  if (response.body === null) {
    stall?.end();
    return;
  }
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw connectionError(response.url, error);
      });
      if (done) return;
      stall?.renew();
      yield value;
    }
  } finally {
    stall?.end();
    await reader.cancel().catch(() => {}); // whoever stopped reading has no use for the rest
  }
}

function connectionError(url: string, error: unknown): ConnectionError {
  const { message, cause } = error as Error & { cause?: { message?: string; code?: string } };
  const why = cause?.code ?? (cause?.message || message);
  return new ConnectionError(`${hostOf(url)}: the connection failed (${why}).${proxyHint()}`, {
    cause: error,
  });
}

/** Node reads the variables of proxies only where it is told to. */
function proxyHint(): string {
  const { env } = process;
  const name = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].find((one) => env[one]);
  if (name === undefined || env.NODE_USE_ENV_PROXY === '1') return '';
  return ` ${name} is set, but Node uses it only with NODE_USE_ENV_PROXY=1, from Node 22.21 and 24.0 on.`;
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

/** Milliseconds that an answer asks to wait, by Retry-After or the hub's RateLimit. */
function waitOf(headers: Headers): number | undefined {
  const after = headers.get('retry-after');
  const limit = /;\s*t=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1];
  const asked =
    after === null
      ? limit === undefined
        ? Number.NaN
        : 1000 * Number(limit)
      : /^\d+$/.test(after)
        ? 1000 * Number(after)
        : Date.parse(after) - Date.now();
  return Number.isNaN(asked) ? undefined : Math.min(Math.max(0, asked), LONGEST_WAIT_MILLISECONDS);
}

/** The address behind `rel="next"` of a Link header. It stays with the server that was asked. */
function nextPage(link: string | null, url: string): string | undefined {
  const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1];
  if (next === undefined) return undefined;
  const address = new URL(next, url);
  if (address.origin !== new URL(url).origin)
    throw new HubError(`${url}: its list goes on at another server (${address.origin}).`);
  return address.href;
}

/** Whether headers name the file; throws HubError if it is another one than was listed. */
function checkEtag(headers: Headers, { digest, size }: RepositoryFile, url: string): boolean {
  const etag = headers.get('x-linked-etag') ?? headers.get('etag');
  const found = etag === null ? undefined : digestOf(etag.replace(/^W\//, '').replace(/"/g, ''));
  if (found === undefined) return false;
  const linked = headers.get('x-linked-size');
  if (found.hex === digest.hex && (linked === null || Number(linked) === size)) return true;
  throw new HubError(
    `${url}: expected the file ${digest.hex} of ${size} bytes, as the hub lists it; found ${found.hex}${linked === null ? '' : ` of ${linked} bytes`}.`,
  );
}

/** Reads an entry of a list of files. Throws HubError for one without size or digest. */
function readEntry(entry: Record<string, unknown>, url: string): RepositoryFile {
  const { path, oid, xetHash } = entry;
  const lfs = entry.lfs as { oid?: unknown; size?: unknown } | undefined;
  const size = lfs?.size ?? entry.size;
  const hex = String(lfs?.oid ?? oid).replace(/^sha256:/, '');
  const digest = digestOf(hex);
  const whole = typeof path === 'string' && digest?.algorithm === (lfs ? 'sha256' : 'git');
  if (!whole || !Number.isSafeInteger(size) || (size as number) < 0)
    throw new HubError(
      `${url}: expected path, size and digest of each file, found ${JSON.stringify(entry).slice(0, 200)}.`,
    );
  return {
    path,
    size: size as number,
    digest: digest as Digest,
    blobId: String(oid),
    ...(typeof xetHash === 'string' ? { xetHash } : {}),
  };
}
