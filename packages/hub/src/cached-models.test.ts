import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type HubServer, repositoryOf, serveHub } from '../testing/hub-server.js';
import { type TemporaryPlace, temporaryPlace } from '../testing/temporary-place.js';
import { listModels, removeModel, verifyModels } from './cached-models.js';
import { fetchModel } from './fetch-model.js';

const old = repositoryOf({ 'config.json': '{"old": 1}', 'model.safetensors': 'same weights' });
const renewed = repositoryOf({ 'config.json': '{}', 'model.safetensors': 'same weights' });
const [oldCommit = ''] = old.commits.keys();
const [newCommit = ''] = renewed.commits.keys();
const both = {
  commits: new Map([...old.commits, ...renewed.commits]),
  revisions: new Map([
    ['main', newCommit],
    ['v1', oldCommit],
  ]),
};
let hub: HubServer;
let cache: TemporaryPlace;

beforeAll(async () => {
  hub = await serveHub({ 'easel/both': both, 'easel/other': renewed });
});
afterAll(() => hub.close());
beforeEach(async () => {
  cache = temporaryPlace(hub.endpoint);
  for (const name of ['hf:easel/both@v1', 'hf:easel/both', 'hf:easel/other'])
    await fetchModel(name, { place: cache.place });
});
afterEach(() => cache.remove());

const blobs = () => readdirSync(join(cache.place.cache, 'models--easel--both/blobs'));

test('the cache is listed by name, with revisions, sizes and forms', async () => {
  mkdirSync(join(cache.place.cache, 'datasets--x--y'));
  mkdirSync(join(cache.place.cache, 'version'));
  const made = join(cache.place.assets, 'easel/easel--other', `${newCommit}--vqgan-1`);
  mkdirSync(made, { recursive: true });
  writeFileSync(join(made, 'config.json'), '12345');
  const listed = await listModels(cache.place);
  expect(listed.map(({ folder, ...rest }) => rest)).toEqual(
    [
      {
        repository: 'easel/both',
        commit: oldCommit,
        revisions: ['v1'],
        files: 2,
        bytes: 22,
        form: 'easel',
        convertedBytes: 0,
      },
      {
        repository: 'easel/both',
        commit: newCommit,
        revisions: ['main'],
        files: 2,
        bytes: 14,
        form: 'easel',
        convertedBytes: 0,
      },
      {
        repository: 'easel/other',
        commit: newCommit,
        revisions: ['main'],
        files: 2,
        bytes: 14,
        form: 'easel',
        convertedBytes: 5,
      },
    ].sort((a, b) => a.repository.localeCompare(b.repository) || (a.commit < b.commit ? -1 : 1)),
  );
  expect(await listModels({ ...cache.place, cache: join(cache.home, 'nowhere') })).toEqual([]);
});

test('damage is named: other bytes, another size, a missing blob, a missing file', async () => {
  const clean = await verifyModels(undefined, { place: cache.place });
  expect(clean.map(({ files, faults }) => [files, faults])).toEqual([
    [2, []],
    [2, []],
    [2, []],
  ]);
  const folder = join(cache.place.cache, 'models--easel--other/snapshots', newCommit);
  const verify = async () => (await verifyModels('hf:easel/other', { place: cache.place }))[0]?.faults;
  writeFileSync(join(folder, 'model.safetensors'), 'Same weights');
  expect(await verify()).toEqual([
    expect.stringMatching(
      /model\.safetensors has other bytes than the hub's \(SHA-256: expected \w{64}, found \w{64}\)$/,
    ),
  ]);
  writeFileSync(join(folder, 'config.json'), '');
  expect(await verify()).toContainEqual(expect.stringMatching(/config\.json has 0 bytes in place of 2$/));
  rmSync(join(folder, '../../blobs'), { recursive: true });
  expect(await verify()).toEqual([
    expect.stringMatching(
      /config\.json is missing: its link leads to \.\.\/\.\.\/blobs\/\w{40}, which is not there$/,
    ),
    expect.stringMatching(/model\.safetensors is missing/),
  ]);
  rmSync(join(folder, 'config.json'));
  expect(await verify()).toContainEqual(expect.stringMatching(/config\.json is missing$/));
  await fetchModel('hf:easel/other', { place: cache.place });
  expect(await verify()).toEqual([]);
});

test('without a list of the commit the names of blobs are its digests', async () => {
  const tree = join(cache.place.cache, 'models--easel--other/trees');
  rmSync(tree, { recursive: true });
  writeFileSync(join(cache.place.cache, 'models--easel--other/snapshots', newCommit, 'strange.txt'), 'mine');
  const [one] = await verifyModels('hf:easel/other', { place: cache.place });
  expect(one).toMatchObject({ files: 2, unknown: ['strange.txt'], faults: [] });
});

test('one commit is removed with what it alone has, then all', async () => {
  await removeModel('hf:easel/both@v1', { place: cache.place });
  expect((await listModels(cache.place)).map(({ commit }) => commit)).toEqual([newCommit, newCommit]);
  expect(blobs()).toHaveLength(2);
  expect(existsSync(join(cache.place.cache, 'models--easel--both/refs/v1'))).toBe(false);
  expect((await verifyModels('hf:easel/both', { place: cache.place }))[0]?.faults).toEqual([]);
  expect(await removeModel('hf:easel/both', { place: cache.place })).toBeGreaterThan(14);
  expect(existsSync(join(cache.place.cache, 'models--easel--both'))).toBe(false);
  await expect(removeModel('hf:easel/both', { place: cache.place })).rejects.toThrow(
    /hf:easel\/both is not in the cache/,
  );
  await expect(removeModel('hf:easel/other:x', { place: cache.place })).rejects.toThrow('removed as a whole');
});
