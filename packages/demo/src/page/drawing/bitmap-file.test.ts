import { expect, test } from '@jest/globals';
import { bitmapFile } from './bitmap-file.js';

test('a BMP of 3×2 pixels, byte by byte', () => {
  const data = Uint8Array.from({ length: 18 }, (_, i) => i);
  const bytes = bitmapFile({ data, width: 3, height: 2, channels: 3 });
  expect(bytes.length).toBe(54 + 2 * 12); // a line of 9 bytes is padded to 12
  expect([...bytes.subarray(0, 2)]).toEqual([0x42, 0x4d]);
  expect([...bytes.subarray(18, 26)]).toEqual([3, 0, 0, 0, 2, 0, 0, 0]);
  // The lower line comes first, blue before red.
  expect([...bytes.subarray(54, 66)]).toEqual([11, 10, 9, 14, 13, 12, 17, 16, 15, 0, 0, 0]);
  expect([...bytes.subarray(66, 75)]).toEqual([2, 1, 0, 5, 4, 3, 8, 7, 6]);
});
