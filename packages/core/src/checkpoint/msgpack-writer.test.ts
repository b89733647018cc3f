import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { golden } from '@easel/conformance/golden';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CheckpointError } from '../errors.js';
import { fromMsgpack } from './msgpack.js';
import { layOutMsgpack } from './msgpack-layout.js';
import { writeMsgpack } from './msgpack-writer.js';
import { saveMsgpack } from './save.js';

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'easel-msgpack-'));
  path = join(folder, 'flax_model.msgpack');
});
afterAll(() => rm(folder, { recursive: true }));

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const written = async () => new Uint8Array(await readFile(path));
const f32 = (...values: number[]) => Float32Array.from(values);

describe('bytes of flax.serialization.to_bytes', () => {
  test('{"a": {"kernel": float32 [[0, 1, 2]]}}', async () => {
    await saveMsgpack(path, new Map([['a.kernel', { data: f32(0, 1, 2), shape: [1, 3] }]]));
    expect(await written()).toEqual(
      bytes(
        '81 a1 61 81 a6 6b 65 72 6e 65 6c c7 1a 01 93 92 01 03 a7 66 6c 6f 61 74 33 32 c4 0c 00 00 00 00 00 00 80 3f 00 00 00 40',
      ),
    );
  });

  test('int32 of no axes, and bfloat16', async () => {
    await saveMsgpack(path, new Map([['x', { data: Int32Array.of(7), shape: [] }]]));
    expect(await written()).toEqual(bytes('81 a1 78 c7 0e 01 93 90 a5 69 6e 74 33 32 c4 04 07 00 00 00'));
    await saveMsgpack(path, new Map([['x', { data: f32(1, 2), shape: [2] }]]), { dtype: 'BF16' });
    expect(await written()).toEqual(
      bytes('81 a1 78 c7 12 01 93 91 02 a8 62 66 6c 6f 61 74 31 36 c4 04 80 3f 00 40'),
    );
  });

  test('an extension of 16 bytes has a head of its own', async () => {
    // 93 91 01 a5 "uint8" c4 04 + 4 bytes would be 15; a name of one letter more makes 16.
    await writeMsgpack(path, [{ name: 'x', dtype: 'U16', shape: [2] }], () => Uint16Array.of(1, 2));
    expect(await written()).toEqual(bytes('81 a1 78 d8 01 93 91 02 a6 75 69 6e 74 31 36 c4 04 01 00 02 00'));
  });

  test.each(['act_swish', 'like_mini_glu'])("the original's %s, read and written again", async (name) => {
    const original = await readFile(golden(`bart/${name}/flax_model.msgpack`));
    const source = fromMsgpack(original);
    await writeMsgpack(path, source.entries.values(), (tensor) => source.read(tensor));
    expect(Buffer.compare(await readFile(path), original)).toBe(0);
  });
});

describe('chunks', () => {
  const tensors = new Map([
    ['b.small', { data: f32(1, 2), shape: [2] }],
    ['a.large', { data: f32(...Array.from({ length: 14 }, (_, i) => i / 4)), shape: [2, 7] }],
  ]);

  test('an array beyond the bound is cut as Flax does, and comes back whole', async () => {
    const size = await saveMsgpack(path, tensors, { maxChunkBytes: 18 }); // 4 numbers a chunk
    const file = await written();
    expect(file).toHaveLength(size);
    const text = Buffer.from(file).toString('latin1');
    expect(text).toContain(
      '\xa5large\x83\xb9__msgpack_chunked_array__\xc3\xa5shape\x82\xa10\x02\xa11\x07\xa6chunks\x84\xa10',
    );
    const source = fromMsgpack(file);
    expect([...source.entries.keys()]).toEqual(['a.large', 'b.small']);
    expect(source.entries.get('a.large')).toMatchObject({ shape: [2, 7], pieces: { length: 4 } });
    expect(await source.read('a.large')).toEqual(tensors.get('a.large')?.data);
    expect(await source.read('b.small')).toEqual(f32(1, 2));
  });

  test('of 2^30 bytes by default', () => {
    const parts = layOutMsgpack([{ name: 'x', dtype: 'F32', shape: [2 ** 28 + 3] }]);
    expect(parts.filter((part) => !(part instanceof Uint8Array))).toEqual([
      { name: 'x', byteLength: 2 ** 30 },
      { name: 'x', byteLength: 12 },
    ]);
    const whole = layOutMsgpack([{ name: 'x', dtype: 'F16', shape: [2 ** 29] }]);
    expect(whole.at(-1)).toEqual({ name: 'x', byteLength: 2 ** 30 });
  });
});

describe('data in pieces', () => {
  const entry = { name: 'x', dtype: 'U8' as const, shape: [5] };
  async function* pieces(...lists: number[][]): AsyncGenerator<Uint8Array> {
    for (const list of lists) yield Uint8Array.from(list);
  }

  test('cut anywhere', async () => {
    await writeMsgpack(path, [entry], () => pieces([1], [], [2, 3, 4], [5]), { maxChunkBytes: 2 });
    expect(await fromMsgpack(await written()).read('x')).toEqual(f32(1, 2, 3, 4, 5));
  });

  test.each([
    ['too few bytes', [[1, 2]], '3 bytes less'],
    ['too many', [[1, 2, 3, 4, 5, 6]], 'more bytes'],
    ['a piece too many', [[1, 2, 3, 4, 5], [6]], 'more bytes'],
  ])('%s: the old file stays, no other is left', async (_, lists, message) => {
    await writeFile(path, 'old');
    const writing = writeMsgpack(path, [entry], () => pieces(...lists));
    await expect(writing).rejects.toThrow(`${path}, tensor "x": its data has ${message}`);
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['flax_model.msgpack']);
  });
});

test.each([
  ['a name twice', ['a', 'a'], 'F32'],
  ['a tensor inside a tensor', ['a', 'a.b'], 'F32'],
  ['a tensor and a map', ['a.b', 'a'], 'F32'],
  ['a dtype without name', ['a'], 'F8_E4M3'],
] as const)('refuses %s', async (_, names, dtype) => {
  const entries = names.map((name) => ({ name, dtype, shape: [1] }));
  await expect(writeMsgpack(path, entries, () => f32(1))).rejects.toBeInstanceOf(CheckpointError);
});

test('maps with nothing in them: {"0": {"count": 3}, "1": {}}', async () => {
  // As Flax writes optax's state: an empty tuple is an empty map.
  const emptyMaps = ['1'];
  await writeMsgpack(path, [{ name: '0.count', dtype: 'I32', shape: [] }], () => Int32Array.of(3), {
    emptyMaps,
  });
  expect(await written()).toEqual(
    bytes('82 a1 30 81 a5 63 6f 75 6e 74 c7 0e 01 93 90 a5 69 6e 74 33 32 c4 04 03 00 00 00 a1 31 80'),
  );
  const taken = writeMsgpack(path, [{ name: '0.count', dtype: 'I32', shape: [] }], () => Int32Array.of(3), {
    emptyMaps: ['0'],
  });
  await expect(taken).rejects.toThrow(/"0".*is taken/);
});
