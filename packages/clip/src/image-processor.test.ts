import type { Raster } from '@easel/core';
import { describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { goldenPath, largestDifference, readGolden, readJson, toRaster } from '../testing/golden.js';
import {
  cutImage,
  defaultImageProcessor,
  type ImageProcessorConfig,
  imageProcessorToJson,
  parseImageProcessor,
  processImage,
} from './image-processor.js';

const golden = readGolden('clip/processor.safetensors');

/** The picture of a case: as stored, or from its file where it is too large to be stored. */
async function input(name: string): Promise<Raster> {
  if (golden.names.includes(`rgb/${name}`)) return toRaster(golden.get(`rgb/${name}`));
  const { data, info } = await sharp(goldenPath(`image/inputs/${name}.png`))
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: 3 };
}

/** [height, width, channels] → [channels, height, width], flat. */
function channelsFirst({ data, channels }: Raster<Uint8Array | Float32Array>): number[] {
  return Array.from({ length: channels }, (_, c) => [...data.filter((_, i) => i % channels === c)]).flat();
}

/** Cases by what is stored, with the config of each. */
const cases = golden.names
  .filter((name) => name.startsWith('pixel_values/'))
  .map((name): [string, string, ImageProcessorConfig] => {
    const [, image, sizes] = name.split('/') as [string, string, string];
    const [edge, crop] = sizes.split('_') as [string, string];
    const [height, width] = crop.split('x').map(Number) as [number, number];
    return [
      name,
      image,
      { ...defaultImageProcessor(), resizeTo: { shortestEdge: Number(edge) }, cropTo: { height, width } },
    ];
  });

describe('CLIPImageProcessor', () => {
  test.each(cases)('%s', async (name, image, config) => {
    const found = channelsFirst(processImage(await input(image), config));
    expect(largestDifference(found, golden.get(name).data)).toBe(0);
  });

  test.each(['discs_large', 'noise_gray'])('default processor, %s', async (image) => {
    const config = parseImageProcessor(readJson('clip/preprocessor_config.json'));
    expect(config).toEqual(defaultImageProcessor());
    const picture = await input(image);
    const bytes = golden.get(`resized_224/${image}`).data;
    expect(channelsFirst(cutImage(picture, config)).slice(0, bytes.length)).toEqual([...bytes]);
    const pixels = channelsFirst(processImage(picture, config)).filter((_, i) => i % 97 === 0);
    const expected = golden.get(`pixel_values_224_every_97th/${image}`).data;
    expect(largestDifference(pixels, expected)).toBe(0);
  });

  test('alpha is dropped, grey is repeated', () => {
    const config = { ...defaultImageProcessor(), resizeTo: undefined, cropTo: undefined };
    const grey: Raster = { data: Uint8Array.of(7, 200), width: 2, height: 1, channels: 1 };
    const rgba: Raster = {
      data: Uint8Array.of(7, 7, 7, 0, 200, 200, 200, 9),
      width: 2,
      height: 1,
      channels: 4,
    };
    expect(processImage(rgba, config)).toEqual(processImage(grey, config));
    expect(() => processImage({ ...grey, channels: 2, width: 1 }, config)).toThrow('1, 3 or 4 channels');
  });
});

describe('preprocessor_config.json', () => {
  test('the form of 2021, with sizes as numbers', () => {
    const json = {
      crop_size: 224,
      do_center_crop: true,
      do_normalize: true,
      do_resize: true,
      feature_extractor_type: 'CLIPFeatureExtractor',
      image_mean: [0.48145466, 0.4578275, 0.40821073],
      image_std: [0.26862954, 0.26130258, 0.27577711],
      resample: 3,
      size: 224,
    };
    expect(parseImageProcessor(json)).toEqual(defaultImageProcessor());
  });

  test('what is written is read back, steps left out too', () => {
    const configs: ImageProcessorConfig[] = [
      defaultImageProcessor(336),
      { ...defaultImageProcessor(), resizeTo: { height: 5, width: 7 }, filter: 'lanczos' },
      {
        resizeTo: undefined,
        filter: 'bicubic',
        cropTo: undefined,
        rescale: undefined,
        normalize: undefined,
      },
    ];
    for (const config of configs) {
      expect(parseImageProcessor(JSON.parse(JSON.stringify(imageProcessorToJson(config))))).toEqual(config);
    }
  });

  test.each([
    [{ sise: 224 }, 'sise: there is no such setting. Did you mean "size"?'],
    [{ resample: 9 }, 'a filter of Pillow, 0 to 5'],
    [{ size: 0 }, 'size: expected a number of pixels from 1, {"shortest_edge": …} or'],
    [{ size: { longest_edge: 3 } }, 'got {"longest_edge":3}'],
    [{ crop_size: { height: 3 } }, 'crop_size: expected a number of pixels from 1 or'],
    [{ image_mean: [1, 2] }, 'image_mean: expected three numbers'],
    [{ image_std: [1, 0, 1] }, 'image_std: expected three numbers without 0'],
    [{ do_resize: 1 }, 'do_resize: expected true or false'],
    [null, 'expected an object'],
  ])('%j is refused', (json, message) => {
    expect(() => parseImageProcessor(json)).toThrow(message);
  });
});
