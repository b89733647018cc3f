import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A repository of the server. Files are by path. */
export interface ServedRepository {
  /** Files of each commit. */
  readonly commits: Map<string, Map<string, Uint8Array>>;
  /** The commit of each branch and tag. */
  readonly revisions: Map<string, string>;
  /** The token that may read it (default: everyone may). */
  readonly token?: string | undefined;
  /** Whether its owner's conditions must be accepted first. */
  readonly gated?: boolean | undefined;
}

/** What goes wrong with one answer. */
export type Fault =
  /** The connection is cut after so many bytes of the body. */
  | { readonly cutAfter: number }
  /** The body comes with one byte changed. */
  | { readonly wrongByte: number }
  /** Nothing comes any more after so many bytes. */
  | { readonly stallAfter: number }
  /** The range is ignored. */
  | { readonly whole: true }
  /** Another status, with these headers. */
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> };

/** A request as the server saw it. */
export interface SeenRequest {
  readonly method: string;
  /** `hub` or `cdn`. */
  readonly host: 'hub' | 'cdn';
  /** Path and query, decoded. */
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/**
 * A server that answers as huggingface.co does to those who read: lists of files in pages, files in
 * git (redirected to a cache of the same host) and in LFS (redirected to a CDN, another host, with
 * X-Linked-Etag and X-Linked-Size), ranges, tokens, and the errors' X-Error-Code.
 */
export interface HubServer {
  /** The address of the hub, for HF_ENDPOINT. */
  readonly endpoint: string;
  readonly repositories: Map<string, ServedRepository>;
  /** All requests, in the order in which they came. */
  readonly seen: SeenRequest[];
  /** Says what goes wrong with a request; nothing by default. */
  fault: ((request: SeenRequest) => Fault | undefined) | undefined;
  /** Changes the entries of a list of files, for servers that lie. */
  changeTree: ((entries: object[]) => object[]) | undefined;
  /** Entries of a page of files. */
  pageSize: number;
  close(): Promise<void>;
}

/** Files with these endings are in LFS. */
const LFS = /\.(?:safetensors|msgpack|bin|pt)$/;

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Git's id of a file. */
export function gitId(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

function pointerOf(bytes: Uint8Array): Buffer {
  const text = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256(bytes)}\nsize ${bytes.length}\n`;
  return Buffer.from(text);
}

/** The name of a commit made of a word, for repositories of tests. */
export function commitNamed(word: string): string {
  return createHash('sha1').update(word).digest('hex');
}

/** A repository with one commit, which is `main`. */
export function repositoryOf(
  files: Readonly<Record<string, Uint8Array | string>>,
  more: { readonly token?: string; readonly gated?: boolean } = {},
): ServedRepository {
  const bytes = new Map(
    Object.entries(files).map(([path, content]) => [
      path,
      typeof content === 'string' ? new TextEncoder().encode(content) : content,
    ]),
  );
  const commit = commitNamed([...bytes].map(([path, content]) => path + sha256(content)).join());
  return { commits: new Map([[commit, bytes]]), revisions: new Map([['main', commit]]), ...more };
}

/** Starts a hub and its CDN on ports of this machine. */
export async function serveHub(repositories: Readonly<Record<string, ServedRepository>>): Promise<HubServer> {
  const blobs = new Map<string, Uint8Array>();
  const server = {
    ...{ endpoint: '', repositories: new Map(Object.entries(repositories)), seen: [] as SeenRequest[] },
    ...{ pageSize: 1000, fault: undefined, changeTree: undefined },
  } as unknown as { -readonly [K in keyof HubServer]: HubServer[K] };
  let cdnAddress = '';

  const answer = (host: 'hub' | 'cdn') => (request: IncomingMessage, response: ServerResponse) => {
    const path = decodeURIComponent(request.url ?? '/');
    const { range, authorization } = request.headers;
    const seen = { method: request.method ?? '', host, path, range, authorization };
    server.seen.push(seen);
    const fault = server.fault?.(seen);
    if (fault !== undefined && 'status' in fault) {
      response.writeHead(fault.status, { ...fault.headers }).end('no');
      return;
    }
    if (host === 'cdn') {
      const bytes = blobs.get(path.slice(1).split('?')[0] ?? '');
      if (bytes === undefined) response.writeHead(403).end();
      else sendBytes(request, response, bytes, { etag: '"of-the-cdn"' }, fault);
      return;
    }
    answerHub(request, response, fault);
  };

  const answerHub = (request: IncomingMessage, response: ServerResponse, fault: Fault | undefined) => {
    const url = new URL(request.url ?? '/', server.endpoint);
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)/.exec(url.pathname);
    const resolve = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const cached = /^\/api\/resolve-cache\/models\/([^/]+\/[^/]+)\/([^/]+)\/(.+)$/.exec(url.pathname);
    const [, id = '', , apiRevision] = api ?? [];
    const [, repository = id, revision = apiRevision ?? '', file = ''] = resolve ?? cached ?? [];
    const found = server.repositories.get(repository);
    const token = request.headers.authorization?.replace('Bearer ', '');
    if (token === 'invalid') {
      refuse(response, 401, undefined, 'Invalid credentials in Authorization header');
      return;
    }
    if (found === undefined || (found.token !== undefined && found.token !== token)) {
      refuse(response, token === undefined ? 401 : 404, 'RepoNotFound', 'Repository not found');
      return;
    }
    if (found.gated && (resolve || cached)) {
      refuse(response, 403, 'GatedRepo', `Access to model ${repository} is restricted.`);
      return;
    }
    const asked = decodeURIComponent(revision);
    const commit = found.commits.has(asked) ? asked : found.revisions.get(asked);
    const files = commit === undefined ? undefined : found.commits.get(commit);
    if (commit === undefined || files === undefined) {
      refuse(response, 404, 'RevisionNotFound', `Invalid rev id: ${asked}`);
      return;
    }
    if (api?.[2] === 'revision') {
      const siblings = [...files.keys()].map((rfilename) => ({ rfilename }));
      sendJson(response, {
        id: repository,
        modelId: repository,
        sha: commit,
        private: false,
        tags: [],
        siblings,
      });
    } else if (api?.[2] === 'tree') sendTree(response, url, files);
    else
      sendFile(
        request,
        response,
        { repository, commit, files, path: decodeURIComponent(file), cached: cached !== null },
        fault,
      );
  };

  const sendTree = (response: ServerResponse, url: URL, files: Map<string, Uint8Array>) => {
    let entries: object[] = [...files].map(([path, bytes]) => {
      if (!LFS.test(path)) return { type: 'file', oid: gitId(bytes), size: bytes.length, path };
      const pointer = pointerOf(bytes);
      const lfs = { oid: sha256(bytes), size: bytes.length, pointerSize: pointer.length };
      return { type: 'file', oid: gitId(pointer), size: bytes.length, path, lfs };
    });
    const folders = new Set(
      [...files.keys()].filter((path) => path.includes('/')).map((path) => path.split('/')[0]),
    );
    for (const path of folders)
      entries.push({ type: 'directory', oid: commitNamed(String(path)), size: 0, path });
    entries = server.changeTree?.(entries) ?? entries;
    const from = Number(url.searchParams.get('cursor') ?? 0);
    const next = from + server.pageSize;
    if (next < entries.length) {
      url.searchParams.set('cursor', String(next));
      response.setHeader('link', `<${url.href}>; rel="next"`);
    }
    sendJson(response, entries.slice(from, next));
  };

  const sendFile = (
    request: IncomingMessage,
    response: ServerResponse,
    {
      repository,
      commit,
      files,
      path,
      cached,
    }: { repository: string; commit: string; files: Map<string, Uint8Array>; path: string; cached: boolean },
    fault: Fault | undefined,
  ) => {
    const bytes = files.get(path);
    response.setHeader('x-repo-commit', commit);
    if (bytes === undefined) {
      refuse(response, 404, 'EntryNotFound', 'Entry not found');
      return;
    }
    if (LFS.test(path)) {
      const name = sha256(bytes);
      blobs.set(name, bytes);
      response.writeHead(302, {
        location: `${cdnAddress}/${name}?Signature=of-this-hub`,
        'x-linked-size': String(bytes.length),
        'x-linked-etag': `"${name}"`,
        etag: `"${gitId(pointerOf(bytes))}"`,
      });
      response.end();
      return;
    }
    const etag = `"${gitId(bytes)}"`;
    if (cached) return sendBytes(request, response, bytes, { etag }, fault);
    const words = path.split('/').map(encodeURIComponent).join('/');
    response
      .writeHead(307, { location: `/api/resolve-cache/models/${repository}/${commit}/${words}`, etag })
      .end();
  };

  const hub = createServer(answer('hub'));
  const cdn = createServer(answer('cdn'));
  server.endpoint = await listen(hub, '127.0.0.1');
  cdnAddress = await listen(cdn, '127.0.0.1');
  server.close = async () => {
    for (const one of [hub, cdn]) {
      one.closeAllConnections();
      await new Promise((resolve) => one.close(resolve));
    }
  };
  return server;
}

async function listen(server: Server, host: string): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}

function sendJson(response: ServerResponse, json: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(json));
}

function refuse(response: ServerResponse, status: number, code: string | undefined, message: string): void {
  const named = code === undefined ? {} : { 'x-error-code': code };
  response.writeHead(status, { ...named, 'x-error-message': message, 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: message }));
}

function sendBytes(
  { method, headers: { range } }: IncomingMessage,
  response: ServerResponse,
  whole: Uint8Array,
  headers: Readonly<Record<string, string>>,
  fault: Fault | undefined,
): void {
  const found = fault !== undefined && 'whole' in fault ? null : /^bytes=(\d+)-(\d*)$/.exec(range ?? '');
  const begin = Number(found?.[1] ?? 0);
  const end = found?.[2] ? Number(found[2]) + 1 : whole.length;
  if (found !== null && begin >= whole.length) {
    response.writeHead(416, { 'content-range': `bytes */${whole.length}` }).end();
    return;
  }
  let bytes = whole.subarray(begin, end);
  response.writeHead(found === null ? 200 : 206, {
    ...headers,
    'accept-ranges': 'bytes',
    'content-length': String(bytes.length),
    ...(found === null
      ? {}
      : { 'content-range': `bytes ${begin}-${begin + bytes.length - 1}/${whole.length}` }),
  });
  if (method === 'HEAD') {
    response.end();
    return;
  }
  if (fault !== undefined && 'wrongByte' in fault && fault.wrongByte < bytes.length) {
    bytes = Uint8Array.from(bytes);
    bytes[fault.wrongByte] = (bytes[fault.wrongByte] as number) ^ 1;
  }
  if (fault !== undefined && 'cutAfter' in fault) {
    const { cutAfter } = fault;
    // What was written must have gone out before the connection breaks.
    if (cutAfter === 0) response.flushHeaders();
    response.write(bytes.subarray(0, cutAfter), () => setImmediate(() => response.destroy()));
    return;
  }
  if (fault !== undefined && 'stallAfter' in fault) {
    response.write(bytes.subarray(0, fault.stallAfter));
    return;
  }
  response.end(bytes);
}
