import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import type { NativeBackend } from '../backend.js';
import { requireFloat32 } from './activation.js';
import { type FusedArguments, fusedKernel, sizeOf } from './kernel.js';
import { scalarOf } from './update-scale.js';

/**
 * Makes a tensor safe to be written in place, so that nothing else changes. Clones, reshapes and
 * tensors that a tape saved share its data; slices share its memory; a caller may hold its array. A
 * variable gets a copy of its own by `assign`. Any other tensor keeps its data id and can only be
 * moved to another block. Throws Error for a plain tensor whose data another tensor shares.
 */
function makeWritable(kernelName: string, name: string, backend: NativeBackend, info: tf.TensorInfo): void {
  if (backend.isExclusive(info)) return;
  if (backend.refCount(info.dataId) === 1) {
    backend.makeExclusive(info);
    return;
  }
  if (!(info instanceof tf.Variable))
    throw new Error(
      `${kernelName}: ${name} shares its data with another tensor (a clone or a reshape) and is not a tf.Variable, so it cannot be ` +
        'updated in place. Dispose the other tensor, or pass a variable.',
    );
  const { info: copy, values } = backend.allocate(info.shape, 'float32');
  values.set(backend.float32(info));
  const tensor = tf.engine().makeTensorFromTensorInfo(copy);
  info.assign(tensor);
  tensor.dispose();
}

/**
 * 1 − βᵗ in float32 steps, as optax rounds it. For β₂ = 0.999 that is 1e-5 from the exact value at
 * first.
 */
function biasCorrection(beta: number, step: number): number {
  return Math.fround(1 - Math.fround(Math.fround(beta) ** step));
}

type AdamWArguments = FusedArguments<
  Record<'param' | 'grad' | 'm' | 'v', tf.TensorInfo> & { readonly scale?: tf.TensorInfo | undefined },
  Record<'learningRate' | 'beta1' | 'beta2' | 'epsilon' | 'weightDecay' | 'step', number> & {
    gradientScale?: number;
  }
>;

/**
 * One step of AdamW on param, m and v in place (Loshchilov and Hutter 2017, arXiv:1711.05101):
 *
 *   m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², p ← p − lr·(m̂/(√v̂ + ε) + decay·p)
 *
 * with m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ) and t = `step`, 1 for the first. g is grad·`gradientScale`
 * (default 1), or grad·scale where the input `scale`, a float32 scalar, is given; NaN there refuses
 * the update. All other inputs are float32 of one shape.
 */
export const adamWUpdate = fusedKernel('AdamWUpdate', ({ inputs, backend, attrs }: AdamWArguments) => {
  const { param, grad, m, v, scale: refusing } = inputs;
  const { learningRate, beta1, beta2, epsilon, weightDecay, step, gradientScale = 1 } = attrs;
  requireFloat32('AdamWUpdate', { param, grad, m, v });
  for (const [name, info] of Object.entries({ grad, m, v })) {
    if (`${info.shape}` !== `${param.shape}`)
      throw new Error(`AdamWUpdate: expected ${name} [${param.shape}] as param, got [${info.shape}].`);
  }
  if (!(step >= 1)) throw new Error(`AdamWUpdate: step counts from 1, got ${step}.`);
  for (const [name, info] of Object.entries({ param, m, v }))
    makeWritable('AdamWUpdate', name, backend, info);
  const scale = refusing === undefined ? gradientScale : scalarOf('AdamWUpdate', backend, 'scale', refusing);
  if (refusing !== undefined && Number.isNaN(scale)) return [];
  addon().adamw(
    backend.float32(param),
    backend.float32(m),
    backend.float32(v),
    backend.float32(grad),
    learningRate,
    beta1,
    beta2,
    epsilon,
    weightDecay,
    1 / biasCorrection(beta1, step),
    1 / biasCorrection(beta2, step),
    scale,
  );
  return [];
});

/** Σ x², a scalar. */
export const sumOfSquares = fusedKernel(
  'SumOfSquares',
  ({ inputs, backend }: FusedArguments<{ x: tf.TensorInfo }>) => {
    const { x } = inputs;
    requireFloat32('SumOfSquares', { x });
    const y = backend.allocate([], 'float32');
    y.values[0] = addon().sumSquares(backend.float32(x));
    return y.info;
  },
);

/** Attributes of AdafactorUpdate. */
export interface AdafactorSettings {
  readonly learningRate: number;
  readonly rho: number;
  readonly epsilon: number;
  /** Bound on the root mean square of the update; 0 for none. */
  readonly clippingThreshold: number;
  /**
   * Least value of the parameter's scale, by which the step is multiplied; 0 for no such factor.
   */
  readonly leastScale: number;
  /** Decay of the mean of updates m; 0 for none, and then there is no m. */
  readonly momentum: number;
  readonly weightDecay: number;
  readonly gradientScale: number;
}

type AdafactorArguments = FusedArguments<
  Record<'param' | 'grad', tf.TensorInfo> &
    Partial<Record<'m' | 'v' | 'vRow' | 'vCol' | 'scale', tf.TensorInfo | undefined>>,
  AdafactorSettings
>;

/**
 * One step of Adafactor in place. native/kernels/optimizer/optimizer.h has the formula.
 *
 * param is [.., R, C]; m has its shape and is given with momentum. The state is either v, of
 * param's shape, or vRow and vCol. vRow has param's shape without the larger one of its last two
 * axes (of equal ones the last counts as larger), and vCol without the other one. The gradient is
 * multiplied by `gradientScale`, or by the input `scale`, a float32 scalar, where that is given;
 * NaN there refuses the update.
 */
