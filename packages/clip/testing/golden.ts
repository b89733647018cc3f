import { readFileSync } from 'node:fs';
import { loadWeights, type Raster } from '@easel/core';
import { openCheckpoint } from '@easel/core/node';
import * as tf from '@tensorflow/tfjs';
import { deserialize, typedArray } from 'safetensors-ts';
import { parseClipConfig } from '../src/config.js';
import { Clip } from '../src/model.js';
import { clipReading } from '../src/weights.js';

/** Numbers of the original programs, and where they lie. */
export function goldenPath(path: string): string {
  return new URL(`../../../reference/golden/${path}`, import.meta.url).pathname;
}

export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

export interface GoldenFile {
  /** The tensor, or an error that names it. */
  get(name: string): GoldenTensor;
  readonly names: readonly string[];
  /** Values of the header, parsed. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** A safetensors file of numbers. */
export function readGolden(path: string): GoldenFile {
  const { header, tensors } = deserialize(new Uint8Array(readFileSync(goldenPath(path))), path);
  return {
    get(name) {
      const view = tensors.get(name);
      if (view === undefined) throw new Error(`${path}: no ${name}`);
      return { shape: view.shape, data: typedArray(view) as GoldenTensor['data'] };
    },
    names: [...tensors.keys()],
    metadata: Object.fromEntries([...header.metadata].map(([key, text]) => [key, JSON.parse(text)])),
  };
}

export function readJson(path: string): unknown {
  return JSON.parse(readFileSync(goldenPath(path), 'utf8'));
}

export function toTensor({ shape, data }: GoldenTensor): tf.Tensor {
  return tf.tensor(data, [...shape], data instanceof Int32Array ? 'int32' : 'float32');
}

/** A stored picture [height, width, channels]. */
export function toRaster({ shape, data }: GoldenTensor): Raster {
  const [height, width, channels = 1] = shape as [number, number, number?];
  return { data: data as Uint8Array, height, width, channels };
}

/** A case's model with the weights of one of its files. */
export async function goldenClip(name: string, file: string): Promise<Clip> {
  const model = new Clip(parseClipConfig(readJson(`clip/${name}/config.json`)));
  const source = await openCheckpoint(goldenPath(`clip/${name}/${file}`));
  try {
    const reading = clipReading(source.entries.keys());
    const weights = model.namedWeights();
    await loadWeights(weights, source, reading.rules(weights.keys()), { ignore: reading.ignore });
  } finally {
    await source.close();
  }
  return model;
}

/** Largest absolute difference; infinite if the sizes differ or a number is not finite. */
export function largestDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((found[i] as number) - (expected[i] as number));
    if (!(difference <= largest)) largest = difference >= 0 ? difference : Number.POSITIVE_INFINITY;
  }
  return largest;
}
