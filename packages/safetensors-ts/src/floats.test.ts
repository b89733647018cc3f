import { describe, expect, test } from '@jest/globals';
import type { Dtype } from './dtypes.js';
import { fromFloat32, toFloat32, typedArray } from './floats.js';

const read = (dtype: Dtype, bytes: number[], count = bytes.length) => [
  ...toFloat32({ dtype, shape: [count], bytes: Uint8Array.from(bytes) }),
];
const bitsOf = (value: number, dtype: 'F16' | 'BF16') =>
  (fromFloat32(Float32Array.of(value), dtype) as Uint16Array)[0];
const f16 = (bits: number) =>
  toFloat32({ dtype: 'F16', shape: [], bytes: new Uint8Array(Uint16Array.of(bits).buffer) })[0];

describe('toFloat32', () => {
  test('F16: 1, -2, largest, smallest normal, smallest, infinities, NaN', () => {
    expect([0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x7c00, 0xfc00, 0x7e00, 0x8000].map(f16)).toEqual([
      1,
      -2,
      65504,
      2 ** -14,
      2 ** -24,
      Infinity,
      -Infinity,
      Number.NaN,
      -0,
    ]);
  });

  test('BF16: the upper half of a float32', () => {
    expect(read('BF16', [0x80, 0x3f, 0x00, 0xc0, 0x80, 0x7f, 0xc0, 0x7f], 4)).toEqual([
      1,
      -2,
      Infinity,
      Number.NaN,
    ]);
  });

  test('F8_E4M3: no infinity, largest 448', () => {
    expect(read('F8_E4M3', [0x38, 0xb8, 0x7e, 0x01, 0x7f, 0xff])).toEqual([
      1,
      -1,
      448,
      2 ** -9,
      Number.NaN,
      Number.NaN,
    ]);
  });

  test('F8_E5M2: like IEEE', () => {
    expect(read('F8_E5M2', [0x3c, 0x7b, 0x01, 0x7c, 0xfc, 0x7d])).toEqual([
      1,
      57344,
      2 ** -16,
      Infinity,
      -Infinity,
      Number.NaN,
    ]);
  });

  test('F8 FNUZ: one exponent lower, 0x80 is NaN', () => {
    expect(read('F8_E4M3FNUZ', [0x40, 0x7f, 0x01, 0x80, 0xc0])).toEqual([1, 240, 2 ** -10, Number.NaN, -1]);
    expect(read('F8_E5M2FNUZ', [0x40, 0x7f, 0x01, 0x80, 0xc0])).toEqual([1, 57344, 2 ** -17, Number.NaN, -1]);
  });

  test('F8_E8M0: powers of two', () => {
    expect(read('F8_E8M0', [127, 128, 0, 254, 255])).toEqual([1, 2, 2 ** -127, 2 ** 127, Number.NaN]);
  });

  test('F4: low half of a byte first', () => {
    expect(read('F4', [0x10, 0x32, 0x54, 0x76, 0x98, 0xfe], 12)).toEqual([
      0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -4, -6,
    ]);
  });

  test('F6: four elements in three bytes, low bits first', () => {
    // 0b000001, 0b011111, 0b100010, 0b001000 → bits 001000 100010 011111 000001 from the top
    const packed = [0b11000001, 0b00100111, 0b00100010];
    expect(read('F6_E2M3', packed, 4)).toEqual([0.125, 7.5, -0.25, 1]);
    expect(read('F6_E3M2', packed, 4)).toEqual([0.0625, 28, -0.125, 0.5]);
  });

  test('integers and booleans', () => {
    expect(read('BOOL', [0, 1, 255])).toEqual([0, 1, 1]);
    expect(read('I8', [0xff, 0x7f])).toEqual([-1, 127]);
    expect(read('I64', [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 1)).toEqual([-2]);
    expect(read('U64', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 1)).toEqual([2 ** 64]);
  });

  test('unaligned bytes are copied, aligned ones are viewed', () => {
    const buffer = new Uint8Array(13);
    buffer.set([0, 0, 0x80, 0x3f], 1);
    buffer.set([0, 0, 0, 0x40], 8);
    const unaligned = toFloat32({ dtype: 'F32', shape: [1], bytes: buffer.subarray(1, 5) });
    const aligned = toFloat32({ dtype: 'F32', shape: [1], bytes: buffer.subarray(8, 12) });
    expect([...unaligned, ...aligned]).toEqual([1, 2]);
    expect(unaligned.buffer).not.toBe(buffer.buffer);
    expect(aligned.buffer).toBe(buffer.buffer);
    expect(typedArray({ dtype: 'C64', bytes: buffer.subarray(8, 8) })).toEqual(new Float32Array(0));
  });

  test('refuses complex numbers and a wrong length', () => {
    expect(() => toFloat32({ dtype: 'C64', shape: [1], bytes: new Uint8Array(8) })).toThrow(
      'no float32 form',
    );
    expect(() => toFloat32({ dtype: 'F32', shape: [2], bytes: new Uint8Array(7) })).toThrow(
      'Expected 8 bytes for F32 [2], found 7',
    );
    expect(() => toFloat32({ dtype: 'F4', shape: [3], bytes: new Uint8Array(2) })).toThrow('12 bits');
  });
});

describe('fromFloat32', () => {
  test('F16: ties to even, overflow, subnormals, NaN', () => {
    // 2049 and 2051 lie between the F16 numbers 2048, 2050, 2052.
    expect([2049, 2051, 65519, 65520, -65520].map((x) => f16(bitsOf(x, 'F16') as number))).toEqual([
      2048,
      2052,
      65504,
      Infinity,
      -Infinity,
    ]);
    expect(
      [2 ** -25, 2 ** -25 * 1.0001, 1.5 * 2 ** -24, 2.5 * 2 ** -24, 1023.5 * 2 ** -24, -0].map((x) =>
        bitsOf(x, 'F16'),
      ),
    ).toEqual([0, 1, 2, 2, 0x400, 0x8000]);
    expect(f16(bitsOf(Number.NaN, 'F16') as number)).toBeNaN();
  });

  test('F16: every bit pattern comes back', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const values = toFloat32({ dtype: 'F16', shape: [65536], bytes: new Uint8Array(bits.buffer) });
    const back = fromFloat32(values, 'F16') as Uint16Array;
    const different = [...bits].filter((b) => (b & 0x7fff) <= 0x7c00 && back[b] !== b);
    expect(different).toEqual([]);
    expect(
      [...bits].filter((b) => (b & 0x7fff) > 0x7c00 && ((back[b] as number) & 0x7fff) <= 0x7c00),
    ).toEqual([]);
  });

  test('F16: the nearest number, the even one in a tie, over random floats', () => {
    let state = 12345;
    const bits = Uint32Array.from({ length: 20000 }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      // Exponents 2^-27 … 2^17: all of F16 and a little beyond.
      return (
        ((state & 0x80000000) |
          ((100 + ((state >>> 8) % 45)) << 23) |
          (Math.imul(state, 0x9e3779b1) >>> 9)) >>>
        0
      );
    });
    const values = new Float32Array(bits.buffer);
    const rounded = fromFloat32(values, 'F16') as Uint16Array;
    for (let i = 0; i < values.length; i++) {
      const x = Math.abs(values[i] as number);
      const b = (rounded[i] as number) & 0x7fff;
      if (b === 0x7c00) {
        expect(x).toBeGreaterThanOrEqual(65520);
        continue;
      }
      const error = Math.abs((f16(b) as number) - x);
      const above = b === 0x7bff ? 65536 : (f16(b + 1) as number);
      const below = b === 0 ? Infinity : (f16(b - 1) as number);
      const others = Math.min(Math.abs(above - x), Math.abs(below - x));
      if (error > others || (error === others && b % 2 === 1))
        throw new Error(`${values[i]} became ${f16(b)}`);
    }
  });

  test('BF16: ties to even, overflow, NaN with a low payload stays NaN', () => {
    // Between 1 and 1 + 2^-7 in the middle, and between 1 + 2^-7 and 1 + 2^-6.
    expect([1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4e38, -1].map((x) => bitsOf(x, 'BF16'))).toEqual([
      0x3f80, 0x3f82, 0x7f80, 0xbf80,
    ]);
    const payload = new Float32Array(Uint32Array.of(0x7f800001).buffer);
    expect((fromFloat32(payload, 'BF16') as Uint16Array)[0]).toBe(0x7fc0);
  });

  test('F32 is the array itself', () => {
    const values = Float32Array.of(1, 2);
    expect(fromFloat32(values, 'F32')).toBe(values);
  });
});
