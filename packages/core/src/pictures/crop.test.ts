import { describe, expect, test } from '@jest/globals';
import { crop } from './crop.js';
import type { Raster } from './raster.js';

// 1 2 3
// 4 5 6
const picture: Raster = { data: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 3, height: 2, channels: 1 };

describe('crop', () => {
  test.each([
    ['inside', { top: 0, left: 1, height: 2, width: 2 }, [2, 3, 5, 6]],
    ['beyond the left upper corner: black', { top: -1, left: -1, height: 2, width: 3 }, [0, 0, 0, 0, 1, 2]],
    ['beyond the right lower corner', { top: 1, left: 2, height: 2, width: 2 }, [6, 0, 0, 0]],
    ['larger on all sides', { top: -1, left: 0, height: 4, width: 3 }, [0, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0, 0]],
    ['quite outside', { top: 5, left: -9, height: 1, width: 2 }, [0, 0]],
  ])('%s', (_name, window, expected) => {
    expect([...crop(picture, window).data]).toEqual(expected);
  });

  test('channels stay together, and floats stay floats', () => {
    const two: Raster<Float32Array> = {
      data: Float32Array.of(1, -1, 2, -2),
      width: 2,
      height: 1,
      channels: 2,
    };
    expect(crop(two, { top: 0, left: 1, height: 1, width: 1 }).data).toEqual(Float32Array.of(2, -2));
  });

  test('errors', () => {
    expect(() => crop(picture, { top: 0.5, left: 0, height: 1, width: 1 })).toThrow('whole numbers');
    expect(() => crop(picture, { top: 0, left: 0, height: 0, width: 1 })).toThrow('got 0×1');
  });
});
