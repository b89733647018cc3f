import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { golden } from '@easel/conformance/golden';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serialize } from 'safetensors-ts';
import { type FileServer, serveFiles } from '../../testing/file-server.js';
import { openWeights } from '../checkpoint/open.js';
import { CheckpointError, ConfigError } from '../errors.js';
import { folderFiles, modelFiles as nodeModelFiles } from './folder-files.js';
import { memoryFiles } from './memory-files.js';
import type { ModelFiles } from './model-files.js';
import { modelFiles } from './model-source.js';
import { urlFiles } from './url-files.js';

const text = (content: string) => new TextEncoder().encode(content);
const float32 = (...values: number[]) => Float32Array.from(values);

/**
 * Beyond what the first request for a file asks for, 16 MiB, so that its end is read by a range of
 * its own.
 */
const LARGE = 4 * 2 ** 20 + 1000;
const large = serialize([
  { name: 'a', dtype: 'F32', shape: [LARGE], data: Float32Array.from({ length: LARGE }, (_, i) => i % 251) },
  { name: 'z', dtype: 'F32', shape: [3], data: float32(1, 2, 3) },
]);

const contents = new Map<string, Uint8Array>([
  ['config.json', text('{"ä": 1}')],
  ['empty', new Uint8Array()],
  ['latin-1.txt', Uint8Array.of(0x41, 0xe9)],
  ['with space?.txt', text('odd')],
  ['vqgan/config.json', text('{}')],
  ['model.safetensors', large],
]);

let root: string;
const servers: FileServer[] = [];
const places = new Map<string, ModelFiles>();

async function serve(...args: Parameters<typeof serveFiles>): Promise<FileServer> {
  const server = await serveFiles(...args);
  servers.push(server);
  return server;
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'easel-files-'));
  for (const [name, bytes] of contents) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), bytes);
  }
  places.set('a folder', folderFiles(root));
  places.set('memory', memoryFiles(contents));
  places.set('a server', urlFiles((await serve(contents)).address));
  places.set('a server without ranges', urlFiles((await serve(contents, { ranges: false })).address));
  places.set('a server of pages', urlFiles((await serve(contents, { pages: true })).address));
});
afterAll(async () => {
  for (const server of servers) await server.close();
  rmSync(root, { recursive: true });
});

describe.each(['a folder', 'memory', 'a server', 'a server without ranges', 'a server of pages'])(
  '%s',
  (place) => {
    const files = () => places.get(place) as ModelFiles;

    test('text, bytes, ranges, existence', async () => {
      expect(await files().text('config.json')).toBe('{"ä": 1}');
      expect(await files().bytes('vqgan/config.json')).toEqual(text('{}'));
      expect(await files().range('config.json', 1, 5)).toEqual(text('"ä"'));
      expect(await files().text('with space?.txt')).toBe('odd');
      expect(await files().bytes('empty')).toEqual(new Uint8Array());
      expect(await files().has('empty')).toBe(true);
      expect(await files().has('config.json')).toBe(true);
      for (const name of ['nothing.json', 'vqgan', 'vqgan/nothing']) {
        expect(await files().has(name)).toBe(false);
        expect(await files().text(name)).toBeUndefined();
        expect(await files().open(name)).toBeUndefined();
      }
    });

    test('a folder inside, whether it is there or not', async () => {
      expect(await files().folder('vqgan').text('config.json')).toBe('{}');
      expect(await files().folder('clip').has('config.json')).toBe(false);
    });

    test('what is refused, by name', async () => {
      await expect(files().text('latin-1.txt')).rejects.toThrow(/latin-1\.txt: expected UTF-8 text/);
      await expect(files().text('latin-1.txt')).rejects.toBeInstanceOf(ConfigError);
      await expect(files().range('config.json', 2, 99)).rejects.toThrow(
        /config\.json: expected bytes up to 99, found 9/,
      );
      await expect(files().range('config.json', 3, 2)).rejects.toThrow(
        'expected a range of bytes, got 3 to 2',
      );
      await expect(files().range('nothing', 0, 1)).rejects.toThrow(/nothing: there is no such file/);
    });

    test('weights, from the beginning and the end of a large file', async () => {
      const weights = await openWeights(files());
      expect(await weights.read('z')).toEqual(float32(1, 2, 3));
      const a = await weights.read('a');
      expect(a.every((value, i) => value === i % 251)).toBe(true);
      await weights.close();
    });
  },
);

