import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EaselError } from '@easel/core';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventsOf, metricOf, postJson, TestServers, until, whenBuilt } from '../testing/running-server.js';

whenBuilt('a server from start to end (skipped before npm run build)', () => {
  const servers = new TestServers();
  beforeAll(() => servers.open());
  afterAll(() => servers.close());
  const status = async (url: string, path: string, init?: RequestInit) =>
    (await fetch(new URL(path, url), init)).status;

  test('health, page, headers, log; what is not there', async () => {
    const server = await servers.start();
    expect(await status(server.url, '/healthz')).toBe(200);
    expect(await status(server.url, '/readyz')).toBe(200);
    const page = await fetch(server.url);
    expect(await page.text()).toContain('<title>Easel</title>');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(page.headers.get('access-control-allow-origin')).toBeNull();
    for (const path of ['/nothing', '/%2e%2e/%2e%2e/etc/passwd', '/v1/models/a%2Fb'])
      expect(await status(server.url, path)).toBe(404);
    expect(await status(server.url, '/healthz', { method: 'DELETE' })).toBe(405);
    expect(await metricOf(server, 'easel_batch_slots')).toBe(16);
    await until(() => servers.log.some((line) => line.includes('/nothing')));
    const line = JSON.parse(servers.log.find((one) => one.includes('/nothing')) as string);
    expect(line).toMatchObject({
      level: 'info',
      method: 'GET',
      path: '/nothing',
      status: 404,
      client: '127.0.0.1',
    });
  });

  test('a key', async () => {
    const origin = 'https://page.example';
    const server = await servers.start({ key: 'secret', cors: origin });
    const withKey = (key: string) => ({ headers: { authorization: `Bearer ${key}`, origin } });
    expect(await status(server.url, '/v1/models')).toBe(401);
    expect(await status(server.url, '/v1/models', withKey('secre'))).toBe(401);
    expect(await status(server.url, '/metrics')).toBe(401);
    expect(await status(server.url, '/healthz')).toBe(200);
    const right = await fetch(new URL('/v1/models', server.url), withKey('secret'));
    expect(right.status).toBe(200);
    expect(right.headers.get('access-control-allow-origin')).toBe(origin);
    const asked = await fetch(new URL('/api/draw', server.url), { method: 'OPTIONS', headers: { origin } });
    expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([204, origin]);
    const other = await fetch(new URL('/healthz', server.url), {
      headers: { origin: 'https://other.example' },
    });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('a module that checks prompts and pictures', async () => {
    const check = join(servers.model, 'check.mjs');
    writeFileSync(
      check,
      `export const checkPrompt = (prompt) => prompt.includes('war') ? 'No war here.' : undefined;
       export const checkPicture = async (pixels, prompt) => prompt === 'late' ? 'Not this ' + pixels.width + '.' : undefined;`,
    );
    const server = await servers.start({ check });
    const send = async (prompt: string) => {
      const response = await postJson(server, '/v1/images/generations', { prompt });
      return [response.status, JSON.stringify(await response.json())];
    };
    expect(await send('a war')).toEqual([400, expect.stringContaining('No war here.')]);
    expect(await send('late')).toEqual([400, expect.stringContaining('Not this 8.')]);
    expect((await send('a dog'))[0]).toBe(200);
    await expect(servers.start({ check: join(servers.model, 'none.mjs') })).rejects.toThrow('does not load');
  });

  test('the thread ends: its requests fail, and others are drawn by a new one', async () => {
    const server = await servers.start({ limits: { images: 5000 } });
    const response = await postJson(server, '/api/draw', { prompt: 'a dog', n: 5000 });
    const events: string[] = [];
    for await (const { event, data } of eventsOf(response)) {
      if (events.length === 0) void server.worker.crash();
      events.push(event === 'error' ? `${event} ${data.error.code}` : event);
    }
    expect(events.at(-1)).toBe('error thread_lost');
    expect(await status(server.url, '/healthz')).toBe(200);
    await until(async () => (await status(server.url, '/readyz')) === 200);
    expect((await postJson(server, '/v1/images/generations', { prompt: 'a dog' })).status).toBe(200);
    expect(await metricOf(server, 'easel_thread_crashes_total')).toBe(1);
    expect(await metricOf(server, 'easel_requests')).toBe(0);
  });

  test('drain: what was accepted is finished, the rest is refused', async () => {
    const server = await servers.start({ slots: 1, limits: { images: 50 } });
    const accepted = await postJson(server, '/api/draw', { prompt: 'a dog', n: 50 });
    const drained = server.drain();
    expect(await status(server.url, '/readyz')).toBe(503);
    const refused = await postJson(server, '/api/draw', { prompt: 'a dog' });
    expect([refused.status, refused.headers.has('retry-after')]).toEqual([503, true]);
    let last = '';
    let pictures = 0;
    for await (const { event } of eventsOf(accepted)) {
      last = event;
      if (event === 'picture') pictures++;
    }
    expect([last, pictures]).toEqual(['done', 50]);
    await drained;
    await expect(fetch(server.url)).rejects.toThrow();
  });

  test('what cannot be served is said', async () => {
    const server = await servers.start();
    const taken = Number(new URL(server.url).port);
    await expect(servers.start({ port: taken })).rejects.toThrow('another program listens there');
    await expect(servers.start({ model: servers.model.replace('tiny', 'none') })).rejects.toThrow(EaselError);
    await expect(servers.start({ slots: 1e9 })).rejects.toThrow('Take at most');
  });
});
