import { describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { encodePng } from './encode-png.js';

describe('encodePng', () => {
  const noise = (i: number) => ((i * 7919) ^ (i >> 3)) & 0xff;
  const slope = (i: number) => (i * 3) & 0xff;
  test.each([
    ['a pixel', 1, 1, 3, noise],
    ['grey', 5, 3, 1, noise],
    ['RGB noise', 7, 5, 3, noise],
    ['RGB with slopes', 17, 11, 3, slope],
    ['alpha', 6, 9, 4, noise],
  ])('%s comes back from libpng as it was', async (_, width, height, channels, value) => {
    const data = Uint8Array.from({ length: width * height * channels }, (_, i) => value(i));
    const png = await encodePng({ data, width, height, channels });
    const { data: read, info } = await sharp(png)
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([width, height, channels]);
    expect([...read]).toEqual([...data]);
  });

  test('a smooth picture is smaller than its bytes, as filters make it', async () => {
    const [width, height] = [64, 48];
    const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
      return (2 * x + 3 * y + 40 * (i % 3)) & 0xff;
    });
    expect((await encodePng({ data, width, height, channels: 3 })).length).toBeLessThan(data.length / 20);
  });

  test('other channels are refused', async () => {
    const two = { data: new Uint8Array(8), width: 2, height: 2, channels: 2 };
    await expect(encodePng(two)).rejects.toThrow('expected a picture of 1, 3 or 4 channels, got 2');
  });
});
