import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { deserialize, typedArray } from 'safetensors-ts';
import type { Raster } from './raster.js';
import { RESIZE_FILTERS, type ResizeFilter, resize } from './resize.js';

const file = 'reference/golden/clip/pil_resize.safetensors';
const { tensors } = deserialize(
  new Uint8Array(readFileSync(new URL(`../../../../${file}`, import.meta.url))),
  file,
);

function picture(name: string): Raster<Uint8Array | Float32Array> {
  const view = tensors.get(name);
  if (view === undefined) throw new Error(`${file}: no ${name}`);
  const [height, width, channels = 1] = view.shape as [number, number, number?];
  return { data: typedArray(view) as Uint8Array | Float32Array, width, height, channels };
}

/** Names of what Pillow made: input/filter/WIDTHxHEIGHT. */
const made = [...tensors.keys()].filter((name) => name.includes('/'));

describe("Pillow's Image.resize", () => {
  test('the file has cases of every filter', () => {
    expect(new Set(made.map((name) => name.split('/')[1]))).toEqual(new Set(RESIZE_FILTERS));
  });

  test.each(made)('%s', (name) => {
    const [input, filter, size] = name.split('/') as [string, ResizeFilter, string];
    const [width, height] = size.split('x').map(Number) as [number, number];
    const expected = picture(name);
    const found = resize(picture(input), { width, height }, filter);
    expect([found.height, found.width, found.channels]).toEqual([
      expected.height,
      expected.width,
      expected.channels,
    ]);
    if (expected.data instanceof Uint8Array) {
      expect(found.data).toEqual(expected.data);
    } else {
      // Pillow may sum with or without fused multiply-add: one float32 rounding between the passes
      // and one at the end.
      for (const [i, value] of expected.data.entries())
        expect(Math.abs(value - (found.data[i] as number))).toBeLessThanOrEqual(1e-6);
    }
  });
});

const grey = (width: number, height: number, ...data: number[]): Raster => ({
  data: Uint8Array.from(data),
  width,
  height,
  channels: 1,
});

describe('resize by hand', () => {
  test('box averages, half rounded up', () => {
    // (10 + 21) / 2 = 15.5 → 16; (0 + 255) / 2 = 127.5 → 128
    expect(resize(grey(4, 1, 10, 21, 0, 255), { width: 2, height: 1 }, 'box').data).toEqual(
      Uint8Array.of(16, 128),
    );
  });

  test('bicubic overshoot is cut off at 0 and 255', () => {
    const edge = resize(grey(4, 1, 0, 0, 255, 255), { width: 16, height: 1 }, 'bicubic').data;
    expect(Math.min(...edge)).toBe(0);
    expect(Math.max(...edge)).toBe(255);
    expect(edge).toEqual(Uint8Array.from(edge).sort()); // the overshoot itself would not be monotonous
  });

  test.each(RESIZE_FILTERS)('%s keeps one colour, at any size', (filter) => {
    const flat: Raster = { data: new Uint8Array(7 * 5 * 3).fill(77), width: 7, height: 5, channels: 3 };
    for (const [width, height] of [
      [1, 1],
      [3, 11],
      [50, 2],
    ] as const) {
      const { data } = resize(flat, { width, height }, filter);
      expect(data).toEqual(new Uint8Array(width * height * 3).fill(77));
    }
  });

  test('channels are apart', () => {
    const two: Raster = { data: Uint8Array.of(0, 100, 10, 200), width: 2, height: 1, channels: 2 };
    expect(resize(two, { width: 1, height: 1 }, 'bilinear').data).toEqual(Uint8Array.of(5, 150));
  });

  test('errors', () => {
    expect(() => resize(grey(2, 1, 1), { width: 1, height: 1 }, 'box')).toThrow('resize: expected a picture');
    expect(() => resize(grey(1, 1, 1), { width: 0, height: 1 }, 'box')).toThrow('got 1×0');
    expect(() => resize(grey(1, 1, 1), { width: 2, height: 1 }, 'lanczoz' as ResizeFilter)).toThrow(
      'Did you mean "lanczos"?',
    );
  });
});
