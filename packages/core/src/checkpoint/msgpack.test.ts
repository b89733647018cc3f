import { readFileSync } from 'node:fs';
import { golden } from '@easel/conformance/golden';
import { describe, expect, test } from '@jest/globals';
import { CheckpointError } from '../errors.js';
import { fromMsgpack } from './msgpack.js';

const fromHex = (hex: string) => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const str = (text: string) => {
  const bytes = [...new TextEncoder().encode(text)];
  return bytes.length < 32 ? [0xa0 | bytes.length, ...bytes] : [0xd9, bytes.length, ...bytes];
};
const bin = (data: number[]) => [0xc5, data.length >> 8, data.length & 0xff, ...data];
const map = (...pairs: [string, number[]][]) => [
  0x80 | pairs.length,
  ...pairs.flatMap(([key, value]) => [...str(key), ...value]),
];
const ext = (code: number, payload: number[]) => [
  0xc8,
  payload.length >> 8,
  payload.length & 0xff,
  code,
  ...payload,
];
const array = (shape: number[], dtype: string, data: number[], code = 1) =>
  ext(code, [0x93, 0x90 | shape.length, ...shape, ...str(dtype), ...bin(data)]);
const open = (bytes: number[]) => fromMsgpack(Uint8Array.from(bytes), 'x.msgpack');
const u8 = (...data: number[]) => array([data.length], 'uint8', data);
const read = async (bytes: number[], name = 'a', slice?: number) => [
  ...(await open(bytes).read(name, slice)),
];

