import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type HubServer, repositoryOf, type SeenRequest, serveHub } from '../testing/hub-server.js';
import { type TemporaryPlace, temporaryPlace } from '../testing/temporary-place.js';
import { type FetchOptions, fetchModel, planFetch } from './fetch-model.js';
import { findModel } from './find-model.js';
import { HubError } from './hub-error.js';

/** Bytes that look like nothing, the same for the same seed. */
function noise(length: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

const PARTS = 120;
const partName = (i: number) =>
  `model-${String(i + 1).padStart(5, '0')}-of-${String(PARTS).padStart(5, '0')}.safetensors`;
const parts = Array.from({ length: PARTS }, (_, i) => noise(300 + 17 * i, i + 1));

const weights = noise(5000, 77);
const tiny = { 'config.json': '{}', 'model.safetensors': weights, 'README.md': '# no' };
let hub: HubServer;
let cache: TemporaryPlace;

beforeAll(async () => {
  const vqgan = repositoryOf({ 'config.json': '{"n_embed": 1}', 'flax_model.msgpack': noise(900, 5) });
  // The commit that the notebook names is a name of ours here.
  const [files] = [...vqgan.commits.values()];
  vqgan.commits.set('e93a26e7707683d349bf5d5c41c5b0ef69b677a9', files as Map<string, Uint8Array>);
  hub = await serveHub({
    'easel/tiny': repositoryOf(tiny),
    'easel/secret': repositoryOf(tiny, { token: 'hf_right' }),
    'easel/gated': repositoryOf(tiny, { gated: true }),
    'easel/none': repositoryOf({
      'README.md': '#',
      'fp16/config.json': '{}',
      'fp16/model.safetensors': weights,
    }),
    'easel/parts': repositoryOf({
      'config.json': '{}',
      'model.safetensors.index.json': '{"weight_map": {}}',
      ...Object.fromEntries(parts.map((bytes, i) => [partName(i), bytes])),
    }),
    'dalle-mini/mini': repositoryOf({
      'config.json': '{"model_type": "dallebart"}',
      'flax_model.msgpack': weights,
    }),
    'dalle-mini/vqgan_imagenet_f16_16384': vqgan,
  });
});
afterAll(() => hub.close());
beforeEach(() => {
  cache = temporaryPlace(hub.endpoint);
  hub.seen.length = 0;
  hub.fault = undefined;
  hub.changeTree = undefined;
  hub.pageSize = 1000;
});
afterEach(() => cache.remove());

const options = (more: FetchOptions = {}): FetchOptions => ({
  place: cache.place,
  pause: async () => {},
  ...more,
});
const fetchTiny = (more: FetchOptions = {}) => fetchModel('hf:easel/tiny', options(more));
const isCdn = ({ host }: SeenRequest) => host === 'cdn';
const asked = () => hub.seen.filter(isCdn).map(({ range }) => range ?? 'all');
const blobs = () => readdirSync(join(cache.place.cache, 'models--easel--tiny/blobs'));

describe('a model is fetched', () => {
  test("into huggingface_hub's layout, with the files that it needs, and found without network", async () => {
    expect(await findModel('hf:easel/tiny', cache.place)).toBeUndefined();
    const progress: [number, number][] = [];
    const { folder, form, commit } = await fetchTiny({ onProgress: (...now) => progress.push(now) });
    expect(form).toBe('easel');
    expect(folder).toBe(join(cache.place.cache, 'models--easel--tiny/snapshots', commit));
    expect(readdirSync(folder).sort()).toEqual(['config.json', 'model.safetensors']);
    expect(lstatSync(join(folder, 'config.json')).isSymbolicLink()).toBe(true);
    expect(new Uint8Array(readFileSync(join(folder, 'model.safetensors')))).toEqual(weights);
    expect(readFileSync(join(folder, '../../refs/main'), 'utf8')).toBe(commit);
    expect(
      blobs()
        .map((name) => name.length)
        .sort(),
    ).toEqual([40, 64]);
    expect(progress.at(-1)).toEqual([5002, 5002]);
    hub.seen.length = 0;
    expect(await findModel('hf:easel/tiny', { ...cache.place, offline: true })).toMatchObject({
      folder,
      vqgan: undefined,
    });
    expect(await findModel(`hf:easel/tiny@${commit}`, cache.place)).toMatchObject({ folder });
    expect(hub.seen).toEqual([]);
  });

  test('with the VQGAN of DALL·E mini from its own repository', async () => {
    const plan = await planFetch('hf:dalle-mini/mini', options());
    expect(plan.vqgan).toMatchObject({ bytes: 914, missing: 914 });
    expect(existsSync(join(cache.place.cache, 'models--dalle-mini--mini'))).toBe(false); // a plan writes nothing
    const found = await fetchModel(plan, options());
    expect(found).toMatchObject({ form: 'flax', hasVqgan: false, isConverted: false });
    expect(existsSync(join(found.vqgan?.folder ?? '', 'flax_model.msgpack'))).toBe(true);
    rmSync(join(cache.place.cache, 'models--dalle-mini--vqgan_imagenet_f16_16384'), { recursive: true });
    expect(await findModel('hf:dalle-mini/mini', cache.place)).toBeUndefined();
  });

  test('a second time nothing but the list is asked for, and a newer commit brings what changed', async () => {
    await fetchTiny();
    hub.seen.length = 0;
    await fetchTiny();
    expect(hub.seen.map(({ path }) => path.split('/')[5])).toEqual(['revision', 'tree']);
    const repository = hub.repositories.get('easel/tiny');
    const newer = repositoryOf({ ...tiny, 'config.json': '{"new": 1}' });
    hub.repositories.set('easel/tiny', newer);
    hub.seen.length = 0;
    const { folder } = await fetchTiny();
    hub.repositories.set('easel/tiny', repository as ReturnType<typeof repositoryOf>);
    expect(readFileSync(join(folder, 'config.json'), 'utf8')).toBe('{"new": 1}');
    expect(hub.seen.filter(isCdn)).toEqual([]); // the weights are the same blob
  });

  test('of many files the list comes in pages', async () => {
    hub.pageSize = 50;
    const plan = await planFetch('hf:easel/parts', options());
    expect(plan.contents.files).toHaveLength(PARTS + 2);
    expect(hub.seen.filter(({ path }) => path.includes('/tree/'))).toHaveLength(3);
  });

  test('where there are no symbolic links, files lie in the commit themselves', async () => {
    cache.remove();
    cache = temporaryPlace(hub.endpoint, { symlinks: false });
    const { folder } = await fetchTiny();
    expect(lstatSync(join(folder, 'model.safetensors')).isFile()).toBe(true);
    expect(blobs()).toEqual([]);
    hub.seen.length = 0;
    await fetchTiny();
    expect(hub.seen.filter(isCdn)).toEqual([]);
    expect(await findModel('hf:easel/tiny', cache.place)).toMatchObject({ folder });
  });
});

describe('broken connections', () => {
  test('120 files, each cut one to three times, are resumed, and no byte is wrong', async () => {
    const cuts = new Map<string, number>();
    let total = 0;
    hub.fault = ({ host, path }) => {
      if (host !== 'cdn') return undefined;
      const count = cuts.get(path) ?? 0;
      const [chance = 0, place = 0] = noise(2, 31 * path.charCodeAt(1) + 7 * path.charCodeAt(2) + count);
      if (count > chance % 3) return undefined;
      cuts.set(path, count + 1);
      total++;
      return { cutAfter: place };
    };
    const { folder } = await fetchModel('hf:easel/parts', options());
    expect(cuts.size).toBe(PARTS);
    expect(total).toBeGreaterThan(1.5 * PARTS);
    const resumed = asked().filter((range) => range !== 'all').length;
    expect(resumed).toBeGreaterThan(PARTS);
    for (const [i, bytes] of parts.entries())
      expect(Buffer.compare(readFileSync(join(folder, partName(i))), bytes)).toBe(0);
    const left = readdirSync(join(folder, '../../blobs')).filter((name) => name.endsWith('.incomplete'));
    expect(left).toEqual([]);
  });

  test('a connection that stays away is an error, and the next command goes on from there', async () => {
    let first = true;
    hub.fault = ({ host }) => {
      if (host !== 'cdn') return undefined;
      const cutAfter = first ? 1234 : 0;
      first = false;
      return { cutAfter };
    };
    await expect(fetchTiny()).rejects.toThrow(
      /model\.safetensors ended 5 times in a row at byte 1234 of 5000/,
    );
    expect(await findModel('hf:easel/tiny', cache.place)).toBeUndefined();
    hub.fault = undefined;
    hub.seen.length = 0;
    const plan = await planFetch('hf:easel/tiny', options());
    expect(plan.missing).toBe(5000 - 1234);
    await fetchModel(plan, options());
    expect(asked()).toEqual(['bytes=1234-']);
  });

  test('a server that sends all in place of a range, and one that stalls', async () => {
    let count = 0;
    hub.fault = ({ host }) =>
      host === 'cdn' ? [{ cutAfter: 700 }, { whole: true } as const][count++] : undefined;
    await fetchTiny();
    expect(asked()).toEqual(['all', 'bytes=700-']);
    cache.remove();
    count = 0;
    hub.seen.length = 0;
    hub.fault = ({ host }) => (host === 'cdn' && count++ === 0 ? { stallAfter: 800 } : undefined);
    await fetchTiny({ stallMilliseconds: 300 });
    expect(asked()).toEqual(['all', 'bytes=800-']);
  });

  test('waits as long as the hub asks, and says so', async () => {
    let count = 0;
    const answers = [{ 'retry-after': '7' }, { ratelimit: '"api";r=0;t=55' }, {}];
    hub.fault = ({ path }) => {
      const headers = path.includes('/tree/') ? answers[count++] : undefined;
      return headers === undefined ? undefined : { status: count === 3 ? 503 : 429, headers };
    };
    const waits: number[] = [];
    const notices: string[] = [];
    await fetchTiny({ pause: async (ms) => void waits.push(ms), onNotice: (text) => notices.push(text) });
    expect(waits).toEqual([7000, 55_000, 4000]);
    expect(notices).toHaveLength(2);
    expect(notices[0]).toMatch(/asks to wait 7 s \(HTTP 429\)/);
    hub.fault = () => ({ status: 429 });
    await expect(fetchTiny()).rejects.toThrow('too many requests (HTTP 429)');
  });

  test('an aborted fetch keeps what came', async () => {
    const controller = new AbortController();
    hub.fault = ({ host }) => (host === 'cdn' ? { stallAfter: 900 } : undefined);
    const fetching = fetchTiny({
      signal: controller.signal,
      onProgress: (done) => done >= 900 && controller.abort(),
    });
    await expect(fetching).rejects.toMatchObject({ name: 'AbortError' });
    hub.fault = undefined;
    expect((await planFetch('hf:easel/tiny', options())).missing).toBeLessThanOrEqual(5002 - 900);
  });
});

describe('wrong bytes', () => {
  test('are fetched again from the first byte; twice wrong is an error that keeps nothing', async () => {
    let count = 0;
    hub.fault = ({ host }) => (host === 'cdn' && count++ === 0 ? { wrongByte: 4000 } : undefined);
    const { folder } = await fetchTiny();
    expect(asked()).toEqual(['all', 'all']);
    expect(new Uint8Array(readFileSync(join(folder, 'model.safetensors')))).toEqual(weights);
    cache.remove();
    hub.fault = ({ host }) => (host === 'cdn' ? { wrongByte: 3 } : undefined);
    await expect(fetchTiny()).rejects.toThrow(
      /model\.safetensors came with other bytes than the hub lists, twice \(SHA-256: expected \w{64}, found \w{64}\)/,
    );
    expect(blobs().filter((name) => name.length !== 40)).toEqual([]);
  });

  test('of a part that lay there, and of a file that was whole once', async () => {
    const { folder } = await fetchTiny();
    const model = join(folder, 'model.safetensors');
    const [blob = ''] = blobs().filter((name) => name.length === 64);
    rmSync(join(folder, '../../blobs', blob));
    writeFileSync(join(folder, '../../blobs', `${blob}.easel.incomplete`), noise(600, 1));
    await fetchTiny();
    expect(asked()).toEqual(['all', 'bytes=600-', 'all']);
    expect(new Uint8Array(readFileSync(model))).toEqual(weights);
    writeFileSync(model, noise(5000, 2)); // through the link: the blob is damaged
    await fetchTiny();
    expect(new Uint8Array(readFileSync(model))).toEqual(weights);
    truncateSync(model, 10);
    expect(await findModel('hf:easel/tiny', cache.place)).toBeUndefined();
  });

  test('a file in git is held to its SHA-1', async () => {
    hub.fault = ({ path }) => (path.startsWith('/api/resolve-cache') ? { wrongByte: 1 } : undefined);
    await expect(fetchTiny()).rejects.toThrow(/config\.json came with other bytes .*git's SHA-1: expected/);
  });

  test('an etag that is not the listed one', async () => {
    hub.changeTree = (entries) =>
      entries.map((entry) =>
        'lfs' in entry ? { ...entry, lfs: { oid: 'f'.repeat(64), size: 5000 } } : entry,
      );
    await expect(fetchTiny()).rejects.toThrow(
      /expected the file f{64} of 5000 bytes, as the hub lists it; found/,
    );
  });
});

describe('who may read', () => {
  test('a token goes to the hub and to nobody else', async () => {
    cache.remove();
    cache = temporaryPlace(hub.endpoint, { token: 'hf_right' });
    await fetchModel('hf:easel/secret', options());
    for (const { host, authorization } of hub.seen)
      expect(authorization).toBe(host === 'hub' ? 'Bearer hf_right' : undefined);
    expect(hub.seen.some(isCdn)).toBe(true);
  });

  test.each([
    [
      'hf:easel/unknown',
      undefined,
      /easel\/unknown: there is no such repository, or it is private.*No token is set; HF_TOKEN takes one/,
    ],
    ['hf:easel/secret', undefined, /there is no such repository, or it is private.*No token is set/],
    ['hf:easel/secret', 'hf_wrong', /there is no such repository.*The token that is set may not read it/],
    ['hf:easel/tiny', 'invalid', /refuses the token \(Invalid credentials/],
    ['hf:easel/gated', undefined, /easel\/gated: its owner gives it to those who accepted its conditions/],
    ['hf:easel/tiny@v9', undefined, /easel\/tiny: it has no revision "v9"/],
    [
      'hf:easel/none',
      undefined,
      /hf:easel\/none is no model that Easel opens.*It has README\.md \(1 bytes\).*folders :fp16\./,
    ],
    ['hf:easel/tiny:fp16', undefined, /hf:easel\/tiny:fp16 is no model.*It has config\.json/],
  ])('%s with the token %s', async (name, token, message) => {
    const place = { ...cache.place, token };
    await expect(fetchModel(name, options({ place }))).rejects.toThrow(message);
    await expect(fetchModel(name, options({ place }))).rejects.toBeInstanceOf(HubError);
  });

  test('nobody offline, and a hub that is not there', async () => {
    await expect(fetchTiny({ place: { ...cache.place, offline: true } })).rejects.toThrow(
      'HF_HUB_OFFLINE is set',
    );
    expect(hub.seen).toEqual([]);
    const place = { ...cache.place, endpoint: 'http://127.0.0.1:9' };
    await expect(fetchTiny({ place })).rejects.toThrow(/127\.0\.0\.1:9: the connection failed/);
  });
});

describe('what a hub may not do', () => {
  const listed = (path: string) => ({ type: 'file', path, oid: 'a'.repeat(40), size: 2 });

  test.each(['../../evil.json', '/etc/evil.json', 'vqgan/../../evil.json'])(
    '%s is no file of a model',
    async (path) => {
      hub.changeTree = (entries) => [...entries, listed(path)];
      const { folder } = await fetchTiny();
      expect(readdirSync(folder).sort()).toEqual(['config.json', 'model.safetensors']);
    },
  );

  test.each(['C:evil.json', 'a\\..\\evil.json', '\\\\host\\share'])('%j is refused', async (path) => {
    hub.changeTree = (entries) => [...entries, listed(path)];
    await expect(fetchTiny()).rejects.toThrow(`its file ${JSON.stringify(path)} is not fetched`);
    hub.changeTree = () =>
      [
        'config.json',
        'model.safetensors',
        'vqgan/config.json',
        'vqgan/model.safetensors',
        `vqgan/${path}`,
      ].map(listed);
    await expect(fetchTiny()).rejects.toThrow(`its file ${JSON.stringify(`vqgan/${path}`)} is not fetched`);
    expect(existsSync(join(cache.place.cache, 'models--easel--tiny'))).toBe(false);
  });

  test.each([
    [{ type: 'file', path: 'config.json', oid: '../../x', size: 2 }, /expected path, size and digest/],
    [{ type: 'file', path: 'config.json', oid: 'a'.repeat(40), size: -1 }, /expected path, size and digest/],
    [{ type: 'file', path: 7, oid: 'a'.repeat(40), size: 1 }, /expected path, size and digest/],
  ])('an entry %j', async (entry, message) => {
    hub.changeTree = () => [entry];
    await expect(fetchTiny()).rejects.toThrow(message);
  });
});

test('a full disk keeps what came, and the next fetch goes on', async () => {
  const probe = await open(join(cache.home, 'probe'), 'w');
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  const write = prototype.write as (...args: unknown[]) => Promise<{ bytesWritten: number }>;
  let room = 1000;
  const full = jest.spyOn(prototype, 'write').mockImplementation(async function (
    this: FileHandle,
    ...args: unknown[]
  ) {
    const [bytes, offset] = args as [Uint8Array, number];
    if (!(bytes instanceof Uint8Array) || bytes.length < 1000) return write.apply(this, args) as never;
    if (room === 0)
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const some = Math.min(room, bytes.length - offset);
    room -= some;
    return write.call(this, bytes, offset, some) as never;
  } as never);
  try {
    await expect(fetchTiny()).rejects.toThrow(
      /\.incomplete: the disk is full: 1000 of 5000 bytes of model\.safetensors are there\. They are kept/,
    );
  } finally {
    full.mockRestore();
  }
  hub.seen.length = 0;
  await fetchTiny();
  expect(asked()).toEqual(['bytes=1000-']);
});

test('a model that is larger than the disk is refused before anything is fetched', async () => {
  hub.changeTree = (entries) =>
    entries.map((entry) =>
      'lfs' in entry ? { ...entry, lfs: { oid: 'f'.repeat(64), size: 2 ** 52 }, size: 2 ** 52 } : entry,
    );
  await expect(fetchTiny()).rejects.toThrow(
    /4504 TB are to be fetched, and the disk has room for .* Nothing was fetched/,
  );
  expect(hub.seen.filter(isCdn)).toEqual([]);
});

test('waits for a process that fills the folder, and says so', async () => {
  const lock = join(cache.place.cache, '.locks/models--easel--tiny/easel.lock');
  mkdirSync(dirname(lock), { recursive: true });
  writeFileSync(lock, JSON.stringify({ pid: process.ppid, host: hostname(), started: null }));
  const notices: string[] = [];
  const fetching = fetchTiny({
    onNotice: (text) => {
      notices.push(text);
      setTimeout(() => rmSync(lock), 50);
    },
  });
  await fetching;
  expect(notices).toEqual([
    expect.stringContaining(
      `easel/tiny: waiting for process ${process.ppid} on ${hostname()}, which fetches it`,
    ),
  ]);
  expect(existsSync(lock)).toBe(false);
});

test('several at once fetch each file once', async () => {
  const folders = await Promise.all(Array.from({ length: 3 }, () => fetchTiny()));
  expect(new Set(folders.map(({ folder }) => folder)).size).toBe(1);
  expect(asked()).toEqual(['all']);
});
