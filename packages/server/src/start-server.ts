import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EaselError } from '@easel/core';
import { createAdaptorServer } from '@hono/node-server';
import { isLoopback } from './access.js';
import { makeApp } from './app.js';
import { loadContentCheck } from './content-check.js';
import { DrawingWorker } from './drawing/drawing-worker.js';
import type { ModelFacts } from './drawing/messages.js';
import { DrawingDesk } from './drawing-desk.js';
import { loadPage } from './page.js';
import { PictureStore } from './picture-store.js';
import { DEFAULT_LIMITS, type ServerOptions } from './server-options.js';

/** Milliseconds that a request's head, and all of it, may take to come. */
const HEAD_TIMEOUT = 10_000;
const REQUEST_TIMEOUT = 30_000;
/** Connections at a time, at most; more are closed at once. */
const CONNECTIONS = 1024;
/** Milliseconds that connections get to take their last bytes when the server ends. */
const LAST_BYTES = 5000;

/** A server that runs. */
export interface EaselServer {
  /** Its address, e.g. `http://127.0.0.1:7860/`. */
  readonly url: string;
  /** Whether only this machine reaches it. */
  readonly isLocal: boolean;
  readonly model: ModelFacts;
  /** The thread that draws. */
  readonly worker: DrawingWorker;
  /**
   * Takes no more requests, finishes those that were accepted, and ends. Health checks are answered
   * meanwhile.
   */
  drain(): Promise<void>;
  /** Ends at once; requests that go on fail. */
  close(): Promise<void>;
}

/**
 * Opens a model in a thread of its own and serves it over HTTP. Throws EaselError if the model does
 * not open, the module of checks does not load, or the address cannot be listened at. `program` is
 * the thread's, for tests.
 */
export async function startServer(options: ServerOptions, program?: URL): Promise<EaselServer> {
  const { model, clip, name, port = 7860, host = '127.0.0.1', backend, slots, key, cors } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const write = options.log ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const log = (record: Readonly<Record<string, unknown>>) =>
    write(JSON.stringify({ time: new Date().toISOString(), ...record }));
  const check = options.check === undefined ? {} : await loadContentCheck(options.check);
  let desk: DrawingDesk | undefined;
  const onCrash = (error: unknown) => {
    desk?.metrics.crashes.inc();
    const message = error instanceof Error ? error.message : String(error);
    log({ level: 'error', message: 'the drawing thread has ended and is started again', cause: message });
  };
  const worker = await DrawingWorker.start({ model, clip, backend, slots }, { onCrash }, program);
  try {
    desk = new DrawingDesk(worker, limits);
    const store = new PictureStore(limits.storedBytes, limits.storedSeconds);
    const services = { name, facts: worker.facts, desk, store, limits, check };
    const isLocal = isLoopback(host);
    const page = await loadPage();
    const app = makeApp({ services, page, key, cors, local: isLocal, log });
    const server = createAdaptorServer({
      fetch: app.fetch,
      overrideGlobalObjects: false,
      serverOptions: { headersTimeout: HEAD_TIMEOUT, requestTimeout: REQUEST_TIMEOUT },
    }) as Server;
    server.maxConnections = CONNECTIONS;
    const at = await listen(server, port, host);
    return {
      url: `http://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}/`,
      isLocal,
      model: worker.facts,
      worker,
      drain: async () => {
        await desk?.drain();
        await end(server);
        await worker.close();
      },
      close: async () => {
        server.closeAllConnections();
        await Promise.all([end(server), worker.close()]);
      },
    };
  } catch (error) {
    await worker.close();
    throw error;
  }
}

/** What can go wrong where a server listens, and what to do. */
const listenErrors: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there. Give another --port, or 0 for a free one.',
  EACCES: 'this user may not listen there. Give a --port from 1024.',
  EADDRNOTAVAIL: 'this machine has no such address. Give another --host, e.g. 127.0.0.1.',
  ENOTFOUND: 'there is no host of this name. Give another --host, e.g. 127.0.0.1.',
};

function listen(server: Server, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const meaning = listenErrors[error.code ?? ''];
      reject(
        meaning === undefined ? error : new EaselError(`${host}, port ${port}: ${meaning}`, { cause: error }),
      );
    });
    server.listen(port, host, () => resolve(server.address() as AddressInfo));
  });
}

/** Closes a server once its answers are out. */
async function end(server: Server): Promise<void> {
  const timer = setTimeout(() => server.closeAllConnections(), LAST_BYTES);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(timer);
}
