import { describe, expect, test } from '@jest/globals';
import { isPermutation, permute, permutedShape } from './permute.js';

const range = (length: number) => Float32Array.from({ length }, (_, i) => i);

describe('permute', () => {
  test('a matrix by hand', () => {
    // [[0,1,2],[3,4,5]] → [[0,3],[1,4],[2,5]]
    expect(permute(range(6), [2, 3], [1, 0])).toEqual(Float32Array.of(0, 3, 1, 4, 2, 5));
  });

  test('OIHW → HWIO by the definition', () => {
    const shape = [5, 3, 2, 7];
    const [, I, H, W] = shape as [number, number, number, number];
    const out = permute(range(210), shape, [2, 3, 1, 0]);
    expect(permutedShape(shape, [2, 3, 1, 0])).toEqual([2, 7, 3, 5]);
    let at = 0;
    for (let h = 0; h < H; h++)
      for (let w = 0; w < W; w++)
        for (let i = 0; i < I; i++)
          for (let o = 0; o < 5; o++) expect(out[at++]).toBe(((o * I + i) * H + h) * W + w);
  });

  test('there and back, the identity, no axes, nothing', () => {
    const values = range(2 * 3 * 5);
    expect(permute(permute(values, [2, 3, 5], [2, 0, 1]), [5, 2, 3], [1, 2, 0])).toEqual(values);
    expect(permute(values, [2, 3, 5], [0, 1, 2])).toEqual(values);
    expect(permute(Float32Array.of(4), [], [])).toEqual(Float32Array.of(4));
    expect(permute(new Float32Array(0), [0, 3], [1, 0])).toHaveLength(0);
  });

  test('isPermutation', () => {
    expect(isPermutation([1, 0, 2], 3)).toBe(true);
    for (const axes of [
      [0, 0, 1],
      [0, 1],
      [0, 1, 3],
      [0, 1, 0.5],
      [-1, 0, 1],
    ])
      expect(isPermutation(axes, 3)).toBe(false);
  });
});
