import * as tf from '@tensorflow/tfjs';
import { addon, type CpuTarget, setTarget } from '../src/addon.js';
import type { NativeBackend } from '../src/backend.js';
import { hasPoison } from '../src/block-pool.js';
import { runsOnCpu } from '../src/kernel-counts.js';

/**
 * How far a native result may be from the cpu backend's: |got − expected| ≤ absolute +
 * relative·|expected|.
 */
export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

/** A few roundings of float32. */
export const ROUNDINGS: Tolerance = { absolute: 1e-6, relative: 1e-6 };

type Outputs = tf.Tensor | readonly tf.Tensor[];

interface Result {
  readonly shape: number[];
  readonly dtype: string;
  readonly values: ArrayLike<number>;
  /** Whether every element has been written: no poison is left. */
  readonly isWritten: boolean;
}

function results(f: () => Outputs): Result[] {
  const outputs = f();
  const list = Array.isArray(outputs) ? (outputs as tf.Tensor[]) : [outputs as tf.Tensor];
  return list.map((y) => {
    const read = y.dataSync();
    const result = { shape: y.shape, dtype: y.dtype, values: Array.from(read), isWritten: !hasPoison(read) };
    y.dispose();
    return result;
  });
}

/** The first difference in words, or undefined. NaN equals NaN, and infinities must be equal. */
export function difference(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  { absolute, relative }: Tolerance,
): string | undefined {
  if (got.length !== expected.length) return `length ${got.length}, expected ${expected.length}`;
  for (let i = 0; i < got.length; i++) {
    const a = got[i] as number;
    const b = expected[i] as number;
    if (Object.is(a, b) || a === b) continue;
    if (!(Math.abs(a - b) <= absolute + relative * Math.abs(b)) || !Number.isFinite(b))
      return `[${i}]: got ${a}, expected ${b}`;
  }
  return undefined;
}

/** Calls `f` under each CPU target that this machine runs, and restores the one before. */
export function underEachTarget(f: (target: CpuTarget) => void): void {
  const before = addon().status().target;
  try {
    for (const target of addon().status().targets) {
      setTarget(target);
      f(target);
    }
  } finally {
    setTarget(before);
  }
}

/**
 * Runs `f` (which makes its own inputs and leaves only its outputs) on the cpu backend and, under
 * each CPU target, on the native one, and throws where shape, dtype or a value differs, tensors
 * leak, or an element was never written: memory is poisoned. Leaves 'native' set.
 */
export function expectAsOnCpu(f: () => Outputs, tolerance: Tolerance = ROUNDINGS): void {
  tf.setBackend('cpu');
  const expected = results(() => tf.tidy(f as () => tf.Tensor));
  tf.setBackend('native');
  (tf.backend() as NativeBackend).pool.poison = true;
  underEachTarget((target) => {
    const before = tf.memory().numTensors;
    const got = results(() => tf.tidy(f as () => tf.Tensor));
    if (tf.memory().numTensors !== before) throw new Error(`${target}: tensors leaked`);
    if (got.length !== expected.length)
      throw new Error(`${target}: ${got.length} outputs, expected ${expected.length}`);
    got.forEach((result, i) => {
      const other = expected[i] as Result;
      const where = `${target}, output ${i} ([${result.shape}] ${result.dtype})`;
      if (`${result.shape}` !== `${other.shape}` || result.dtype !== other.dtype)
        throw new Error(`${where}: expected [${other.shape}] ${other.dtype}`);
      if (!result.isWritten) throw new Error(`${where}: memory that was never written`);
      const problem = difference(result.values, other.values, tolerance);
      if (problem) throw new Error(`${where}${problem}`);
    });
  });
}

/** expectAsOnCpu of work that must not fall through to kernels in JavaScript. */
export function expectNativeAsOnCpu(f: () => Outputs, tolerance: Tolerance = ROUNDINGS): void {
  const before = runsOnCpu();
  expectAsOnCpu(f, tolerance);
  if (runsOnCpu() !== before) throw new Error(`${runsOnCpu() - before} runs of kernels in JavaScript`);
}

/** Pseudo-random float32 values in [−scale, scale), the same for the same seed. */
export function someValues(size: number, scale = 2, seed = 1): Float32Array {
  const values = new Float32Array(size);
  let state = (seed * 2654435761) >>> 0 || 1;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = (state / 2 ** 31 - 1) * scale;
  }
  return values;
}

/** For results that must be those of the cpu backend bit for bit. */
export const EXACT: Tolerance = { absolute: 0, relative: 0 };

/** The dtypes whose elements are moved natively. */
export const DTYPES = ['float32', 'int32', 'bool'] as const;

/** A tensor of pseudo-random values of the dtype. Making it runs no kernel. */
export function someTensor(shape: number[], dtype: (typeof DTYPES)[number] = 'float32', seed = 1): tf.Tensor {
  const values = someValues(tf.util.sizeFromShape(shape), 1000, seed);
  const whole =
    dtype === 'float32' ? values : values.map((x) => (dtype === 'int32' ? Math.trunc(x) : Number(x > 0)));
  return tf.tensor(whole, shape, dtype);
}

/** Lengths around the vector widths, several unrolls, and a tail. */
export const LENGTHS = [0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 64, 131, 1000];
