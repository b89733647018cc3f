import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defaultImageProcessor, type ImageProcessorConfig, processImage } from '@easel/clip';
import { cutImage, parseImageProcessor } from '@easel/clip/internals';
import type { Raster } from '@easel/core';
import { readRgb } from '@easel/train/internals';
import type { Checks, Tolerance } from '../../checks.js';
import { GoldenArrays, readJson } from '../../golden.js';
import type { Case, GoldenFolder } from '../../kind.js';

const PIXELS: Tolerance = {
  absolute: 1e-6,
  reason: 'bytes are equal; behind them a product, a difference and a quotient are each rounded to float32',
};

/**
 * Makes a case of the image processor for each picture. The pictures are in the file, or in
 * image/inputs beside the folder.
 */
export function processorCases(folder: GoldenFolder): Case[] {
  const golden = new GoldenArrays(folder.file('processor.safetensors'));
  const images = [...new Set(golden.names.map((name) => name.split('/')[1] as string))];
  return images.map((image) => ({
    name: `processor ${image}`,
    async run(checks, context) {
      const picture = await inputOf(folder, golden, image);
      if (picture === undefined) {
        context.leftOut(image, 'neither its bytes nor image/inputs beside the folder are there');
        checks.holds('pictures', image, undefined);
        return;
      }
      const config = configOf(folder);
      for (const name of golden.names.filter((each) => each.split('/')[1] === image)) {
        compare(checks, golden, name, picture, config);
      }
    },
  }));
}

function configOf(folder: GoldenFolder): ImageProcessorConfig {
  if (!folder.has('preprocessor_config.json')) return defaultImageProcessor();
  const file = folder.file('preprocessor_config.json');
  return parseImageProcessor(readJson(file), file);
}

async function inputOf(
  folder: GoldenFolder,
  golden: GoldenArrays,
  image: string,
): Promise<Raster | undefined> {
  const stored = `rgb/${image}`;
  if (golden.has(stored)) return rasterOf(golden, stored);
  const file = join(dirname(folder.path), 'image', 'inputs', `${image}.png`);
  return existsSync(file) ? readRgb(file) : undefined;
}

function rasterOf(golden: GoldenArrays, name: string): Raster {
  const [height, width, channels = 1] = golden.shape(name) as [number, number, number?];
  return { data: golden.values(name) as Uint8Array, height, width, channels };
}

/**
 * Compares one array. Its name is pixel_values/IMAGE/EDGE_HEIGHTxWIDTH, resized_EDGE/IMAGE or
 * pixel_values_EDGE_every_Nth/IMAGE.
 */
function compare(
  checks: Checks,
  golden: GoldenArrays,
  name: string,
  picture: Raster,
  config: ImageProcessorConfig,
): void {
  const [what = '', , sizes] = name.split('/');
  if (what === 'rgb') return;
  const sized = /^(\d+)_(\d+)x(\d+)$/.exec(sizes ?? '');
  if (what === 'pixel_values' && sized) {
    const [edge, height, width] = sized.slice(1).map(Number) as [number, number, number];
    const changed = { ...config, resizeTo: { shortestEdge: edge }, cropTo: { height, width } };
    const pixels = channelsFirst(processImage(picture, changed));
    checks.close('pixels', name, pixels, golden.floats(name), PIXELS);
    return;
  }
  if (/^resized_\d+$/.test(what)) {
    const bytes = channelsFirst(cutImage(picture, config));
    const stored = golden.values(name) as Uint8Array; // of a grey picture one channel
    checks.equal('bytes', name, bytes.slice(0, stored.length), stored);
    return;
  }
  const [, step] = /^pixel_values_\d+_every_(\d+)th$/.exec(what) ?? [];
  if (step !== undefined) {
    const some = channelsFirst(processImage(picture, config)).filter((_, i) => i % Number(step) === 0);
    checks.close('pixels', name, some, golden.floats(name), PIXELS);
    return;
  }
  checks.holds('arrays', name, 'not known what it is');
}

/** [height, width, channels] → [channels, height, width], flat. */
function channelsFirst({ data, channels }: Raster<Uint8Array | Float32Array>): number[] {
  const flat = [...data];
  return Array.from({ length: channels }, (_, c) => flat.filter((_, i) => i % channels === c)).flat();
}
