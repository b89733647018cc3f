import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataError } from '@easel/core';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { decodeBatches, decodePicture, defaultPictureShape, type SkippedPicture } from './decode-picture.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'easel-decode-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const red = { r: 255, g: 0, b: 0, alpha: 1 };
const blue = { r: 0, g: 0, b: 255, alpha: 1 };
const solid = (width: number, height: number, background: typeof red) =>
  sharp({ create: { width, height, channels: 4, background } });

/** Left half red, right half blue. */
const halves = (width: number, height: number) =>
  solid(width, height, red)
    .png()
    .toBuffer()
    .then(async (left) =>
      sharp(left).composite([
        {
          input: await solid(width / 2, height, blue)
            .png()
            .toBuffer(),
          left: width / 2,
          top: 0,
        },
      ]),
    );

async function save(name: string, image: sharp.Sharp): Promise<string> {
  const path = join(folder, name);
  await image.toFile(path);
  return path;
}

const pixel = (pixels: Uint8Array, size: number, y: number, x: number) =>
  Array.from(pixels.slice((y * size + x) * 3, (y * size + x) * 3 + 3));

describe('decodePicture', () => {
  test('cover keeps the centre square, contain the whole picture on the background', async () => {
    const path = await save('wide.png', await halves(40, 10));
    const cover = await decodePicture(path, { size: 10, ...defaultPictureShape });
    expect(cover).toHaveLength(300);
    expect(pixel(cover, 10, 0, 0)).toEqual([255, 0, 0]);
    expect(pixel(cover, 10, 9, 9)).toEqual([0, 0, 255]);
    const contain = await decodePicture(path, { size: 40, fit: 'contain', background: '#00ff00' });
    expect(pixel(contain, 40, 2, 20)).toEqual([0, 255, 0]);
    expect(pixel(contain, 40, 20, 2)).toEqual([255, 0, 0]);
  });

  test('transparent pixels take the background, half-transparent ones are mixed', async () => {
    const clear = await save('clear.webp', solid(4, 4, { ...red, alpha: 0 }).webp({ lossless: true }));
    expect(pixel(await decodePicture(clear, { size: 4, ...defaultPictureShape }), 4, 1, 1)).toEqual([
      255, 255, 255,
    ]);
    expect(
      pixel(await decodePicture(clear, { size: 4, fit: 'cover', background: '#102030' }), 4, 1, 1),
    ).toEqual([16, 32, 48]);
    const half = await save('half.png', solid(4, 4, { r: 0, g: 0, b: 0, alpha: 0.5 }).png());
    const [r] = pixel(await decodePicture(half, { size: 4, ...defaultPictureShape }), 4, 1, 1);
    expect(Math.abs((r as number) - 127)).toBeLessThanOrEqual(1);
  });

  test('EXIF orientation is obeyed', async () => {
    // Orientation 6: the camera was turned, so the stored left side is the top.
    const path = await save(
      'turned.jpg',
      (await halves(20, 20)).flatten().withMetadata({ orientation: 6 }).jpeg({ quality: 100 }),
    );
    const pixels = await decodePicture(path, { size: 20, ...defaultPictureShape });
    expect(pixel(pixels, 20, 1, 10)[0]).toBeGreaterThan(240);
    expect(pixel(pixels, 20, 18, 10)[2]).toBeGreaterThan(240);
  });

  test('grey, 16-bit and palette pictures come out as three bytes a pixel', async () => {
    const paths = [
      await save(
        'grey.png',
        solid(4, 4, { r: 80, g: 80, b: 80, alpha: 1 }).flatten().toColourspace('b-w').png(),
      ),
      await save('deep.png', solid(4, 4, { r: 80, g: 80, b: 80, alpha: 1 }).toColourspace('rgb16').png()),
      await save('palette.gif', solid(4, 4, { r: 80, g: 80, b: 80, alpha: 1 }).gif()),
    ];
    for (const path of paths)
      expect(pixel(await decodePicture(path, { size: 4, ...defaultPictureShape }), 4, 1, 1)).toEqual([
        80, 80, 80,
      ]);
  });

  test('broken files are a DataError with the name', async () => {
    const whole = readFileSync(await save('whole.jpg', (await halves(200, 200)).flatten().jpeg()));
    for (const [name, bytes] of Object.entries({
      'truncated.jpg': whole.subarray(0, whole.length / 2),
      'text.png': Buffer.from('<html>not found</html>'),
      'empty.webp': Buffer.alloc(0),
    })) {
      writeFileSync(join(folder, name), bytes);
      const failure = decodePicture(join(folder, name), { size: 8, ...defaultPictureShape });
      await expect(failure).rejects.toThrow(DataError);
      await expect(failure).rejects.toThrow(name);
    }
  });
});

test('decodeBatches leaves broken pictures out and reports them', async () => {
  const files = ['p0.png', 'p1.png', 'p2.png', 'p3.png', 'p4.png'];
  for (const [i, file] of files.entries())
    if (i === 1 || i >= 3) writeFileSync(join(folder, file), 'broken');
    else await save(file, solid(8, 8, { r: 10 * i, g: 0, b: 0, alpha: 1 }).png());
  const skipped: SkippedPicture[] = [];
  const batches = [];
  const pictures = files.map((file) => ({ file, path: join(folder, file) }));
  for await (const batch of decodeBatches(pictures, 3, { size: 2, ...defaultPictureShape }, (s) =>
    skipped.push(s),
  ))
    batches.push({
      files: batch.pictures.map(({ file }) => file),
      firsts: [...batch.pixels].filter((_, i) => i % 12 === 0),
    });
  expect(batches).toEqual([
    { files: ['p0.png', 'p2.png'], firsts: [0, 20] },
    { files: [], firsts: [] },
  ]);
  expect(skipped.map(({ file }) => file)).toEqual(['p1.png', 'p3.png', 'p4.png']);
  expect(skipped[0]?.reason).toMatch(/p1\.png: can't be decoded/);
});