describe('bytes that Flax writes', () => {
  test('a nested map with a float32 [1,3]', async () => {
    const source = fromMsgpack(
      fromHex(
        '81 a1 61 81 a6 6b 65 72 6e 65 6c c7 1a 01 93 92 01 03 a7 66 6c 6f 61 74 33 32 c4 0c 00 00 00 00 00 00 80 3f 00 00 00 40',
      ),
    );
    expect([...source.entries.values()]).toMatchObject([{ name: 'a.kernel', dtype: 'F32', shape: [1, 3] }]);
    expect(await source.read('a.kernel')).toEqual(Float32Array.of(0, 1, 2));
    expect(await source.read('a.kernel', 0)).toEqual(Float32Array.of(0, 1, 2));
  });

  test.each([
    ['int32 7 without axes', 'c7 0e 01 93 90 a5 69 6e 74 33 32 c4 04 07 00 00 00', 'I32', [], [7]],
    ['a NumPy float32 1.5', 'd8 03 93 90 a7 66 6c 6f 61 74 33 32 c4 04 00 00 c0 3f', 'F32', [], [1.5]],
    [
      'bfloat16 [1, 2]',
      'c7 12 01 93 91 02 a8 62 66 6c 6f 61 74 31 36 c4 04 80 3f 00 40',
      'BF16',
      [2],
      [1, 2],
    ],
  ])('%s', async (_, hex, dtype, shape, values) => {
    const source = fromMsgpack(Uint8Array.from([0x81, ...str('a'), ...fromHex(hex)]));
    expect(source.entries.get('a')).toMatchObject({ dtype, shape });
    expect([...(await source.read('a'))]).toEqual(values);
  });

  test('an array alone, and an empty map', async () => {
    expect(await read(u8(5, 6), '')).toEqual([5, 6]);
    expect(open([0x80]).entries.size).toBe(0);
  });

  test.each([
    ['bool', [1, 0, 2], [1, 0, 1]],
    ['uint8', [255], [255]],
    ['int8', [255], [-1]],
    ['float16', [0, 0x3c], [1]],
    ['float64', [0, 0, 0, 0, 0, 0, 0xf8, 0x3f], [1.5]],
    ['int64', [255, 255, 255, 255, 255, 255, 255, 255], [-1]],
    ['uint64', [1, 0, 0, 0, 1, 0, 0, 0], [2 ** 32]],
  ])('dtype %s', async (dtype, data, values) => {
    expect(await read(map(['a', array([values.length], dtype, data)]))).toEqual(values);
  });

  test('the dtype as bytes, and an array with an empty axis', async () => {
    expect(
      await read(map(['a', ext(1, [0x93, 0x91, 1, 0xc4, 5, ...str('uint8').slice(1), 0xc4, 1, 9])])),
    ).toEqual([9]);
    expect(await read(map(['a', array([0, 3], 'float32', [])]))).toEqual([]);
  });

  test('plain numbers are scalars, text is metadata, nil is nothing', async () => {
    const numbers: [string, number[], number][] = [
      ['fix', [0x07], 7],
      ['negative', [0xff], -1],
      ['false', [0xc2], 0],
      ['true', [0xc3], 1],
      ['f32', [0xca, 0x3f, 0xc0, 0, 0], 1.5],
      ['f64', [0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0], 1.5],
      ['u8', [0xcc, 200], 200],
      ['u16', [0xcd, 1, 0], 256],
      ['u32', [0xce, 0, 1, 0, 0], 65536],
      ['u64', [0xcf, 0, 0, 0, 1, 0, 0, 0, 0], 2 ** 32],
      ['i8', [0xd0, 0x80], -128],
      ['i16', [0xd1, 0xff, 0], -256],
      ['i32', [0xd2, 0xff, 0xff, 0, 0], -65536],
      ['i64', [0xd3, 255, 255, 255, 255, 0, 0, 0, 0], -(2 ** 32)],
    ];
    const tree = [...map(...numbers.map(([name, bytes]): [string, number[]] => [name, bytes]))];
    const source = open([
      0x82,
      ...str('n'),
      ...tree,
      ...str('t'),
      ...map(['text', str('hello')], ['none', [0xc0]]),
    ]);
    for (const [name, , value] of numbers)
      expect([name, ...(await source.read(`n.${name}`))]).toEqual([name, value]);
    expect([...source.metadata]).toEqual([['t.text', 'hello']]);
    expect(source.entries.size).toBe(numbers.length);
  });

  test('every length form of maps, strings, binaries, extensions', async () => {
    const body = [0x93, 0x91, 1, ...str('uint8'), 0xc6, 0, 0, 0, 1, 42];
    expect(
      await read([0xdf, 0, 0, 0, 1, 0xdb, 0, 0, 0, 1, 0x61, 0xc9, 0, 0, 0, body.length, 1, ...body]),
    ).toEqual([42]);
    expect(await read([0xde, 0, 1, 0xda, 0, 1, 0x61, 0xc8, 0, body.length, 1, ...body])).toEqual([42]);
    const wide = [0xdc, 0, 3, 0xdd, 0, 0, 0, 1, 1, ...str('uint8'), 0xc4, 1, 42];
    expect(await read([0x81, 0xd9, 1, 0x61, 0xc7, wide.length, 1, ...wide])).toEqual([42]);
    // fixext16: array of 3, shape [4], "uint8", 6 bytes short of 16
    expect(
      await read([0x81, ...str('a'), 0xd8, 1, 0x93, 0x91, 5, ...str('uint8'), 0xc4, 5, 1, 2, 3, 4, 5]),
    ).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('chunked arrays', () => {
  const chunked = (shape: number[], chunks: number[][], dtype = 'uint8') =>
    map(
      ['__msgpack_chunked_array__', [0xc3]],
      ['shape', map(...shape.map((dim, i): [string, number[]] => [`${i}`, [dim]]))],
      [
        'chunks',
        map(...chunks.map((chunk, i): [string, number[]] => [`${i}`, array([chunk.length], dtype, chunk)])),
      ],
    );

  test('are joined, whole and by slices that cross chunks', async () => {
    const bytes = map([
      'a',
      chunked(
        [3, 2],
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
      ),
    ]);
    expect(open(bytes).entries.get('a')).toMatchObject({ dtype: 'U8', shape: [3, 2] });
    expect(await read(bytes)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await read(bytes, 'a', 1)).toEqual([3, 4]);
    expect(await read(bytes, 'a', 2)).toEqual([5, 6]);
  });

  test('at the root, and in numeric order beyond ten', async () => {
    const chunks = Array.from({ length: 11 }, (_, i) => [i]);
    expect(await read(chunked([11], chunks), '')).toEqual(chunks.flat());
  });

  test.each([
    [
      'a missing index',
      map(
        ['__msgpack_chunked_array__', [0xc3]],
        ['shape', map(['0', [2]])],
        ['chunks', map(['0', u8(1)], ['2', u8(2)])],
      ),
      'but 1 is missing',
    ],
    [
      'chunks of two dtypes',
      map(
        ['__msgpack_chunked_array__', [0xc3]],
        ['shape', map(['0', [2]])],
        ['chunks', map(['0', u8(1)], ['1', array([1], 'int8', [1])])],
      ),
      'expected dtype U8 as in chunk 0, found I8',
    ],
    ['a wrong total', chunked([3], [[1], [2]]), 'needs 3 elements, its chunks have 2'],
    [
      'a chunk with two axes',
      map(
        ['__msgpack_chunked_array__', [0xc3]],
        ['shape', map(['0', [1]])],
        ['chunks', map(['0', array([1, 1], 'uint8', [1])])],
      ),
      'expected one axis',
    ],
    [
      'no chunks',
      map(['__msgpack_chunked_array__', [0xc3]], ['shape', map(['0', [0]])], ['chunks', map()]),
      'without chunks',
    ],
    [
      'no shape',
      map(['__msgpack_chunked_array__', [0xc3]], ['chunks', map(['0', u8(1)])]),
      'expected "__msgpack_chunked_array__"',
    ],
    [
      'a false mark',
      map(['__msgpack_chunked_array__', [0xc2]], ['shape', map(['0', [1]])], ['chunks', map(['0', u8(1)])]),
      'expected "__msgpack_chunked_array__"',
    ],
    [
      'a negative axis',
      map(
        ['__msgpack_chunked_array__', [0xc3]],
        ['shape', map(['0', [0xff]])],
        ['chunks', map(['0', u8(1)])],
      ),
      'axis 0 of a chunked array',
    ],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => open(map(['a', bytes]))).toThrow(message);
  });
});

describe('refuses, with file, place and byte', () => {
  const good = map(['a', map(['kernel', array([2], 'float32', [0, 0, 128, 63, 0, 0, 0, 64])])]);

  test('every truncation of a good file, and bytes after it', () => {
    expect(() => open(good)).not.toThrow();
    for (let length = 0; length < good.length; length++) {
      expect(() => open(good.slice(0, length))).toThrow(CheckpointError);
    }
    expect(() => open(good.slice(0, -1))).toThrow(
      'x.msgpack, at "a.kernel": the file ends inside an array: expected 22 more bytes, found 21 (byte 15). It is probably a partial download: fetch it again.',
    );
    expect(() => open([...good, 0])).toThrow('1 bytes follow the end of the tree');
    expect(() => open([])).toThrow('the file is empty');
  });

  test.each([
    ['an unknown extension', map(['a', ext(4, [0x93])]), 'unknown extension type 4'],
    ['a negative extension', map(['a', [0xd4, 0xff, 0]]), 'unknown extension type -1'],
    ['too little data', map(['a', array([3], 'uint8', [1])]), 'uint8 [3] takes 3 bytes, but its data has 1'],
    [
      'too much data',
      map(['a', array([], 'float32', [1, 2, 3, 4, 5])]),
      'float32 [] takes 4 bytes, but its data has 5',
    ],
    ['a negative axis', map(['a', array([0xff], 'uint8', [])]), 'found the number -1'],
    [
      'a huge axis',
      map([
        'a',
        ext(1, [0x93, 0x92, 0, 0xcf, 255, 255, 255, 255, 255, 255, 255, 255, ...str('uint8'), ...bin([])]),
      ]),
      'axis 1 of a shape',
    ],
    [
      'a fraction as axis',
      map(['a', ext(1, [0x93, 0x91, 0xca, 0x3f, 0xc0, 0, 0, ...str('uint8'), ...bin([1])])]),
      'found the number 1.5',
    ],
    [
      'too many axes',
      map(['a', ext(1, [0x93, 0xdc, 0, 65, ...new Array(65).fill(1), ...str('uint8'), ...bin([1])])]),
      'at most 64 axes',
    ],
    ['a repeated key', map(['a', u8(1)], ['a', u8(1)]), 'the key "a" stands twice'],
    ['a repeated path', map(['a.b', u8(1)], ['a', map(['b', u8(1)])]), 'two paths give this name'],
    ['nothing as key', [0x81, 0xc0, ...u8(1)], 'expected a string or a number as key, found nil'],
    [
      'a number and its text as keys',
      [0x82, 0x01, ...u8(1), 0xa1, 0x31, ...u8(1)],
      'the key "1" stands twice',
    ],
    ['a list of 2^32', map(['a', [0xdd, 255, 255, 255, 255, 1]]), 'the file ends inside a value'],
    ['lists in lists', map(['a', [...new Array(40).fill(0x91), 1]]), 'lists are nested deeper than 32'],
    [
      'a description that is too short',
      map(['a', ext(1, [0x92, 0x90, ...str('uint8')])]),
      'expected an array of 3',
    ],
    [
      'a description that is too long',
      map(['a', ext(1, [...array([1], 'uint8', [1]).slice(4), 0])]),
      'ends -1 bytes from where it should',
    ],
    [
      'data that is no binary',
      map(['a', ext(1, [0x93, 0x91, 1, ...str('uint8'), ...str('x')])]),
      "expected an array's data",
    ],
    [
      'a dtype that is no text',
      map(['a', ext(1, [0x93, 0x91, 1, 1, ...bin([1])])]),
      'expected the name of a dtype',
    ],
    ['a NumPy scalar with an axis', map(['a', array([1], 'uint8', [1], 3)]), 'a NumPy scalar has shape []'],
    ['a byte that begins nothing', [0xc1], '0xc1 begins no MessagePack value'],
    ['a key that is not UTF-8', [0x81, 0xa1, 0xff, ...u8(1)], 'a key is not UTF-8'],
    ['a text of 4 GiB', [0x81, 0xdb, 255, 255, 255, 255, 0x61], 'a key of 4294967295 bytes'],
    ['a map of 2^32 entries', [0xdf, 255, 255, 255, 255], 'the file ends inside a value'],
    ['half a complex number', map(['a', ext(2, [0x92, 0x01, 0xa0])]), 'expected the imaginary part'],
  ])('%s', (_, bytes, message) => {
    expect(() => open(bytes)).toThrow(CheckpointError);
    expect(() => open(bytes)).toThrow(message);
    expect(() => open(bytes)).toThrow(/^x\.msgpack.*\(byte \d+\)/);
  });

  test('33 nested maps, but not 32', () => {
    const nest = (depth: number): number[] => (depth === 0 ? u8(1) : map(['a', nest(depth - 1)]));
    expect(() => open(nest(32))).not.toThrow();
    expect(() => open(nest(33))).toThrow('nested deeper than 32');
  });

  test('reading: unknown names, slices outside, complex numbers', async () => {
    const source = open(map(['a', array([2, 1], 'uint8', [1, 2])], ['z', ext(2, [0x92, 1, 2])], ['s', [1]]));
    await expect(source.read('b')).rejects.toThrow('x.msgpack: there is no tensor "b" in it.');
    for (const slice of [2, -1, 0.5])
      await expect(source.read('a', slice)).rejects.toThrow(`slice ${slice} of its leading axis`);
    await expect(source.read('s', 0)).rejects.toThrow('its shape is []');
    await expect(source.read('z')).rejects.toThrow('complex numbers');
    expect(source.entries.get('z')?.dtype).toBe('C128');
  });
});

describe('checkpoints of the original', () => {
  // act_swish stacks its layers in one tensor each, like_mini_glu has a map for each layer.
  const original = (name: string) =>
    fromMsgpack(readFileSync(golden(`bart/${name}/flax_model.msgpack`)), name);

  test('unscanned: names, shapes, values', async () => {
    const source = original('like_mini_glu');
    expect([...source.entries.values()].every(({ dtype }) => dtype === 'F32')).toBe(true);
    expect(source.entries.get('lm_head.kernel')?.shape).toEqual([18, 40]);
    expect(source.entries.get('model.encoder.embed_tokens.embedding')?.shape).toEqual([60, 18]);
    expect(
      source.entries.get('model.decoder.layers.FlaxBartDecoderLayer_1.GLU_0.Dense_2.kernel')?.shape,
    ).toEqual([16, 18]);
    const head = await source.read('lm_head.kernel');
    // The first two numbers of the file, 16c8b03e and 78a0e73d, little-endian.
    expect([...head.subarray(0, 2)]).toEqual(
      [0x3eb0c816, 0x3de7a078].map((bits) => new Float32Array(Uint32Array.of(bits).buffer)[0]),
    );
    const bias = await source.read('model.encoder.layernorm_embedding.scale');
    const mean = bias.reduce((sum, value) => sum + value, 0) / bias.length;
    // 18 scales of 1 + N(0, 0.1): four standard errors.
    expect(Math.abs(mean - 1)).toBeLessThan((4 * 0.1) / Math.sqrt(18));
  });

  test('scanned: slices are the parts of the whole', async () => {
    const source = original('act_swish');
    const name = 'model.encoder.layers.FlaxBartEncoderLayers.FlaxBartAttention_0.q_proj.kernel';
    const [layers = 0] = source.entries.get(name)?.shape ?? [];
    expect(layers).toBe(2);
    const whole = await source.read(name);
    const parts = await Promise.all([source.read(name, 0), source.read(name, 1)]);
    expect(parts.flatMap((part) => [...part])).toEqual([...whole]);
    expect(whole.every((value) => Number.isFinite(value) && Math.abs(value) < 2)).toBe(true);
  });
});
