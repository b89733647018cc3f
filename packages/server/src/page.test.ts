import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TestServers, whenBuilt } from '../testing/running-server.js';
import type { EaselServer } from './start-server.js';

const isPageBuilt = existsSync(join(import.meta.dirname, '../../demo/site/index.html'));
const whenPage = isPageBuilt ? test : test.skip;

whenBuilt('the page (skipped before npm run build)', () => {
  const servers = new TestServers();
  let server: EaselServer;
  beforeAll(async () => {
    await servers.open();
    server = await servers.start();
  });
  afterAll(() => servers.close());
  const get = (path: string, init?: RequestInit) => fetch(new URL(path, server.url), init);

  whenPage('its files come under their names, with what they are and how long they last', async () => {
    const page = await get('/');
    const html = await page.text();
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'; style-src 'self'");
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const [, script = ''] = /src="\.\/(assets\/[^"]+\.js)"/.exec(html) ?? [];
    const asset = await get(script);
    expect(asset.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(asset.headers.get('cache-control')).toContain('immutable');
    const again = await get('/', { headers: { 'if-none-match': page.headers.get('etag') as string } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    expect(await (await get('/page.json')).json()).toEqual({ draws: 'server' });
  });

  test.each([
    '/package.json',
    '/index.html/../package.json',
    '/assets/..%2f..%2fpackage.json',
    '/assets/%2e%2e/%2e%2e/package.json',
    '/..%5c..%5cpackage.json',
    '/%00',
    '//etc/passwd',
    '/assets',
  ])('nothing else is served: %s', async (path) => {
    expect((await get(`${server.url.slice(0, -1)}${path}`)).status).toBe(404);
  });

  test('what is known of the model', async () => {
    expect(await (await get('/api/model')).json()).toMatchObject({
      ...{ name: 'tiny', width: 8, height: 8, image_length: 16, scores: false, examples: [] },
      backend: { name: 'cpu' },
      settings: { top_k: 50, top_p: 1, temperature: 1, condition_scale: 1 },
      limits: { images: 10, prompt_length: 1000 },
    });
    expect((await get('/api/model', { method: 'POST' })).status).toBe(405);
  });
});
