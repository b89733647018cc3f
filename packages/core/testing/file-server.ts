import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a server of files answers. */
export interface FileServerOptions {
  /** Whether the server knows ranges (default true). If not, it sends each file whole. */
  readonly ranges?: boolean;
  /**
   * Whether the server answers every unknown name with a page, as servers of single-page programs
   * do (default false).
   */
  readonly pages?: boolean;
}

/** A server of files in memory, by name. */
export interface FileServer {
  /** The address without a slash at its end. */
  readonly address: string;
  readonly files: Map<string, Uint8Array>;
  /** Each request: its name and range, as in "model.safetensors bytes=0-99". */
  readonly asked: string[];
  close(): Promise<void>;
}

/** The content types that a page needs for its parts. */
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html',
  js: 'text/javascript',
  wasm: 'application/wasm',
  json: 'application/json',
};

/** Serves files on a port of this machine. */
export async function serveFiles(
  files: Map<string, Uint8Array>,
  { ranges = true, pages = false }: FileServerOptions = {},
): Promise<FileServer> {
  const asked: string[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const name = decodeURIComponent(new URL(request.url ?? '/', 'http://here').pathname).slice(1);
    const { range } = request.headers;
    asked.push(range === undefined ? name : `${name} ${range}`);
    const bytes = files.get(name);
    if (bytes === undefined) {
      response.writeHead(pages ? 200 : 404, { 'content-type': pages ? 'text/html' : 'text/plain' });
      response.end('<!DOCTYPE html>');
      return;
    }
    const type = TYPES[name.split('.').at(-1) ?? ''];
    if (type !== undefined) response.setHeader('content-type', type);
    const found = ranges ? /^bytes=(\d+)-(\d+)$/.exec(range ?? '') : null;
    if (found === null) {
      response.end(bytes);
      return;
    }
    const [begin, last] = [Number(found[1]), Math.min(Number(found[2]), bytes.length - 1)];
    if (begin > last) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
      return;
    }
    response.writeHead(206, { 'content-range': `bytes ${begin}-${last}/${bytes.length}` });
    response.end(bytes.subarray(begin, last + 1));
  };
  const server: Server = createServer(answer);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    files,
    asked,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
