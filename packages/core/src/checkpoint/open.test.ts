import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { golden } from '@easel/conformance/golden';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { serialize } from 'safetensors-ts';
import { writeSharded } from 'safetensors-ts/node';
import { CheckpointError } from '../errors.js';
import { fromMsgpack } from './msgpack.js';
import { openCheckpoint } from './open-path.js';

const GOLDEN = golden('bart/like_mini_glu/flax_model.msgpack');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'easel-checkpoint-'));
});
afterEach(() => rm(folder, { recursive: true }));

const small = () =>
  serialize([{ name: 'w', dtype: 'BF16', shape: [2], data: Uint16Array.of(0x3f80, 0x4000) }], { by: 'test' });

describe('openCheckpoint', () => {
  test('a safetensors file by content, whatever its name', async () => {
    for (const name of ['model.safetensors', 'weights.bin']) {
      await writeFile(join(folder, name), small());
      const source = await openCheckpoint(join(folder, name));
      expect(source.description).toBe(join(folder, name));
      expect([...source.metadata]).toEqual([['by', 'test']]);
      expect(await source.read('w')).toEqual(Float32Array.of(1, 2));
      await expect(source.read('v')).rejects.toBeInstanceOf(CheckpointError);
      await expect(source.read('w', 2)).rejects.toThrow('slice 2');
      await source.close();
    }
  });

  test('a Flax file reads the same as its bytes', async () => {
    await copyFile(GOLDEN, join(folder, 'anything'));
    const file = await openCheckpoint(join(folder, 'anything'));
    const bytes = fromMsgpack(await readFile(GOLDEN));
    expect([...file.entries]).toEqual([...bytes.entries]);
    for (const name of file.entries.keys()) expect(await file.read(name)).toEqual(await bytes.read(name));
    await file.close();
  });

  test('a folder: safetensors before Flax', async () => {
    await copyFile(GOLDEN, join(folder, 'flax_model.msgpack'));
    const flax = await openCheckpoint(folder);
    expect(flax.entries.has('lm_head.kernel')).toBe(true);
    await flax.close();
    await writeFile(join(folder, 'model.safetensors'), small());
    const ours = await openCheckpoint(folder);
    expect([...ours.entries.keys()]).toEqual(['w']);
    await ours.close();
  });

  test('safetensors in parts', async () => {
    const entries = ['a', 'b'].map((name) => ({ name, dtype: 'F32' as const, shape: [2] }));
    await writeSharded(folder, entries, (name) => Float32Array.of(name.charCodeAt(0), 0), {
      maxShardBytes: 8,
    });
    const source = await openCheckpoint(folder);
    expect(await source.read('b')).toEqual(Float32Array.of(98, 0));
    await source.close();
  });

  describe('Flax in parts', () => {
    // {"m": {NAME: uint8 [2] = DATA}}
    const part = (name: string, ...data: number[]) =>
      Uint8Array.from(
        [
          0x81,
          0xa1,
          0x6d,
          0x81,
          0xa1,
          name.charCodeAt(0),
          0xc7,
          13,
          1,
          0x93,
          0x91,
          2,
          0xa5,
          ...Buffer.from('uint8'),
          0xc4,
          2,
          ...data,
          0,
        ].slice(0, -1),
      );
    const write = async (weightMap: unknown) => {
      await writeFile(join(folder, 'flax_model-00001-of-00002.msgpack'), fix(part('a', 1, 2)));
      await writeFile(join(folder, 'flax_model-00002-of-00002.msgpack'), fix(part('b', 3, 4)));
      await writeFile(
        join(folder, 'flax_model.msgpack.index.json'),
        JSON.stringify({ metadata: {}, weight_map: weightMap }),
      );
    };
    // The extension's length, so that the literal above can be read without counting.
    const fix = (bytes: Uint8Array) => {
      bytes[7] = bytes.length - 9;
      return bytes;
    };
    const one = 'flax_model-00001-of-00002.msgpack';
    const two = 'flax_model-00002-of-00002.msgpack';

    test('are read as one', async () => {
      await write({ 'm/a': one, 'm/b': two });
      const source = await openCheckpoint(folder);
      expect([...source.entries.keys()]).toEqual(['m.a', 'm.b']);
      expect(await source.read('m.b')).toEqual(Float32Array.of(3, 4));
      await source.close();
    });

    test.each([
      ['a missing part', { 'm/a': one, 'm/b': 'flax_model-3.msgpack' }, 'Fetch all parts'],
      ['a tensor in the wrong part', { 'm/a': one, 'm/b': one, 'm/c': two }, 'which does not hold it'],
      ['a tensor that the index lacks', { 'm/a': one, x: two }, 'which does not hold it'],
      [
        'a path out of the folder',
        { 'm/a': '../x' },
        'expected the name of a file in the same folder, found "../x"',
      ],
      ['no map', 'x', 'expected an object with "weight_map"'],
    ])('refuses %s', async (_, weightMap, message) => {
      await write(weightMap);
      await expect(openCheckpoint(folder)).rejects.toThrow(message);
      await expect(openCheckpoint(folder)).rejects.toBeInstanceOf(CheckpointError);
    });
  });

  const bytes = (...data: number[]) => Uint8Array.from([...data, ...new Array(40).fill(0x20)]);
  test.each<[string, string, Uint8Array | string, string]>([
    ['an empty file', 'model.safetensors', '', 'the file is empty'],
    [
      'a Git LFS pointer',
      'flax_model.msgpack',
      'version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 1751345000\n',
      'this is a Git LFS pointer and not the file of 1751345000 bytes that it stands for. Run `git lfs pull`',
    ],
    ['a web page', 'flax_model.msgpack', '<!DOCTYPE html><html>', 'this is a web page'],
    [
      'an XML error after white space',
      'model.safetensors',
      '\n <?xml version="1.0"?><Error>',
      'this is a web page',
    ],
    ["a server's answer", 'model.safetensors', 'Entry not found', 'a server\'s answer ("Entry not found")'],
    [
      'a PyTorch archive',
      'encoder.pt',
      bytes(0x50, 0x4b, 3, 4),
      'a ZIP archive without the directory that ends it. It is probably a partial download',
    ],
    [
      'a pickle',
      'model.ckpt',
      bytes(0x80, 0x02, 0x8a),
      'this is a Python pickle, and not what torch.save writes. Unpickling one can run any code, so Easel does not. Write it again',
    ],
    ['a gzip archive', 'model.tar.gz', new Uint8Array(gzipSync('x')), 'packed archive'],
    ['an HDF5 file', 'model.h5', bytes(0x89, 0x48, 0x44, 0x46), 'HDF5'],
    ['a NumPy array', 'x.npy', bytes(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59), 'NumPy array'],
    ['a GGUF file', 'x.gguf', 'GGUF and more', 'GGUF'],
    ['a config', 'config.json', '{"d_model": 1024}', 'a JSON file holds no weights'],
    [
      'a text',
      'notes.txt',
      'Some notes on models',
      'it starts with "Some notes on models", which is neither',
    ],
    [
      'unknown bytes',
      'x',
      Uint8Array.of(1, 2, 3, 0xff, 5, 6, 7, 8, 9),
      'it starts with the bytes 01 02 03 ff 05 06 07 08',
    ],
    [
      'a short safetensors file',
      'model.safetensors',
      Uint8Array.of(1, 2, 3),
      'shorter than the length of a header',
    ],
    ['text named .msgpack', 'x.msgpack', 'hello', 'bytes follow the end of the tree'],
  ])('%s', async (_, name, content, message) => {
    const path = join(folder, name);
    await writeFile(path, content);
    await expect(openCheckpoint(path)).rejects.toThrow(message);
    await expect(openCheckpoint(path)).rejects.toThrow(path);
    await expect(openCheckpoint(path)).rejects.toBeInstanceOf(CheckpointError);
  });

  test('truncated files of both kinds', async () => {
    const flax = join(folder, 'flax_model.msgpack');
    await copyFile(GOLDEN, flax);
    await chmod(flax, 0o644);
    await truncate(flax, 40_000);
    await expect(openCheckpoint(flax)).rejects.toThrow('It is probably a partial download: fetch it again.');
    const ours = join(folder, 'model.safetensors');
    await writeFile(ours, small().subarray(0, -1));
    await expect(openCheckpoint(ours)).rejects.toThrow('partial download');
    await expect(openCheckpoint(ours)).rejects.toBeInstanceOf(CheckpointError);
  });

  test('paths that are not there, with the nearest name', async () => {
    await writeFile(join(folder, 'model.safetensors'), small());
    await expect(openCheckpoint(join(folder, 'model.safetensor'))).rejects.toThrow(
      `there is no such file or folder. Did you mean ${join(folder, 'model.safetensors')}?`,
    );
    await expect(openCheckpoint(join(folder, 'no', 'x'))).rejects.toThrow(
      `The folder ${join(folder, 'no')} does not exist either`,
    );
    await expect(openCheckpoint(join(folder, 'model.safetensors', 'x'))).rejects.toBeInstanceOf(
      CheckpointError,
    );
  });

  test('folders without a checkpoint', async () => {
    await expect(openCheckpoint(folder)).rejects.toThrow('found nothing. Is it the folder of a model?');
    await writeFile(join(folder, 'readme.md'), 'x');
    await expect(openCheckpoint(folder)).rejects.toThrow(
      'expected one of model.safetensors, model.safetensors.index.json, flax_model.msgpack, flax_model.msgpack.index.json in it, found readme.md',
    );
    await writeFile(join(folder, 'a.pt'), 'x');
    await expect(openCheckpoint(folder)).rejects.toThrow(
      `${join(folder, 'a.pt')}: expected a .safetensors, a Flax`,
    );
    await writeFile(join(folder, 'b.ckpt'), 'x');
    await expect(openCheckpoint(folder)).rejects.toThrow('several PyTorch files (a.pt, b.ckpt)');
    await mkdir(join(folder, 'model.safetensors'));
    await expect(openCheckpoint(folder)).rejects.toThrow('several PyTorch files'); // a folder is no file
    expect(await readdir(folder)).toHaveLength(4);
  });
});

