import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  eventsOf,
  metricOf,
  postJson,
  type ServerEvent,
  TestServers,
  until,
  whenBuilt,
} from '../testing/running-server.js';
import type { EaselServer } from './start-server.js';

whenBuilt('/api/draw (skipped before npm run build)', () => {
  const servers = new TestServers();
  let server: EaselServer;
  const limits = { images: 5000, requests: 3, clientRequests: 2 };
  beforeAll(async () => {
    await servers.open();
    server = await servers.start({ slots: 2, limits });
  });
  afterAll(() => servers.close());

  const idle = () => until(async () => (await metricOf(server, 'easel_requests')) === 0);

  test('the events of a request, in order', async () => {
    const response = await postJson(server, '/api/draw', { prompt: 'a red heart', n: 3, seed: 7 });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const events: ServerEvent[] = [];
    for await (const event of eventsOf(response)) events.push(event);
    expect(events[0]).toMatchObject({ event: 'accepted', data: { n: 3, seed: 7, hints: { cut: false } } });
    expect(events.at(-1)).toEqual({ event: 'done', data: {} });
    const pictures = events.filter(({ event }) => event === 'picture');
    expect(pictures.map(({ data }) => data.index)).toEqual([0, 1, 2]);
    const tokens = events.filter(({ event }) => event === 'tokens').map(({ data }) => data.done);
    expect(tokens.at(-1)).toBe(48);
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
  });

  test('a prompt that is longer than the model reads is named as cut', async () => {
    const response = await postJson(server, '/api/draw', { prompt: 'a dog and '.repeat(9) });
    for await (const { event, data } of eventsOf(response))
      if (event === 'accepted') expect(data.hints.cut).toBe(true);
  });

  test('DELETE ends a request, once', async () => {
    const response = await postJson(server, '/api/draw', { prompt: 'a dog', n: 5000 });
    const events: string[] = [];
    for await (const { event, data } of eventsOf(response)) {
      if (event === 'accepted') {
        const at = new URL(`/api/draw/${data.id}`, server.url);
        expect((await fetch(at, { method: 'DELETE' })).status).toBe(204);
      }
      events.push(event);
    }
    expect(events.at(-1)).toBe('cancelled');
    expect(events).not.toContain('done');
    const again = await fetch(new URL('/api/draw/none', server.url), { method: 'DELETE' });
    expect(again.status).toBe(404);
    await idle();
  });

  test.each(['/api/draw', '/v1/images/generations'])(
    '%s: a client that goes away ends its request',
    async (path) => {
      const before = await metricOf(server, 'easel_cancelled_total');
      const controller = new AbortController();
      const sent = postJson(server, path, { prompt: 'a dog', n: 5000 }, { signal: controller.signal });
      const failed = expect(
        sent.then(async (response) => {
          for await (const _ of eventsOf(response));
        }),
      ).rejects.toThrow();
      await until(async () => (await metricOf(server, 'easel_batch_pictures')) > 0);
      controller.abort();
      await failed;
      await idle();
      expect(await metricOf(server, 'easel_cancelled_total')).toBe(before + 1);
    },
  );

  test('429 beyond the share of a client, and room again after it', async () => {
    const controller = new AbortController();
    const long = { prompt: 'a dog', n: 5000 };
    const held = [1, 2].map(() => postJson(server, '/api/draw', long, { signal: controller.signal }));
    await Promise.all(held);
    const refused = await postJson(server, '/api/draw', { prompt: 'a cat' });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await refused.json()).toMatchObject({ error: { code: 'rate_limit_exceeded' } });
    controller.abort();
    await idle();
    expect((await postJson(server, '/v1/images/generations', { prompt: 'a cat' })).status).toBe(200);
  });

  test('503 when the queue is full; the place is told to those who wait', async () => {
    const full = await servers.start({ slots: 1, limits: { ...limits, clientRequests: 100, requests: 3 } });
    const controller = new AbortController();
    const long = { prompt: 'a dog', n: 5000 };
    const { signal } = controller;
    const held = await Promise.all([1, 2, 3].map(() => postJson(full, '/api/draw', long, { signal })));
    const refused = await postJson(full, '/api/draw', { prompt: 'a cat' });
    expect([refused.status, refused.headers.has('retry-after')]).toEqual([503, true]);
    expect(await refused.json()).toMatchObject({
      error: { type: 'server_error', code: 'server_overloaded' },
    });
    const first = await Promise.all(
      held.map(async (response) => {
        for await (const { event, data } of eventsOf(response))
          if (event !== 'accepted') return { event, data };
        return undefined;
      }),
    );
    expect(first.some((event) => event?.event === 'queued' && event.data.place >= 1)).toBe(true);
    controller.abort();
  });
});
