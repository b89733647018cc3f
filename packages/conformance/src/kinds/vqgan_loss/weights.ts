import type { WeightRule } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { elementCount } from 'safetensors-ts';
import { hashedUniform } from '../../hashed-uniform.js';

/** Gain of 4-D weights in the formula. */
export const GAIN = { lpips: 6, discriminator: 3 } as const;

/**
 * Returns the formula's values of a weight with its PyTorch name and shape [O, I, h, w]
 * (reference/golden/scripts/taming_stubs.py, fill_plain).
 */
function plainWeight(name: string, shape: readonly number[], seed: number, gain: number): Float32Array {
  const size = elementCount(shape);
  if (/running_mean$|initialized$/.test(name)) return new Float32Array(size);
  if (name.endsWith('running_var')) return new Float32Array(size).fill(1);
  const u = hashedUniform(name, size, seed);
  if (name.startsWith('lin')) return Float32Array.from(u, (x) => (x + 1) / 2);
  if (name.endsWith('weight') && shape.length === 4) {
    const factor = Math.sqrt((gain * (shape[0] as number)) / size);
    return Float32Array.from(u, (x) => x * factor);
  }
  if (/weight$|scale$/.test(name)) return Float32Array.from(u, (x) => 1 + 0.5 * x);
  return Float32Array.from(u, (x) => 0.2 * x);
}

/** Sets weights to the formula's values under taming's names. */
export function fillPlain(
  weights: ReadonlyMap<string, tf.Variable>,
  rules: ReadonlyMap<string, WeightRule>,
  seed: number,
  gain: number,
): void {
  for (const [name, variable] of weights) {
    const { source, transpose } = rules.get(name) as WeightRule;
    const shape: number[] = transpose === undefined ? variable.shape : [];
    transpose?.forEach((axis, i) => {
      shape[axis] = variable.shape[i] as number;
    });
    tf.tidy(() => {
      const theirs = tf.tensor(plainWeight(source, shape, seed, gain), shape);
      variable.assign(transpose === undefined ? theirs : tf.transpose(theirs, [...transpose]));
    });
  }
}

/**
 * Returns the formula's values of a VQGAN's weight with its Flax path
 * (reference/golden/scripts/weights.py, tensor).
 */
export function flaxWeight(path: string, shape: readonly number[], seed: number): Float32Array {
  const size = elementCount(shape);
  const u = hashedUniform(path, size, seed);
  const leaf = path.slice(path.lastIndexOf('/') + 1);
  const fanIn = size / (shape.at(-1) as number);
  const [base, factor] =
    leaf === 'scale'
      ? [1, 0.5]
      : leaf === 'kernel'
        ? [0, Math.sqrt(3 / fanIn)]
        : leaf === 'embedding'
          ? [0, 1]
          : [0, 0.2];
  return Float32Array.from(u, (x) => base + factor * x);
}

/**
 * Returns a tensor's values in PyTorch's layout. `transpose` is the rule that reads PyTorch's
 * tensor.
 */
export async function theirLayout(
  x: tf.Tensor,
  transpose: readonly number[] | undefined,
): Promise<Float32Array> {
  if (transpose === undefined) return (await x.data()) as Float32Array;
  const back = transpose.map((_, axis) => transpose.indexOf(axis));
  const theirs = tf.transpose(x, back);
  const values = (await theirs.data()) as Float32Array;
  theirs.dispose();
  return values;
}

/** Returns every k-th element, where k is the smallest step that leaves at most `kept` elements. */
export function thinned(values: Float32Array, kept: number): Float32Array {
  const step = Math.max(1, Math.ceil(values.length / Math.max(1, kept)));
  return values.filter((_, i) => i % step === 0);
}