describe('addresses', () => {
  test('a small file comes in one request, of a large one what is read', async () => {
    const small = serialize([{ name: 'w', dtype: 'F32', shape: [2], data: float32(4, 5) }]);
    const server = await serve(
      new Map([
        ['model.safetensors', small],
        ['large/model.safetensors', large],
      ]),
    );
    const weights = await openWeights(urlFiles(server.address));
    expect(await weights.read('w')).toEqual(float32(4, 5));
    expect(server.asked).toEqual([`model.safetensors bytes=0-${2 ** 24 - 1}`]);
    const others = await openWeights(urlFiles(server.address).folder('large'));
    server.asked.length = 0;
    await others.read('z');
    const [begin, end] = [large.length - 12, large.length - 1];
    expect(server.asked).toEqual([`large/model.safetensors bytes=${begin}-${end}`]);
  });

  test('weights in parts, and those of Flax and PyTorch', async () => {
    const part = (name: string) =>
      serialize([{ name, dtype: 'F32', shape: [1], data: float32(name.charCodeAt(0)) }]);
    const index = {
      weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' },
    };
    const flax = new Uint8Array(await readFile(golden('bart/like_mini_glu/flax_model.msgpack')));
    const torch = new Uint8Array(
      await readFile(new URL('../checkpoint/golden/torch/lightning.ckpt', import.meta.url)),
    );
    const server = await serve(
      new Map([
        ['parts/model.safetensors.index.json', text(JSON.stringify(index))],
        ['parts/model-00001-of-00002.safetensors', part('a')],
        ['parts/model-00002-of-00002.safetensors', part('b')],
        ['flax/flax_model.msgpack', flax],
        ['torch/lightning.ckpt', torch],
      ]),
    );
    const files = urlFiles(server.address);
    const parts = await openWeights(files.folder('parts'));
    expect(await parts.read('b')).toEqual(float32(98));
    const remote = await openWeights(files.folder('flax'));
    const memory = await openWeights(memoryFiles(new Map([['flax_model.msgpack', flax]])));
    expect([...remote.entries]).toEqual([...memory.entries]);
    for (const name of remote.entries.keys())
      expect(await remote.read(name)).toEqual(await memory.read(name));
    const lightning = await openWeights(files.folder('torch'), 'lightning.ckpt');
    expect(lightning.metadata.get('global_step')).toBe('1234');
    server.files.delete('parts/model-00002-of-00002.safetensors');
    await expect(openWeights(files.folder('parts'))).rejects.toThrow(
      '"model-00002-of-00002.safetensors" that it names cannot be opened',
    );
  });

  test('a file that changes while it is open', async () => {
    const server = await serve(new Map([['model.safetensors', large]]));
    const weights = await openWeights(urlFiles(server.address));
    server.files.set('model.safetensors', large.slice(0, -4));
    await expect(weights.read('z')).rejects.toThrow('became shorter while it was read');
    server.files.set('model.safetensors', new Uint8Array(large.length + 1));
    await expect(weights.read('z')).rejects.toThrow('the file changed while it was read');
  });

  test('a query stays, and the fetch is the one that is given', async () => {
    const asked: string[] = [];
    const fetch = async (url: string) => {
      asked.push(url);
      return new Response('ok');
    };
    const files = urlFiles('https://host/a/?key=1', { fetch });
    expect(await files.folder('b c').text('x')).toBe('ok');
    expect(asked).toEqual(['https://host/a/b%20c/x?key=1']);
  });

  test('errors of the server and the network name the address', async () => {
    const failing = urlFiles('https://host/m', {
      fetch: async () => new Response('', { status: 500, statusText: 'No' }),
    });
    await expect(failing.text('config.json')).rejects.toThrow(
      'https://host/m/config.json: expected the file, the server answers 500 No.',
    );
    const server = await serveFiles(new Map());
    await server.close();
    const gone = urlFiles(server.address).text('config.json');
    await expect(gone).rejects.toThrow(`${server.address}/config.json: cannot be fetched`);
    await expect(gone).rejects.toBeInstanceOf(CheckpointError);
  });
});

describe('sources', () => {
  test('files are taken as they are; addresses and paths are told apart', () => {
    const files = memoryFiles({});
    expect(modelFiles(files)).toBe(files);
    expect(nodeModelFiles(files)).toBe(files);
    expect(modelFiles('https://host/models/emoji/').description).toBe('https://host/models/emoji');
    expect(nodeModelFiles('https://host/m').nameOf('x')).toBe('https://host/m/x');
    expect(nodeModelFiles('data/models').nameOf('x')).toBe(join('data/models', 'x'));
    expect(nodeModelFiles(pathToFileURL('/data/models')).nameOf('x')).toBe('/data/models/x');
  });

  test.each(['data/models/emoji', '/data/models', 'C:\\models'])('%s is no address', (source) => {
    expect(() => modelFiles(source)).toThrow(`${source}: expected the address of a model's folder`);
    expect(() => modelFiles(source)).toThrow(ConfigError);
  });

  test('names in memory', async () => {
    expect(await memoryFiles({ 'a/b/c': 'x', 'a/d': 'y', e: 'z' }).list()).toEqual(['a', 'e']);
    expect(await memoryFiles({ 'a/b/c': 'x', 'a/d': 'y', e: 'z' }).folder('a').list()).toEqual(['b', 'd']);
    await expect(openWeights(memoryFiles({ 'readme.md': 'x' }, 'these files'))).rejects.toThrow(
      'these files: expected one of model.safetensors, model.safetensors.index.json, flax_model.msgpack, flax_model.msgpack.index.json in it, found readme.md.',
    );
  });
});
