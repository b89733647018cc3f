import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { deserialize, typedArray } from 'safetensors-ts';
import { parseVqganConfig } from '../config.js';
import { Vqgan } from '../model.js';

// Looked up once: under jest every look at a global such as Math costs a microsecond.
const { abs, imul } = Math;
const infinity = Number.POSITIVE_INFINITY;

/** A stored tensor: float32 or int32 numbers in C order. */
export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

export interface GoldenFile {
  /** The tensor, or an error that names it. */
  get(name: string): GoldenTensor;
  readonly names: readonly string[];
  /** Values of the header, parsed. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Path of a file under golden/. */
export function goldenPath(path: string): string {
  return new URL(`../../../../reference/golden/vqgan/${path}`, import.meta.url).pathname;
}

/** A safetensors file under golden/. */
export function readGolden(path: string): GoldenFile {
  const { header, tensors } = deserialize(new Uint8Array(readFileSync(goldenPath(path))), path);
  const parsed = new Map<string, GoldenTensor>();
  for (const [name, view] of tensors) {
    const data = typedArray(view);
    parsed.set(name, {
      shape: view.shape,
      data: data instanceof Float32Array ? data : Int32Array.from(data as Int32Array, Number),
    });
  }
  return {
    get(name) {
      const tensor = parsed.get(name);
      if (tensor === undefined) throw new Error(`${path}: no ${name}`);
      return tensor;
    },
    names: [...parsed.keys()],
    metadata: Object.fromEntries([...header.metadata].map(([key, text]) => [key, JSON.parse(text)])),
  };
}

export function toTensor({ shape, data }: GoldenTensor): tf.Tensor {
  return tf.tensor(data, [...shape], data instanceof Int32Array ? 'int32' : 'float32');
}

/** u in [−1, 1) for each flat index of the tensor called `name`, by integer hashing (golden/README.md). */
export function hashedUniform(name: string, size: number, seed: number): Float64Array {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = imul(hash ^ byte, 0x01000193) >>> 0;
  hash = (hash ^ imul(seed, 0x9e3779b9)) >>> 0;
  const values = new Float64Array(size);
  for (let j = 0; j < size; j++) {
    let x = (hash + imul(j, 0x9e3779b1)) >>> 0;
    x = imul(x ^ (x >>> 16), 0x7feb352d) >>> 0;
    x = imul(x ^ (x >>> 15), 0x846ca68b) >>> 0;
    x = (x ^ (x >>> 16)) >>> 0;
    values[j] = (x >>> 8) / 2 ** 23 - 1;
  }
  return values;
}

/** The value of the weight at a Flax path. */
export function formulaWeight(path: string, shape: readonly number[], seed: number): Float32Array {
  const values = hashedUniform(path, product(shape), seed);
  const [base, factor] = formula(path.slice(path.lastIndexOf('/') + 1), shape);
  for (let j = 0; j < values.length; j++) values[j] = base + factor * (values[j] as number);
  return new Float32Array(values);
}

/** A weight is base + factor · u. */
function formula(leaf: string, shape: readonly number[]): readonly [number, number] {
  switch (leaf) {
    case 'scale':
      return [1, 0.5];
    case 'kernel':
      return [0, Math.sqrt(3 / product(shape.slice(0, -1)))];
    case 'embedding':
      return [0, 1];
    default:
      return [0, 0.2];
  }
}

export function product(shape: readonly number[]): number {
  return shape.reduce((result, side) => result * side, 1);
}

/** Sets every weight of a model to what `value` gives for its Flax path and shape. */
export function setWeights(model: Vqgan, value: (path: string, shape: number[]) => Float32Array): void {
  for (const [name, variable] of model.namedWeights()) {
    const values = tf.tensor(value(name.replaceAll('.', '/'), variable.shape), variable.shape);
    variable.assign(values);
    values.dispose();
  }
}

/** The config of a case, and its seed. */
export function goldenConfig(name: string): { config: ReturnType<typeof parseVqganConfig>; seed: number } {
  const config = parseVqganConfig(JSON.parse(readFileSync(goldenPath(`${name}/config.json`), 'utf8')));
  return { config, seed: readGolden(`${name}/weights_check.safetensors`).metadata.seed as number };
}

/** A case's model with its weights. */
export function goldenModel(name: string): Vqgan {
  const { config, seed } = goldenConfig(name);
  const model = new Vqgan(config);
  setWeights(model, (path, shape) => formulaWeight(path, shape, seed));
  return model;
}

/** Largest absolute difference; infinite if the sizes differ or a number is not finite. */
export function largestDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = abs((found[i] as number) - (expected[i] as number));
    if (!(difference <= largest)) largest = difference >= 0 ? difference : infinity;
  }
  return largest;
}