describe('a Flax file', () => {
  test('3.5 GiB: opened by its structure alone, a slice read from its end', async () => {
    // {"a": {"kernel": float32 [3584, 512, 512]}, "b": uint8 [1]}; the data of the first is a hole
    // but for its last number.
    const [layers, width] = [3584, 512];
    const dataBytes = layers * width * width * 4;
    const u16 = (value: number) => [0xcd, value >> 8, value & 0xff];
    const u32 = (value: number) => [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
    const description = [
      0x93,
      0x93,
      ...u16(layers),
      ...u16(width),
      ...u16(width),
      0xa7,
      ...Buffer.from('float32'),
      0xc6,
      ...u32(dataBytes),
    ];
    const start = [
      0x82,
      0xa1,
      0x61,
      0x81,
      0xa6,
      ...Buffer.from('kernel'),
      0xc9,
      ...u32(description.length + dataBytes),
      1,
      ...description,
    ];
    const rest = [0xa1, 0x62, 0xc7, 12, 1, 0x93, 0x91, 1, 0xa5, ...Buffer.from('uint8'), 0xc4, 1, 9];
    rest[3] = rest.length - 5;
    const path = join(folder, 'big.msgpack');
    const handle = await open(path, 'w');
    await handle.write(Uint8Array.from(start));
    await handle.write(new Uint8Array(Float32Array.of(2.5).buffer), 0, 4, start.length + dataBytes - 4);
    await handle.write(Uint8Array.from(rest), 0, rest.length, start.length + dataBytes);
    await handle.close();

    const before = process.memoryUsage().rss;
    const file = await openCheckpoint(path);
    try {
      expect(file.entries.get('a.kernel')).toMatchObject({ dtype: 'F32', shape: [layers, width, width] });
      expect(await file.read('b')).toEqual(Float32Array.of(9));
      const last = await file.read('a.kernel', layers - 1);
      expect(last).toHaveLength(width * width);
      expect([last[0], last.at(-1)]).toEqual([0, 2.5]);
      expect(process.memoryUsage().rss - before).toBeLessThan(256 * 2 ** 20);
    } finally {
      await file.close();
    }
  });

  test('a file that shrinks while open', async () => {
    const path = join(folder, 'x.msgpack');
    await copyFile(GOLDEN, path);
    await chmod(path, 0o644);
    const file = await openCheckpoint(path);
    await truncate(path, 100);
    await expect(file.read('lm_head.kernel')).rejects.toThrow('became shorter while it was read');
    await file.close();
  });
});
