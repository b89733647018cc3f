import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { fromMsgpack } from './msgpack.js';
import { openCheckpoint } from './open-path.js';

// The file is made by reference/make-flax-dtypes.py with Flax and ml_dtypes, and so are the numbers
// (bits of float32): all bit patterns of the small dtypes.
const path = new URL('./golden/flax_dtypes.msgpack', import.meta.url).pathname;
const { tensors, leftOut } = JSON.parse(readFileSync(path.replace(/msgpack$/, 'json'), 'utf8')) as {
  readonly tensors: Readonly<
    Record<string, { readonly dtype: string; readonly shape: readonly number[]; readonly bits: number[] }>
  >;
  readonly leftOut: readonly string[];
};

/** The bits of numbers, with one for every NaN. */
const bitsOf = (values: Float32Array): number[] =>
  Array.from(new Int32Array(values.buffer, values.byteOffset, values.length), (bits, i) =>
    Number.isNaN(values[i]) ? 0x7fc00000 : bits,
  );

test('dtypes of ml_dtypes, keys that are numbers, lists', async () => {
  const file = await openCheckpoint(path);
  const memory = fromMsgpack(new Uint8Array(readFileSync(path)));
  expect([...file.entries.keys()].sort()).toEqual(Object.keys(tensors).sort());
  for (const [name, { shape, bits }] of Object.entries(tensors)) {
    const expected = bitsOf(new Float32Array(Int32Array.from(bits).buffer));
    expect(file.entries.get(name)).toMatchObject({ name, shape });
    expect([name, bitsOf(await file.read(name))]).toEqual([name, expected]);
    expect(bitsOf(await memory.read(name))).toEqual(expected);
  }
  const { bits } = tensors['dtypes.float8_e3m4'] as { bits: number[] };
  expect(bitsOf(await file.read('dtypes.float8_e3m4', 2))).toEqual(
    bitsOf(new Float32Array(Int32Array.from(bits.slice(128, 192)).buffer)),
  );
  expect(file.entries.get('dtypes.int4')?.dtype).toBe('int4');
  expect(file.entries.get('dtypes.float8_e4m3fn')?.dtype).toBe('F8_E4M3');
  expect(file.metadata.get('list.1.1')).toBe('text');
  await file.close();
});

test('what is no number is left out by name', async () => {
  const file = await openCheckpoint(path);
  expect([...(file.leftOut?.keys() ?? [])].sort()).toEqual([...leftOut].sort());
  await expect(file.read('text_array')).rejects.toThrow(
    '"text_array" was left out: an array [2] of the dtype "str',
  );
  await file.close();
});
