import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@easel/core';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type HubServer, repositoryOf, serveHub } from '../../hub/testing/hub-server.js';
import { type TemporaryPlace, temporaryPlace } from '../../hub/testing/temporary-place.js';
import { writeTinyModel } from '../testing/tiny-model.js';
import { openPictureModel } from './node.js';

let root: string;
let hub: HubServer;
let cache: TemporaryPlace;
const { HF_HOME, HF_HUB_CACHE } = process.env;

/** A folder's files as those of a repository. */
function filesOf(folder: string): Record<string, Uint8Array> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = paths.filter((path) => !path.endsWith('vqgan'));
  return Object.fromEntries(files.map((path) => [path, readFileSync(join(folder, path))]));
}

beforeAll(async () => {
  await selectBackend('cpu');
  root = mkdtempSync(join(tmpdir(), 'easel-named-'));
  await writeTinyModel(join(root, 'tiny'));
  hub = await serveHub({ 'easel/tiny': repositoryOf(filesOf(join(root, 'tiny'))) });
  cache = temporaryPlace(hub.endpoint);
  process.env.HF_HOME = cache.home;
  delete process.env.HF_HUB_CACHE;
});
afterAll(async () => {
  if (HF_HOME === undefined) delete process.env.HF_HOME;
  else process.env.HF_HOME = HF_HOME;
  if (HF_HUB_CACHE !== undefined) process.env.HF_HUB_CACHE = HF_HUB_CACHE;
  await hub.close();
  cache.remove();
  rmSync(root, { recursive: true });
});

test('a named model is fetched if asked for, then opens from the cache alone', async () => {
  await expect(openPictureModel('hf:easel/tiny')).rejects.toThrow(
    "hf:easel/tiny is not in the hub's cache, and nothing is fetched unasked. easel models fetch hf:easel/tiny fetches it",
  );
  expect(hub.seen).toEqual([]);
  (await openPictureModel('hf:easel/tiny', { fetch: { place: cache.place } })).dispose();
  expect(existsSync(join(cache.home, 'hub/models--easel--tiny/refs/main'))).toBe(true);
  hub.seen.length = 0;
  const model = await openPictureModel('hf:easel/tiny');
  expect(model.vqgan.config.nEmbed).toBe(18);
  model.dispose();
  const other = await openPictureModel(join(root, 'tiny'), { vqgan: 'hf:easel/tiny:vqgan' });
  other.dispose();
  expect(hub.seen).toEqual([]);
});

test('a name that no model can have', async () => {
  await expect(openPictureModel('hf:a/b/c')).rejects.toThrow('Expected hf:ORG/NAME');
});
