import { describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { addPngText, readPngText } from './png-text.js';

const pixels = Uint8Array.from({ length: 3 * 5 * 3 }, (_, i) => i * 5);
const picture = () =>
  sharp(pixels, { raw: { width: 5, height: 3, channels: 3 } })
    .png()
    .toBuffer();

describe('PNG text', () => {
  test('comes back as written, and the pixels are untouched', async () => {
    const texts = new Map([
      ['Description', 'ein rotes Herz · 红心 ❤️'],
      ['easel', '{"seed":7}'],
      ['empty', ''],
    ]);
    const png = addPngText(await picture(), texts);
    expect(readPngText(png)).toEqual(texts);
    expect(await sharp(png).raw().toBuffer()).toEqual(Buffer.from(pixels));
  });

  test('the chunk is bytes as in the PNG specification', async () => {
    const plain = await picture();
    const png = addPngText(plain, new Map([['k', 'é']]));
    // Signature 8 + IHDR 25 bytes; then length 8 = "k" + 5 zeros + two UTF-8 bytes.
    expect([...png.subarray(33, 49)]).toEqual([
      0, 0, 0, 8, 0x69, 0x54, 0x58, 0x74, 0x6b, 0, 0, 0, 0, 0, 0xc3, 0xa9,
    ]);
    expect(png.length).toBe(plain.length + 20);
  });

  test('not a PNG, truncated, bad keyword: errors that say so', async () => {
    const png = await picture();
    expect(() => readPngText(Uint8Array.of(1, 2, 3), 'a.png')).toThrow('a.png: expected a PNG file');
    expect(() => readPngText(png.subarray(0, png.length - 1), 'b.png')).toThrow(
      'b.png: the PNG file ends inside the chunk',
    );
    expect(() => addPngText(png, new Map([['', 'x']]))).toThrow('keyword of 1 to 79 Latin-1 characters');
    expect(() => addPngText(new Uint8Array(0), new Map())).toThrow('expected a PNG file');
  });
});
