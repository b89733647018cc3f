import { readFileSync } from 'node:fs';
import { fromBytes, type Raster } from '@easel/core';
import { describe, expect, test } from '@jest/globals';
import { deserialize, typedArray } from 'safetensors-ts';
import { decodePicture, defaultPictureShape } from '../decoded/decode-picture.js';
import { readRgb } from '../decoded/read-rgb.js';
import { ORIGINAL_PREPARATIONS, type OriginalPreparation, prepareAsOriginal } from './picture-preparation.js';

const golden = new URL('../../../../reference/golden/image/', import.meta.url).pathname;
const { tensors } = deserialize(new Uint8Array(readFileSync(`${golden}preprocess.safetensors`)));

function values(name: string): Float32Array | Uint8Array {
  const view = tensors.get(name);
  if (view === undefined) throw new Error(`preprocess.safetensors: no ${name}`);
  return typedArray(view) as Float32Array | Uint8Array;
}

const input = (name: string): string => `${golden}inputs/${name}.png`;
const programs: Readonly<Record<string, OriginalPreparation>> = {
  july: 'july-2021',
  july_float: 'july-2021',
  september: 'september-2021',
  taming: 'taming',
};

describe('pictures as the original programs encoded them', () => {
  test.each([...tensors.keys()])('%s', async (name) => {
    const [program, image, target] = name.split('/') as [string, string, string];
    const by = programs[program] as OriginalPreparation;
    const size = Number(target);
    const { data } = prepareAsOriginal(await readRgb(input(image)), size, by);
    const expected = values(name);
    if (program === 'july_float') {
      expect(fromBytes(data)).toEqual(expected);
    } else if (program === 'taming') {
      // Float64 arithmetic, then float32, as NumPy does with a Python number.
      expect(Float32Array.from(data, (byte) => byte / 127.5 - 1)).toEqual(expected);
    } else {
      const channels = expected.length / size ** 2; // a grey picture is stored with one
      expect(channels === 3 ? data : data.filter((_, i) => i % 3 === 0)).toEqual(expected);
    }
  });

  test('decodePicture gives them too, by its fit', async () => {
    const found = await decodePicture(input('shapes_rgba'), {
      ...defaultPictureShape,
      size: 24,
      fit: 'july-2021',
      background: '#fff',
    });
    expect(found).toEqual(values('july/shapes_rgba/24'));
  });

  test('a picture that has the size is left as it is; a smaller one grows', () => {
    const flat: Raster = { data: new Uint8Array(4 * 6 * 3).fill(9), width: 4, height: 6, channels: 3 };
    for (const by of ORIGINAL_PREPARATIONS) {
      expect(prepareAsOriginal(flat, 4, by).data).toEqual(new Uint8Array(4 * 4 * 3).fill(9));
      expect(prepareAsOriginal(flat, 7, by).data).toEqual(new Uint8Array(7 * 7 * 3).fill(9));
    }
  });
});
