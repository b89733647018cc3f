import { readFileSync } from 'node:fs';
import { golden } from '@easel/conformance/golden';
import { flaxWeight } from '@easel/conformance/kinds/vqgan_loss/weights';
import * as tf from '@tensorflow/tfjs';
import { deserialize, typedArray } from 'safetensors-ts';
import { parseVqganConfig } from '../src/config.js';
import { Vqgan } from '../src/model.js';

// Looked up once: under jest every look at a global such as Math costs a microsecond.
const { abs } = Math;
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
  return golden(`vqgan/${path}`);
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
  setWeights(model, (path, shape) => flaxWeight(path, shape, seed));
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
