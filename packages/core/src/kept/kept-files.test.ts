import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type FileServer, serveFiles } from '../../testing/file-server.js';
import { CheckpointError } from '../errors.js';
import { memoryFiles } from '../files/memory-files.js';
import { MANIFEST_FILE, makeManifest, manifestToJson } from '../manifest/model-manifest.js';
import { type FileCache, keptFiles } from './kept-files.js';

/** A cache as a browser has it. */
class MemoryCache implements FileCache {
  readonly kept = new Map<string, Response>();

  async match(url: string): Promise<Response | undefined> {
    return this.kept.get(url)?.clone();
  }

  async put(url: string, response: Response): Promise<void> {
    this.kept.set(url, response);
  }

  async delete(url: string): Promise<boolean> {
    return this.kept.delete(url);
  }

  async keys(): Promise<readonly { readonly url: string }[]> {
    return [...this.kept.keys()].map((url) => ({ url }));
  }
}

const text = (content: string) => new TextEncoder().encode(content);

let server: FileServer;
let cache: MemoryCache;
beforeAll(async () => {
  server = await serveFiles(new Map());
});
afterAll(() => server.close());
beforeEach(async () => {
  cache = new MemoryCache();
  server.asked.length = 0;
  await serveModel({ 'config.json': '{}', 'vqgan/weights': 'abcdefg' });
});

async function serveModel(contents: Readonly<Record<string, string>>): Promise<void> {
  const manifest = await makeManifest(memoryFiles(contents), Object.keys(contents), 'copy it');
  server.files.clear();
  server.files.set(MANIFEST_FILE, text(JSON.stringify(manifestToJson(manifest))));
  for (const [name, content] of Object.entries(contents)) server.files.set(name, text(content));
}

test('each file is fetched once, told of, and read by ranges', async () => {
  const told: [number, number][] = [];
  const files = await keptFiles(server.address, { cache, onProgress: (...bytes) => told.push(bytes) });
  expect(await files.text('config.json')).toBe('{}');
  expect(await files.range('vqgan/weights', 2, 5)).toEqual(text('cde'));
  expect(await files.folder('vqgan').text('weights')).toBe('abcdefg');
  expect(await files.has('none')).toBe(false);
  expect(told.at(-1)).toEqual([9, 9]);
  expect(told).toEqual([...told].sort(([a], [b]) => a - b));
  expect(server.asked).toEqual([MANIFEST_FILE, 'config.json', 'vqgan/weights']);

  await keptFiles(server.address, { cache });
  expect(server.asked.slice(3)).toEqual([MANIFEST_FILE]);
});

test('without a network all is there that was kept, and nothing that was not', async () => {
  server.files.set('generation.json', text('{"top_k": 3}'));
  const options = { cache, others: ['generation.json', 'other.json'] };
  await keptFiles(server.address, options);
  const cut = () => Promise.reject(new TypeError('Failed to fetch'));
  const files = await keptFiles(server.address, { ...options, fetch: cut });
  expect(await files.text('vqgan/weights')).toBe('abcdefg');
  expect(await files.text('generation.json')).toBe('{"top_k": 3}');
  expect(await files.has('other.json')).toBe(false);
  await expect(keptFiles(server.address, { cache: new MemoryCache(), fetch: cut })).rejects.toThrow(
    `${server.address}/manifest.json: cannot be fetched (Failed to fetch)`,
  );
});

test('a damaged file is refused, not kept, and fetched anew once it is whole', async () => {
  server.files.set('vqgan/weights', text('abcdefh'));
  await expect(keptFiles(server.address, { cache })).rejects.toThrow(
    `Model ${server.address} is damaged: ${server.address}/vqgan/weights has other bytes than it had (its SHA-256 differs). To restore it: copy it.`,
  );
  server.files.set('vqgan/weights', text('abc'));
  await expect(keptFiles(server.address, { cache })).rejects.toThrow('has 3 bytes in place of 7');
  server.files.set('vqgan/weights', text('abcdefg'));
  expect(await (await keptFiles(server.address, { cache })).text('vqgan/weights')).toBe('abcdefg');
});

test('a newer model: what changed is fetched, what was before it is dropped', async () => {
  await keptFiles(server.address, { cache });
  const before = [...cache.kept.keys()];
  await serveModel({ 'config.json': '{}', 'vqgan/weights': 'ABCDEFG' });
  server.asked.length = 0;
  expect(await (await keptFiles(server.address, { cache })).text('vqgan/weights')).toBe('ABCDEFG');
  expect(server.asked).toEqual([MANIFEST_FILE, 'vqgan/weights']);
  expect(before.filter((url) => !cache.kept.has(url))).toEqual([
    expect.stringContaining('/vqgan/weights?sha256='),
  ]);
});

test('no manifest, a file that is not there, an abort', async () => {
  server.files.delete('config.json');
  await expect(keptFiles(server.address, { cache })).rejects.toThrow(
    `${server.address}/config.json: expected the file, the server answers 404 Not Found.`,
  );
  server.files.delete(MANIFEST_FILE);
  await expect(keptFiles(server.address, { cache: new MemoryCache() })).rejects.toThrow(CheckpointError);
  const signal = AbortSignal.abort(new Error('enough'));
  await serveModel({ 'config.json': '{}' });
  await expect(keptFiles(server.address, { cache: new MemoryCache(), signal })).rejects.toThrow('enough');
});
