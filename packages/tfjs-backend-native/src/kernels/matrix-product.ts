import { broadcast_util, type TensorInfo } from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { GEMM, lengthOf } from '../addon-numbers.js';
import type { NativeBackend } from '../backend.js';
import type { NativeEpilogue } from './epilogue.js';

/** The shapes of op(a)·op(b), and how its batch axes walk over a and b. */
export interface ProductShape {
  readonly outShape: number[];
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /**
   * The batch axes. Those that both operands walk contiguously are merged. A stride is 0 where an
   * operand is broadcast.
   */
  readonly batch: readonly { readonly extent: number; readonly a: number; readonly b: number }[];
}

/** The batch of a single product. */
export const NO_BATCH: ProductShape['batch'] = [];

/**
 * The shapes of the product of a [..., m, k] and b [..., k, n]; the last two axes are exchanged
 * where an operand is transposed. Batch axes broadcast. Throws Error, in tfjs's words, if ranks,
 * inner sizes or batch axes do not fit.
 */
export function productShape(
  a: readonly number[],
  b: readonly number[],
  transposeA: boolean,
  transposeB: boolean,
): ProductShape {
  if (a.length < 2 || b.length < 2)
    throw new Error(`Error in matMul: both operands must have rank 2 or more, got shapes [${a}] and [${b}].`);
  const m = a[a.length - (transposeA ? 1 : 2)] as number;
  const k = a[a.length - (transposeA ? 2 : 1)] as number;
  const n = b[b.length - (transposeB ? 2 : 1)] as number;
  const inner = b[b.length - (transposeB ? 1 : 2)] as number;
  if (k !== inner)
    throw new Error(
      `Error in matMul: inner shapes (${k}) and (${inner}) of Tensors with shapes ${a} and ${b} ` +
        `and transposeA=${transposeA} and transposeB=${transposeB} must match.`,
    );
  if (a.length === 2 && b.length === 2) return { outShape: [m, n], m, n, k, batch: NO_BATCH };
  const outer = broadcast_util.assertAndGetBroadcastShape(a.slice(0, -2), b.slice(0, -2));
  const batch: { extent: number; a: number; b: number }[] = [];
  let aStride = m * k;
  let bStride = k * n;
  for (let fromEnd = 1; fromEnd <= outer.length; fromEnd++) {
    const extent = outer.at(-fromEnd) as number;
    const aExtent = a.at(-2 - fromEnd) ?? 1;
    const bExtent = b.at(-2 - fromEnd) ?? 1;
    if (extent !== 1) {
      const axis = { extent, a: aExtent === 1 ? 0 : aStride, b: bExtent === 1 ? 0 : bStride };
      const inside = batch[0];
      if (inside && axis.a === inside.a * inside.extent && axis.b === inside.b * inside.extent) {
        inside.extent *= extent;
      } else {
        batch.unshift(axis);
      }
    }
    aStride *= aExtent;
    bStride *= bExtent;
  }
  return { outShape: [...outer, m, n], m, n, k, batch };
}

/** One array for each number of batch axes, filled anew at each call. */
const FIXED = lengthOf(GEMM);
const sizesByAxes = [0, 1, 2, 3, 4].map((axes) => new Int32Array(FIXED + 3 * axes));

/** op(a)·op(b) in float32 and what follows it, as a new tensor. */
export function matrixProduct(
  backend: NativeBackend,
  a: TensorInfo,
  b: TensorInfo,
  transposeA: boolean,
  transposeB: boolean,
  shape: ProductShape,
  epilogue: NativeEpilogue,
  residual?: TensorInfo,
): TensorInfo {
  const { m, n, k, batch, outShape } = shape;
  const { info, values } = backend.allocate(outShape, 'float32');
  const axes = batch.length;
  const sizes = sizesByAxes[axes] as Int32Array;
  sizes[GEMM.m] = m;
  sizes[GEMM.n] = n;
  sizes[GEMM.k] = k;
  sizes[GEMM.transposeA] = transposeA ? 1 : 0;
  sizes[GEMM.transposeB] = transposeB ? 1 : 0;
  sizes[GEMM.activation] = epilogue.activation;
  for (let i = 0; i < axes; i++) {
    const axis = batch[i] as ProductShape['batch'][number];
    sizes[FIXED + i] = axis.extent;
    sizes[FIXED + axes + i] = axis.a;
    sizes[FIXED + 2 * axes + i] = axis.b;
  }
  addon().gemm(
    values,
    backend.float32(a),
    backend.float32(b),
    sizes,
    epilogue.bias,
    epilogue.leak,
    residual ? backend.float32(residual) : null,
  );
  return info;
}