export const adafactorUpdate = fusedKernel(
  'AdafactorUpdate',
  ({ inputs, backend, attrs: s }: AdafactorArguments) => {
    const { param, grad, m, v, vRow, vCol, scale: refusing } = inputs;
    const state = v !== undefined ? { v } : { vRow, vCol };
    requireFloat32('AdafactorUpdate', { param, grad, m, ...state });
    const [rows, columns] = param.shape.slice(-2) as [number, number];
    const largestIsLast = columns >= rows;
    const leading = param.shape.slice(0, -2);
    const expected: Record<string, readonly number[]> = {
      grad: param.shape,
      m: param.shape,
      v: param.shape,
      vRow: [...leading, largestIsLast ? rows : columns],
      vCol: [...leading, largestIsLast ? columns : rows],
    };
    for (const [name, info] of Object.entries({ grad, ...(m && { m }), ...state })) {
      if (info === undefined)
        throw new Error('AdafactorUpdate: expected v, or vRow and vCol, found neither.');
      if (`${info.shape}` !== `${expected[name]}`)
        throw new Error(`AdafactorUpdate: expected ${name} [${expected[name]}], got [${info.shape}].`);
    }
    if (s.momentum > 0 !== (m !== undefined))
      throw new Error(`AdafactorUpdate: m belongs to a momentum above 0, which is ${s.momentum}.`);
    for (const [name, info] of Object.entries({ param, ...(m && { m }), ...state }))
      makeWritable('AdafactorUpdate', name, backend, info as tf.TensorInfo);
    const scale =
      refusing === undefined ? s.gradientScale : scalarOf('AdafactorUpdate', backend, 'scale', refusing);
    if (refusing !== undefined && Number.isNaN(scale)) return [];
    const factored = v === undefined;
    addon().adafactor(
      backend.float32(param),
      m ? backend.float32(m) : null,
      backend.float32(factored ? (vRow as tf.TensorInfo) : v),
      factored ? backend.float32(vCol as tf.TensorInfo) : null,
      backend.float32(grad),
      factored ? sizeOf(leading) : 1,
      factored ? rows : 1,
      factored ? columns : sizeOf(param.shape),
      largestIsLast,
      s.learningRate,
      s.rho,
      s.epsilon,
      s.clippingThreshold,
      s.leastScale,
      s.momentum,
      s.weightDecay,
      scale,
    );
    return [];
  },
);

type UpdateRowsArguments = FusedArguments<
  Record<'cache' | 'rows', tf.TensorInfo> & {
    readonly [Input in 'positions' | 'cacheRows']?: tf.TensorInfo | undefined;
  },
  { readonly position?: number }
>;

/**
 * Writes rows [B, T, D] into cache [C, L, D]. Row b goes to the places from positions[b] on of the
 * cache's row cacheRows[b]. positions is int32 [B]; the attribute `position` serves all rows
 * without it. cacheRows is int32 [B]; without it row b goes to row b, and C = B.
 *
 * The cache is written in place where nothing else would see it, else a copy is. In the first case
 * the result shares the cache's data: go on with the result, and do not read the argument again.
 */
export const updateRows = fusedKernel('UpdateRows', ({ inputs, backend, attrs }: UpdateRowsArguments) => {
  const { cache, rows, positions, cacheRows } = inputs;
  const { position = 0 } = attrs ?? {};
  requireFloat32('UpdateRows', { cache, rows });
  const [cached, length, width] = cache.shape as [number, number, number];
  const [batch, steps] = rows.shape as [number, number, number];
  const fits =
    cache.shape.length === 3 &&
    `${rows.shape}` === `${[batch, steps, width]}` &&
    (cacheRows !== undefined || batch === cached);
  if (!fits)
    throw new Error(
      `UpdateRows: expected cache [C, L, D] and rows [B, T, D], B = C without cacheRows, got [${cache.shape}] and [${rows.shape}].`,
    );
  for (const [name, info] of Object.entries({ positions, cacheRows })) {
    if (info !== undefined && (info.dtype !== 'int32' || `${info.shape}` !== `${batch}`))
      throw new Error(`UpdateRows: expected ${name} int32 [${batch}], got ${info.dtype} [${info.shape}].`);
  }
  if (!(Number.isInteger(position) && position >= 0 && position + steps <= length))
    throw new Error(`UpdateRows: expected a position from 0 to ${length - steps}, got ${position}.`);
  let result: tf.TensorInfo;
  let values: Float32Array;
  if (backend.refCount(cache.dataId) === 1) {
    if (!backend.isExclusive(cache)) backend.makeExclusive(cache);
    result = backend.alias(cache, cache.shape);
    values = backend.float32(cache);
  } else {
    const copy = backend.allocate(cache.shape, 'float32');
    copy.values.set(backend.float32(cache));
    result = copy.info;
    values = copy.values;
  }
  try {
    addon().updateRows(
      values,
      backend.float32(rows),
      positions ? backend.int32(positions) : null,
      cacheRows ? backend.int32(cacheRows) : null,
      batch,
      steps,
      length,
      width,
      position,
    );
  } catch (error) {
    backend.disposeData(result.dataId);
    throw error;
  }
  return result;
});
