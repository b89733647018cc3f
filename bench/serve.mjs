// node bench/serve.mjs [--model DIR] [--seconds N] [--clients N] [--wrong N] [--backend NAME] [--port N]
// [--json FILE] Starts `easel serve` in a process of its own and asks it for pictures: one client
// alone, then more clients than it can serve, and clients that misbehave. Prints a table, and what
// was expected and didn't happen. Each part is bounded in count and time.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { median } from './median.mjs';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    seconds: { type: 'string', default: '300' },
    clients: { type: 'string', default: '64' },
    wrong: { type: 'string', default: '10000' },
    backend: { type: 'string' },
    port: { type: 'string', default: '0' },
    json: { type: 'string' },
  },
});
const [SECONDS, CLIENTS, WRONG] = [options.seconds, options.clients, options.wrong].map(Number);

/** Requests that are drawn or wait, at most: half of the clients, so that the others are refused. */
const QUEUE = Math.ceil(CLIENTS / 2);
/** Seconds after which a part of the program counts as hung. */
const PATIENCE = 120;
const PROMPTS = ['a red heart', 'a rocket', 'a pizza', 'a dog', 'a house', 'a robot', '🦊', 'an elefant'];

const faults = [];
const rows = [];
const expect = (holds, what) => {
  if (!holds) faults.push(what);
};
const row = (name, value) => {
  rows.push([name, value]);
  console.log(`${name.padEnd(44)} ${value}`);
};
const seconds = (since) => (performance.now() - since) / 1000;

async function start() {
  const args = [
    'serve',
    '--port',
    options.port,
    '--queue-length',
    String(QUEUE),
    '--client-requests',
    String(CLIENTS),
  ];
  if (options.model) args.push('--model', options.model);
  if (options.backend) args.push('--backend', options.backend);
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, '../packages/cli/bin/easel.js'), ...args],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const log = [];
  child.stderr.on('data', (text) => log.push(String(text)));
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  const url = await new Promise((resolve, reject) => {
    child.stdout.once('data', (text) => resolve(String(text).trim()));
    void exited.then(() => reject(new Error(`easel serve ended: ${log.join('')}`)));
  });
  return { child, url, exited, log, opened: seconds(began) };
}

function post(url, path, body, init = {}) {
  const headers = { 'content-type': 'application/json' };
  return fetch(new URL(path, url), { method: 'POST', headers, body: JSON.stringify(body), ...init });
}

async function* eventsOf(response) {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true });
    const parts = text.split('\n\n');
    text = parts.pop();
    for (const part of parts) {
      const event = /^event: (.*)$/m.exec(part)?.[1];
      if (event !== undefined) yield event;
    }
  }
}

