import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataError } from '@easel/core';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';
import { cropPlace, decodePicture, defaultPictureShape } from './decode-picture.js';
import { readRgb } from './read-rgb.js';

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

async function save(name: string, image: Sharp): Promise<string> {
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
    const contain = await decodePicture(path, {
      ...defaultPictureShape,
      size: 40,
      fit: 'contain',
      background: '#00ff00',
    });
    expect(pixel(contain, 40, 2, 20)).toEqual([0, 255, 0]);
    expect(pixel(contain, 40, 20, 2)).toEqual([255, 0, 0]);
  });

  test('transparent pixels take the background, half-transparent ones are mixed', async () => {
    const clear = await save('clear.webp', solid(4, 4, { ...red, alpha: 0 }).webp({ lossless: true }));
    expect(pixel(await decodePicture(clear, { size: 4, ...defaultPictureShape }), 4, 1, 1)).toEqual([
      255, 255, 255,
    ]);
    expect(
      pixel(await decodePicture(clear, { ...defaultPictureShape, size: 4, background: '#102030' }), 4, 1, 1),
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

describe('formats', () => {
  test.each(['jpeg', 'png', 'webp', 'gif', 'avif', 'tiff'] as const)('%s', async (format) => {
    const path = await save(
      `plain.${format}`,
      (await halves(32, 16)).flatten().toFormat(format, { quality: 100 }),
    );
    const pixels = await decodePicture(path, { size: 16, ...defaultPictureShape });
    const [left, right] = [pixel(pixels, 16, 8, 2), pixel(pixels, 16, 8, 13)] as [number[], number[]];
    expect(left[0]).toBeGreaterThan(235);
    expect(left[2]).toBeLessThan(20);
    expect(right[0]).toBeLessThan(20);
    expect(right[2]).toBeGreaterThan(235);
  });

  test.each(['gif', 'webp'] as const)('of an animated %s the first frame', async (format) => {
    const frames = Buffer.concat([
      ...(await Promise.all([red, blue].map((colour) => solid(8, 8, colour).flatten().raw().toBuffer()))),
    ]);
    const path = await save(
      `moving.${format}`,
      sharp(frames, { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } }).toFormat(format, {
        delay: [9, 9],
      }),
    );
    expect((await sharp(path, { animated: true }).metadata()).pages).toBe(2);
    const pixels = await decodePicture(path, { size: 8, ...defaultPictureShape });
    expect(pixel(pixels, 8, 4, 4)[0]).toBeGreaterThan(250);
    expect(pixel(pixels, 8, 4, 4)[2]).toBeLessThan(5);
    expect((await readRgb(path)).height).toBe(8);
  });
});

describe('random crops', () => {
  const shape = { size: 10, ...defaultPictureShape, crop: 'random' as const };

  test('the square lies where it is told: left, right, between', async () => {
    const path = await save('far.png', await halves(40, 10));
    const at = (x: number) => decodePicture(path, shape, undefined, { x, y: 0 });
    expect(pixel(await at(0), 10, 5, 9)).toEqual([255, 0, 0]);
    expect(pixel(await at(0.999), 10, 5, 0)).toEqual([0, 0, 255]);
    const between = await at(0.5); // 31 places; number 15 begins 15 pixels from the left
    expect(pixel(between, 10, 5, 4)).toEqual([255, 0, 0]);
    expect(pixel(between, 10, 5, 5)).toEqual([0, 0, 255]);
  });

  test('of a picture that is turned by its EXIF orientation, and one that is enlarged', async () => {
    const turned = await save(
      'turned-long.jpg',
      (await halves(40, 10)).flatten().withMetadata({ orientation: 6 }).jpeg({ quality: 100 }),
    );
    const top = await decodePicture(turned, shape, undefined, { x: 0, y: 0 });
    const bottom = await decodePicture(turned, shape, undefined, { x: 0, y: 0.999 });
    expect(pixel(top, 10, 5, 5)[0]).toBeGreaterThan(240);
    expect(pixel(bottom, 10, 5, 5)[2]).toBeGreaterThan(240);
    const small = await save('small.png', solid(3, 7, red).png());
    expect(await decodePicture(small, shape, undefined, { x: 0.3, y: 0.9 })).toHaveLength(300);
  });

  test('the place follows from seed and name, and is none for other crops and fits', () => {
    const place = cropPlace(shape, 'a.png');
    expect(cropPlace(shape, 'a.png')).toEqual(place);
    expect(cropPlace(shape, 'b.png')).not.toEqual(place);
    expect(cropPlace({ ...shape, cropSeed: 1 }, 'a.png')).not.toEqual(place);
    expect(cropPlace({ ...shape, crop: 'centre' }, 'a.png')).toBeUndefined();
    expect(cropPlace({ ...shape, fit: 'contain' }, 'a.png')).toBeUndefined();
  });
});

describe('pictures that are passed over', () => {
  test.each([
    ['below the least side', { minSide: 11 }, 'too small', /40×10 pixels, and 11 is the least side/],
    ['too long', { maxAspect: 3.9 }, 'aspect', /40×10 pixels, and one side may be 3\.9 times the other/],
  ])('%s', async (_, filter, kind, message) => {
    const path = await save('long.png', await halves(40, 10));
    const failure = decodePicture(path, { size: 10, ...defaultPictureShape, ...filter });
    await expect(failure).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
    const original = decodePicture(path, { size: 10, ...defaultPictureShape, fit: 'taming', ...filter });
    await expect(original).rejects.toMatchObject({ kind });
  });

  test('limits are allowed themselves', async () => {
    const path = await save('long.png', await halves(40, 10));
    const shape = { size: 10, ...defaultPictureShape, minSide: 10, maxAspect: 4 };
    expect(await decodePicture(path, shape)).toHaveLength(300);
  });
});

test.each([
  ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\n', /x\.png: it is a Git LFS pointer/],
  ['a web page', '<html><title>404</title></html>', /it is a web page/],
  ['nothing', '', /its file is empty/],
])('content that is %s is called so', async (_, content, message) => {
  const decoding = decodePicture('x.png', { size: 8, ...defaultPictureShape }, Buffer.from(content));
  await expect(decoding).rejects.toThrow(message);
});
