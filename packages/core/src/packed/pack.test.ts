import { describe, expect, test } from '@jest/globals';
import { toFloat16, toFloat16Down, toFloat16Up } from './float16.js';
import { pack } from './pack.js';
import { checkPacked, packedBytes } from './packed-values.js';
import { unpack } from './unpack.js';

const half = (value: number) => toFloat16(Float32Array.of(value))[0] as number;
const waves = (length: number) =>
  Float32Array.from({ length }, (_, i) => Math.sin(i * i + 1) * (1 + (i % 7)));

describe('by hand', () => {
  test('INT8 [2, 3] with a scale for each column: 127 steps to the largest magnitude', () => {
    // Columns (127, −2), (0, 0) and (−63.5, 31.75): scales 1, 0 and 0.5.
    const packed = pack(Float32Array.of(127, 0, -63.5, -2, 0, 31.75), [2, 3], { format: 'INT8' });
    expect(new Int8Array(packed.codes.buffer)).toEqual(Int8Array.of(127, 0, -127, -2, 0, 64));
    expect(packed.scales).toEqual(Uint16Array.of(half(1), 0, half(0.5)));
    expect(unpack(packed)).toEqual(Float32Array.of(127, 0, -63.5, -2, 0, 32));
  });

  test('INT8 [2, 2] of a table: a scale for each row', () => {
    const packed = pack(Float32Array.of(127, 64, -12.7, 1), [2, 2], { format: 'INT8', axis: 1 });
    const tenth = toFloat16Up(Float32Array.of(0.1));
    expect(packed.scales).toEqual(Uint16Array.of(half(1), tenth[0] as number));
    expect(new Int8Array(packed.codes.buffer)).toEqual(Int8Array.of(127, 64, -127, 10));
  });

  test('INT4 [4, 2]: rows 2i and 2i + 1 share bytes; offset and scale of each column', () => {
    // Columns: 0 … 15 in steps of 5, and a constant.
    const packed = pack(Float32Array.of(0, 2, 5, 2, 15, 2, 10, 2), [4, 2], { format: 'INT4' });
    expect(packed.codes).toEqual(Uint8Array.of(0x50, 0, 0xaf, 0));
    expect(packed.scales).toEqual(Uint16Array.of(half(1), 0));
    expect(packed.offsets).toEqual(Uint16Array.of(0, half(2)));
    expect(unpack(packed)).toEqual(Float32Array.of(0, 2, 5, 2, 15, 2, 10, 2));
  });

  test('INT4 [1, 4] of a table: columns share bytes', () => {
    const packed = pack(Float32Array.of(-1, 14, 0, 3), [1, 4], { format: 'INT4', axis: 1 });
    expect(packed.codes).toEqual(Uint8Array.of(0xf0, 0x41));
    expect(unpack(packed)).toEqual(Float32Array.of(-1, 14, 0, 3));
  });

  test('float16 up and down', () => {
    const values = Float32Array.of(0.1, 1, -0.1, 0, -1e-9);
    const numbers = (bits: Uint16Array) =>
      unpack({ format: 'F16', shape: [bits.length], codes: new Uint8Array(bits.buffer) });
    const [up, down] = [numbers(toFloat16Up(Float32Array.of(0.1, 1, 1e-9))), numbers(toFloat16Down(values))];
    expect(up).toEqual(Float32Array.of(0.10003662109375, 1, 2 ** -24));
    expect(down).toEqual(Float32Array.of(0.0999755859375, 1, -0.10003662109375, 0, -(2 ** -24)));
  });
});

describe.each([
  ['INT8', 0, undefined],
  ['INT8', 1, undefined],
  ['INT4', 0, 32],
  ['INT4', 1, 64],
] as const)('%s along %d, groups of %d', (format, axis, group) => {
  const shape = [70, 66] as const;
  const values = waves(70 * 66);
  const packed = pack(values, shape, { format, axis, ...(group !== undefined && { group }) });

  test('no number is further than its code is wide; packing again changes nothing', () => {
    checkPacked(packed);
    const back = unpack(packed);
    // INT4 may leave out an eighth of a group's range at either end.
    const most = format === 'INT8' ? 7 / 127 / 2 : 14 / 15 / 2 + 14 / 8;
    for (const [i, value] of values.entries())
      expect(Math.abs((back[i] as number) - value)).toBeLessThanOrEqual(1.001 * most);
    if (format === 'INT8') expect(unpack(pack(back, shape, { format, axis }))).toEqual(back);
  });

  test('the mean error is what steps of that width make', () => {
    const back = unpack(packed);
    const error = Math.sqrt(
      values.reduce((sum, v, i) => sum + (v - (back[i] as number)) ** 2, 0) / values.length,
    );
    expect(error).toBeLessThan(format === 'INT8' ? (7 / 127) * 0.3 : (14 / 15) * 0.3);
  });
});

test('sizes: INT8 a byte a number, INT4 a half, and scales', () => {
  const of = (format: 'F16' | 'INT8' | 'INT4') => packedBytes(pack(waves(64 * 32), [64, 32], { format }));
  expect([of('F16'), of('INT8'), of('INT4')]).toEqual([4096, 2048 + 64, 1024 + 2 * 2 * 64]);
});

test('what cannot be stored is refused by its number', () => {
  expect(() => pack(Float32Array.of(1, Number.NaN), [2, 1], { format: 'INT8' })).toThrow(
    'expected finite numbers to store as INT8, found NaN',
  );
  expect(() => pack(Float32Array.of(1, 7e4), [2, 1], { format: 'INT4' })).toThrow(
    'found 70000, and INT4 has float16',
  );
  const packed = pack(waves(8), [4, 2], { format: 'INT4' });
  expect(() => checkPacked({ ...packed, shape: [3, 2] })).toThrow('expected axis 0 of an even extent, got 3');
  expect(() => checkPacked({ ...packed, offsets: new Uint16Array(1) })).toThrow(
    'expected offsets [1, 2], got 1 of them',
  );
  expect(() => checkPacked({ ...packed, codes: new Uint8Array(3) })).toThrow(
    'expected codes of 4 bytes, got 3',
  );
});