async function metrics(url) {
  const text = await (await fetch(new URL('/metrics', url))).text();
  return (name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

/** Waits until nothing is drawn; says how many requests are held where that does not happen. */
async function idle(url) {
  const began = performance.now();
  for (;;) {
    const held = (await metrics(url))('easel_requests');
    if (held === 0 || seconds(began) > PATIENCE) return held;
    await pause(50);
  }
}

/** Asks for the server's health again and again until `stop`; returns the times in ms. */
function watchHealth(url) {
  const times = [];
  let isOver = false;
  const done = (async () => {
    while (!isOver) {
      const began = performance.now();
      const response = await fetch(new URL('/healthz', url));
      await response.arrayBuffer();
      times.push(performance.now() - began);
      expect(response.status === 200, `/healthz answered ${response.status}`);
      await pause(100);
    }
  })();
  return async () => {
    isOver = true;
    await done;
    return times;
  };
}

const quantile = (values, share) =>
  [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? Number.NaN;

/** One client alone: the first preview, and nine pictures. */
async function alone(url) {
  const [previews, nines] = [[], []];
  for (let i = 0; i < 4; i++) {
    const began = performance.now();
    const response = await post(url, '/api/draw', { prompt: PROMPTS[i], n: 9, seed: i });
    let first;
    let pictures = 0;
    for await (const event of eventsOf(response)) {
      if (event === 'preview' || event === 'picture') first ??= seconds(began);
      if (event === 'picture') pictures++;
    }
    expect(pictures === 9, `one client alone got ${pictures} of 9 pictures`);
    if (i === 0) continue; // the first one warms up
    previews.push(first);
    nines.push(seconds(began));
  }
  row('first preview, alone (s)', median(previews).toFixed(2));
  row('nine pictures, alone (s)', median(nines).toFixed(2));
}

/** More clients than can be served, for a time: each asks again as soon as it is answered. */
async function crowd(url) {
  const counts = new Map();
  const times = [];
  const memory = [];
  let lost = 0;
  const end = performance.now() + SECONDS * 1000;
  const stopHealth = watchHealth(url);
  const clients = Array.from({ length: CLIENTS }, async (_, i) => {
    for (let turn = 0; performance.now() < end; turn++) {
      const began = performance.now();
      const body = { prompt: PROMPTS[(i + turn) % PROMPTS.length], n: 1 + (i % 4), seed: turn };
      const response = await post(url, '/api/draw', body);
      counts.set(response.status, (counts.get(response.status) ?? 0) + 1);
      if (response.status !== 200) {
        await response.arrayBuffer();
        await pause(200 + 10 * i);
        continue;
      }
      let last;
      for await (const event of eventsOf(response)) last = event;
      if (last === 'done') times.push(seconds(began));
      else lost++;
    }
  });
  const memoryWatch = (async () => {
    while (performance.now() < end) {
      memory.push((await metrics(url))('process_resident_memory_bytes'));
      await pause(Math.min(5000, SECONDS * 100));
    }
  })();
  await Promise.all([...clients, memoryWatch]);
  const health = await stopHealth();
  const others = [...counts.keys()].filter((status) => ![200, 429, 503].includes(status));
  expect(others.length === 0, `${CLIENTS} clients got the answers ${others.join(', ')}`);
  expect(lost === 0, `${lost} accepted requests were not finished`);
  expect(times.length > 0, 'no request was accepted');
  const held = await idle(url);
  expect(held === 0, `${held} requests are held after the crowd has gone`);
  row(
    `${CLIENTS} clients, ${SECONDS} s: answers`,
    [...counts].map(([status, n]) => `${n} × ${status}`).join(', '),
  );
  row('  accepted and not finished', lost);
  row(
    '  accepted: median, 95th of 100 (s)',
    `${quantile(times, 0.5).toFixed(1)}, ${quantile(times, 0.95).toFixed(1)}`,
  );
  row(
    '  health: median, longest (ms)',
    `${quantile(health, 0.5).toFixed(0)}, ${Math.max(...health).toFixed(0)}`,
  );
  const early = Math.max(...memory.slice(0, Math.max(1, Math.ceil(memory.length / 5))));
  row('  memory: last of the highest in the first fifth', `${(100 * (memory.at(-1) / early)).toFixed(0)} %`);
}

/** A client that reads nothing for a while, then all: it misses no picture. */
async function slowReader(url) {
  const response = await post(url, '/api/draw', { prompt: PROMPTS[0], n: 9 });
  await pause(2000);
  let pictures = 0;
  for await (const event of eventsOf(response)) if (event === 'picture') pictures++;
  expect(pictures === 9, `a slow reader got ${pictures} of 9 pictures`);
  row('slow reader: pictures of 9', pictures);
}

/** Clients that vanish in the middle of their answers. */
async function vanishing(url) {
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const controller = new AbortController();
      const sent = post(url, '/api/draw', { prompt: PROMPTS[0], n: 9 }, { signal: controller.signal });
      await sent.then(() => pause(20 * i)).catch(() => undefined);
      controller.abort();
    }),
  );
  const held = await idle(url);
  expect(held === 0, `${held} requests are held after their clients have vanished`);
  row('20 clients that vanish: requests held', held);
}

