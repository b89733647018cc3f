import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPngText } from '@easel/draw';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { sheetOf, slug, writePicture } from './picture-file.js';

test('slug: words of any script, bounded, never empty, never a path', () => {
  expect(slug('A red heart!')).toBe('a-red-heart');
  expect(slug('../../etc/passwd')).toBe('etc-passwd');
  expect(slug('红心 ❤\ufe0f Löwe')).toBe('红心-löwe'); // an emoji is no word, and so is its variation selector
  expect(slug('🔥🐶')).toBe('fire-dog-face'); // emoji alone give their names
  expect(slug('🇯🇵')).toBe('japan');
  expect(slug('???')).toBe('picture');
  expect(slug('word '.repeat(99))).toHaveLength(59); // 60 characters end in a hyphen, which goes
  expect([...slug('𝒳'.repeat(99))]).toHaveLength(60); // no half surrogate pair
});

describe('writePicture', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'easel-picture-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('pixels and text come back; nothing else is left in the folder', async () => {
    const data = Uint8Array.of(1, 2, 3, 40, 50, 60);
    const path = await writePicture(
      folder,
      'a',
      { data, width: 2, height: 1, channels: 3 },
      { texts: new Map([['Description', 'ä']]) },
    );
    expect(path).toBe(join(folder, 'a.png'));
    expect([...(await sharp(path).raw().toBuffer())]).toEqual([...data]);
    expect(readPngText(readFileSync(path)).get('Description')).toBe('ä');
    expect(readdirSync(folder)).toEqual(['a.png']);
  });

  test('another picture of the name gets a number, the same one does not; overwrite replaces', async () => {
    const picture = (value: number) => ({
      data: Uint8Array.of(value, 2, 3),
      width: 1,
      height: 1,
      channels: 3 as const,
    });
    const texts = (scale: number) => ({ texts: new Map([['Easel', JSON.stringify({ scale })]]) });
    const paths: string[] = [];
    for (const options of [texts(1), texts(2), texts(1), texts(2)])
      paths.push(await writePicture(folder, 'b', picture(1), options));
    paths.push(await writePicture(folder, 'b', picture(9), texts(1)));
    expect(paths.map((path) => path.slice(folder.length + 1))).toEqual([
      'b.png',
      'b.2.png',
      'b.png',
      'b.2.png',
      'b.3.png',
    ]);
    await writePicture(folder, 'b', picture(4), { overwrite: true });
    expect([...(await sharp(join(folder, 'b.png')).raw().toBuffer())]).toEqual([4, 2, 3]);
    expect(readdirSync(folder).filter((name) => name.startsWith('b'))).toHaveLength(3);
  });
});

test('sheetOf: three 2x1 pictures in two columns', () => {
  const picture = (value: number) => ({
    data: new Uint8Array(6).fill(value),
    width: 2,
    height: 1,
    channels: 3,
  });
  const { data, width, height } = sheetOf([picture(1), picture(2), picture(3)], 2);
  expect([width, height]).toEqual([5, 3]); // a gap of one pixel between columns and rows
  const red = Array.from({ length: 15 }, (_, i) => data[i * 3]);
  expect(red).toEqual([1, 1, 255, 2, 2, 255, 255, 255, 255, 255, 3, 3, 255, 255, 255]);
  expect(sheetOf([], 3)).toMatchObject({ width: 0, height: 0 });
});
