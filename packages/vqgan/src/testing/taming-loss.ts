import type { WeightRule } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { type GoldenFile, hashedUniform, product, readGolden } from './golden-case.js';

/** A recorded run of taming's losses. */
export function readTamingLoss(name: string): GoldenFile {
  return readGolden(`../vqgan_loss/${name}.safetensors`);
}

/** The value of a weight under its PyTorch name and shape [O, I, h, w] (reference/golden/vqgan_loss/README.md). */
function formula(name: string, shape: readonly number[], seed: number, gain: number): Float32Array {
  const u = hashedUniform(name, product(shape), seed);
  if (/running_mean$|initialized$/.test(name)) return new Float32Array(u.length);
  if (name.endsWith('running_var')) return new Float32Array(u.length).fill(1);
  if (name.startsWith('lin')) return Float32Array.from(u, (x) => (x + 1) / 2);
  if (name.endsWith('weight') && shape.length === 4) {
    const factor = Math.sqrt(gain / product(shape.slice(1)));
    return Float32Array.from(u, (x) => x * factor);
  }
  if (/weight$|scale$/.test(name)) return Float32Array.from(u, (x) => 1 + 0.5 * x);
  return Float32Array.from(u, (x) => 0.2 * x);
}

/** Sets weights by the formula, through the rules that read a file of taming's. */
export function fillByFormula(
  weights: ReadonlyMap<string, tf.Variable>,
  rules: ReadonlyMap<string, WeightRule>,
  seed: number,
  gain: number,
): void {
  for (const [name, variable] of weights) {
    const { source, transpose } = rules.get(name) as WeightRule;
    const shape: number[] = [];
    if (transpose === undefined) shape.push(...variable.shape);
    else
      transpose.forEach((axis, i) => {
        shape[axis] = variable.shape[i] as number;
      });
    tf.tidy(() => {
      const theirs = tf.tensor(formula(source, shape, seed, gain), shape);
      variable.assign(transpose === undefined ? theirs : tf.transpose(theirs, [...transpose]));
    });
  }
}

/** [B, C, H, W] as [B, H, W, C]. */
export function channelsLast(x: {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}): tf.Tensor4D {
  return tf.tidy(() =>
    tf.transpose(tf.tensor(Float32Array.from(x.data), [...x.shape]), [0, 2, 3, 1]),
  ) as tf.Tensor4D;
}

/** A tensor of ours in PyTorch's layout, by the rule that reads it. */
export function theirLayout(x: tf.Tensor, { transpose }: WeightRule): Float32Array {
  if (transpose === undefined) return x.dataSync() as Float32Array;
  const back = transpose.map((_, axis) => transpose.indexOf(axis));
  return tf.tidy(() => tf.transpose(x, back).dataSync()) as Float32Array;
}

/** Every k-th element, k the smallest step that leaves `recorded` of them. */
export function thinned(values: Float32Array, recorded: number): Float32Array {
  const step = Math.ceil(values.length / recorded);
  return values.filter((_, i) => i % step === 0);
}
