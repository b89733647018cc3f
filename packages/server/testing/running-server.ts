import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { selectBackend } from '@easel/core';
import { describe, jest } from '@jest/globals';
import { writeTinyModel } from '../../draw/testing/tiny-model.js';
import type { ServerOptions } from '../src/server-options.js';
import { type EaselServer, startServer } from '../src/start-server.js';

jest.setTimeout(300_000); // a busy machine

/** The program of the thread, which `npm run build` made: a thread cannot run the sources. */
export const threadProgram = new URL('../dist/drawing/drawing-thread.js', import.meta.url);

/** Tests that draw in a thread; `npm run check` builds first. */
export const whenBuilt: (name: string, tests: () => void) => void = existsSync(fileURLToPath(threadProgram))
  ? describe
  : describe.skip;

/** Servers of a test file with a tiny random model, on the portable backend. */
export class TestServers {
  /** The lines of all logs. */
  readonly log: string[] = [];
  model = '';
  private root = '';
  private readonly running: EaselServer[] = [];

  async open(): Promise<void> {
    await selectBackend('cpu');
    this.root = mkdtempSync(join(tmpdir(), 'easel-server-'));
    this.model = join(this.root, 'tiny');
    await writeTinyModel(this.model);
  }

  async start(options: Partial<ServerOptions> = {}): Promise<EaselServer> {
    const log = (line: string) => void this.log.push(line);
    const own = { model: this.model, name: 'tiny', port: 0, backend: 'cpu', log };
    const server = await startServer({ ...own, ...options }, threadProgram);
    this.running.push(server);
    return server;
  }

  async close(): Promise<void> {
    await Promise.all(this.running.map((server) => server.close()));
    rmSync(this.root, { recursive: true });
  }
}

/** An event of a stream of server-sent events. */
export interface ServerEvent {
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON came
  readonly data: any;
}

/** Sends JSON to a path of a server. */
export function postJson(
  server: EaselServer,
  path: string,
  body: unknown,
  init: RequestInit = {},
): Promise<Response> {
  return fetch(new URL(path, server.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...init,
  });
}

/** Reads the events of an answer as they come. */
export async function* eventsOf(response: Response): AsyncGenerator<ServerEvent> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const parts = text.split('\n\n');
    text = parts.pop() as string;
    for (const part of parts) {
      const [, event = ''] = /^event: (.*)$/m.exec(part) ?? [];
      const [, data] = /^data: (.*)$/m.exec(part) ?? [];
      if (data !== undefined) yield { event, data: JSON.parse(data) };
    }
  }
}

/** Waits until something holds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** The value of a metric without labels. */
export async function metricOf(server: EaselServer, name: string): Promise<number> {
  const text = await (await fetch(new URL('/metrics', server.url))).text();
  const [, value] = new RegExp(`^${name} (\\S+)$`, 'm').exec(text) ?? [];
  return Number(value);
}
