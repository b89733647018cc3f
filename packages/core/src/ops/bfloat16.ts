import * as tf from '@tensorflow/tfjs';
import { hasKernel, runKernel } from './fused-kernel.js';
import { type TapeNode, unrecorded } from './tape.js';

/**
 * x with its values rounded to bfloat16, the upper half of a float32. It is an ordinary float32 tensor; the native backend holds it in two bytes a value,
 * and operations compute on it in float32 as ever. Has no gradient.
 *
 * Rounds to the nearest, ties to even; with a seed (a whole number below 2³²) by chance, in proportion to the distances of both neighbours, so that the mean
 * is the value and steps smaller than the distance aren't lost. The same seed gives the same values on every backend. ±∞ and NaN stay.
 */
export function toBfloat16<T extends tf.Tensor>(x: T, seed: number | null = null): T {
  return hasKernel('Narrow')
    ? (runKernel('Narrow', { x }, seed === null ? {} : { seed })[0] as T)
    : plainToBfloat16(x, seed);
}

/** toBfloat16 without the kernel; its chance is the kernel's, hashed from seed and place (native/kernels/bfloat16/bfloat16.h). */
export function plainToBfloat16<T extends tf.Tensor>(x: T, seed: number | null): T {
  const values = Float32Array.from(x.dataSync());
  const bits = new Uint32Array(values.buffer);
  const half = Math.ceil(bits.length / 2);
  for (let i = 0; i < bits.length; i++) {
    const value = bits[i] as number;
    if (Number.isNaN(values[i])) {
      bits[i] = (value | 0x00400000) & 0xffff0000;
      continue;
    }
    let addend = 0x7fff + ((value >>> 16) & 1);
    if (seed !== null) {
      const chance = hash((seed + (i % half)) >>> 0);
      addend = i < half ? chance & 0xffff : chance >>> 16;
    }
    bits[i] = (value + addend) & 0xffff0000;
  }
  return tf.tensor(values, x.shape, 'float32') as T;
}

/** 32 bits from 32 bits: "lowbias32" (Chris Wellons, hash-prospector). */
function hash(x: number): number {
  let y = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  y = Math.imul(y ^ (y >>> 15), 0x846ca68b);
  return (y ^ (y >>> 16)) >>> 0;
}

/** Tensors smaller than this are kept as they are: a norm's means, attention's sums, of which the gradient needs every digit. */
const LEAST_SIZE = 4096;

/**
 * What a forward pass keeps for its gradient, in bfloat16: to be shown each node of the tape as it is recorded. Only where the backend holds such tensors
 * narrow; weights, integers and small tensors stay, and so does what the newest node keeps, which the backward pass asks for first (the logits).
 */
export class NarrowSaving {
  /** Data of weights, which are there anyway. */
  private readonly weights: ReadonlySet<object>;
  /** The narrow form of data that several nodes keep. */
  private readonly narrow = new WeakMap<object, tf.Tensor>();
  private newest: TapeNode | undefined;

  constructor() {
    const variables = Object.values(tf.engine().registeredVariables);
    this.weights = new Set(variables.map(({ dataId }) => dataId));
  }

  readonly see = (node: TapeNode): void => {
    if (!node.saved?.some((tensor) => this.isLarge(tensor)) || !hasKernel('Narrow')) return;
    const before = this.newest;
    this.newest = node;
    if (before?.saved === undefined) return;
    // The array that the node's gradient function reads.
    const saved = before.saved as tf.Tensor[];
    for (const [i, tensor] of saved.entries()) if (this.isLarge(tensor)) saved[i] = this.narrowed(tensor);
  };

  private isLarge(tensor: tf.Tensor): boolean {
    return tensor.dtype === 'float32' && tensor.size >= LEAST_SIZE && !this.weights.has(tensor.dataId);
  }

  /** The tensor's narrow form, in its place; other nodes' tensors of the same data share it. */
  private narrowed(tensor: tf.Tensor): tf.Tensor {
    const found = this.narrow.get(tensor.dataId);
    const result = unrecorded(() => {
      const narrow = found === undefined || found.isDisposed ? toBfloat16(tensor) : found;
      return tf.keep(tf.reshape(narrow, tensor.shape));
    });
    if (found === undefined || found.isDisposed) this.narrow.set(tensor.dataId, result);
    tensor.dispose();
    return result;
  }
}