/** Connections that are opened and say nothing, or half of a request. */
async function halfOpen(url) {
  const { hostname, port } = new URL(url);
  const sockets = Array.from({ length: 50 }, (_, i) => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    if (i % 2) socket.write('POST /api/draw HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100\r\n\r\n{');
    return socket;
  });
  await pause(500);
  const { status } = await fetch(new URL('/healthz', url));
  expect(status === 200, `/healthz answers ${status} beside half-open connections`);
  for (const socket of sockets) socket.destroy();
  const held = await idle(url);
  expect(held === 0, `${held} requests are held after half-open connections`);
  row('50 half-open connections: health, held', `${status}, ${held}`);
}

/** A body of 100 MB, of which no more than the bound is read. */
async function largeBody(url) {
  const before = (await metrics(url))('process_resident_memory_bytes');
  const response = await fetch(new URL('/api/draw', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: new ReadableStream({
      pull(controller) {
        this.sent = (this.sent ?? 0) + 1;
        if (this.sent > 100) controller.close();
        else controller.enqueue(new Uint8Array(1e6).fill(97));
      },
    }),
    duplex: 'half',
  }).catch((error) => ({ status: `connection closed (${error.cause?.code ?? error.message})` }));
  const after = (await metrics(url))('process_resident_memory_bytes');
  const isRefused = response.status === 413 || String(response.status).startsWith('connection closed');
  expect(isRefused, `a body of 100 MB: expected 413, got ${response.status}`);
  expect(after - before < 50e6, `a body of 100 MB: ${Math.round((after - before) / 1e6)} MB more are held`);
  row('a body of 100 MB', response.status);
}

/** Bodies that are no request. */
async function wrongBodies(url) {
  const bodies = [
    '{',
    '[]',
    'null',
    '{"prompt": 3}',
    '{"prompt": ""}',
    '{"prompt": "a", "n": 0}',
    '{"promt": "a"}',
  ];
  const counts = new Map();
  let sent = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (sent < WRONG && seconds(began) < PATIENCE) {
        const body = bodies[sent++ % bodies.length];
        const headers = { 'content-type': 'application/json' };
        const response = await fetch(new URL('/api/draw', url), { method: 'POST', headers, body });
        await response.arrayBuffer();
        counts.set(response.status, (counts.get(response.status) ?? 0) + 1);
      }
    }),
  );
  const others = [...counts.keys()].filter((status) => status !== 400);
  expect(others.length === 0, `wrong bodies got the answers ${others.join(', ')}`);
  row('wrong bodies: answers', [...counts].map(([status, n]) => `${n} × ${status}`).join(', '));
}

/** SIGTERM while requests are drawn: they are finished, others refused, and the exit code is 0. */
async function terminated({ child, url, exited }) {
  const accepted = await Promise.all(
    Array.from({ length: 4 }, () => post(url, '/api/draw', { prompt: PROMPTS[1], n: 4 })),
  );
  child.kill('SIGTERM');
  const last = await Promise.all(
    accepted.map(async (response) => {
      let event;
      for await (const one of eventsOf(response)) event = one;
      return event;
    }),
  );
  const { code, signal } = await exited;
  const finished = last.filter((event) => event === 'done').length;
  expect(finished === 4, `SIGTERM: ${finished} of 4 accepted requests were finished`);
  expect(code === 0, `SIGTERM: expected the exit code 0, got ${code ?? signal}`);
  row('SIGTERM under load: finished of 4, exit code', `${finished}, ${code ?? signal}`);
}

const server = await start();
try {
  row('processor', `${cpus().length} × ${cpus()[0]?.model.trim()}`);
  row('opens (s)', server.opened.toFixed(1));
  const parts = [alone, slowReader, vanishing, halfOpen, largeBody, wrongBodies, crowd];
  for (const part of parts) await part(server.url);
  await terminated(server);
} finally {
  server.child.kill('SIGKILL');
}
for (const fault of faults) console.error(`FAULT: ${fault}`);
if (options.json)
  writeFileSync(options.json, `${JSON.stringify({ rows: Object.fromEntries(rows), faults }, null, 1)}\n`);
process.exitCode = faults.length > 0 ? 1 : 0;
