import type { TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import type { GpuBackend } from '../backend.js';
import type { Binding } from '../dispatcher.js';
import { fusedKernel, type KernelArguments, requireFloat32, requireShape, sizeOf } from './kernel.js';
import { requireScalar } from './update-scale.js';
import { NUMBER_TESTS, workgroupSum } from './wgsl.js';

/**
 * Makes a tensor safe to be written in place, so that nothing else changes. A variable whose data a
 * clone, a reshape or the tape has too gets a copy of its own. Throws Error for another such tensor.
 */
function makeWritable(kernelName: string, name: string, backend: GpuBackend, info: TensorInfo): void {
  if (backend.refCount(info.dataId) === 1) return;
  if (!(info instanceof tf.Variable))
    throw new Error(
      `${kernelName}: ${name} shares its data with another tensor (a clone or a reshape) and is not a tf.Variable, so it cannot be ` +
        'updated in place. Dispose the other tensor, or pass a variable.',
    );
  const copy = backend.allocate(info.shape);
  backend.copy(info, copy);
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

const input = (name: string, tensor: TensorInfo, type = 'f32'): Binding => ({
  name,
  tensor,
  access: 'in',
  type,
});
const changed = (name: string, tensor: TensorInfo): Binding => ({ name, tensor, access: 'inout' });

/** Code that stops where the scale is NaN, and else has the gradient's factor in `factor`. */
const factorOf = (hasScale: boolean) =>
  hasScale
    ? 'if (is_nan(scale[0])) { return; } let factor = bitcast<f32>(scale[0]);'
    : 'let factor = p.gradientScale;';

type AdamWArguments = KernelArguments<
  Readonly<Record<'param' | 'grad' | 'm' | 'v', TensorInfo>> & { readonly scale?: TensorInfo | undefined },
  Readonly<Record<'learningRate' | 'beta1' | 'beta2' | 'epsilon' | 'weightDecay' | 'step', number>> & {
    readonly gradientScale?: number;
  }
>;

/** One step of AdamW on param, m and v in place (arXiv:1711.05101). */
export const adamWUpdate = fusedKernel('AdamWUpdate', ({ inputs, backend, attrs }: AdamWArguments) => {
  const { param, grad, m, v, scale } = inputs;
  const { learningRate, beta1, beta2, epsilon, weightDecay, step, gradientScale = 1 } = attrs;
  requireFloat32('AdamWUpdate', { param, grad, m, v });
  for (const [name, info] of Object.entries({ grad, m, v }))
    requireShape('AdamWUpdate', name, info, param.shape);
  if (!(step >= 1)) throw new Error(`AdamWUpdate: step counts from 1, got ${step}.`);
  const hasScale = scale != null;
  if (hasScale) requireScalar('AdamWUpdate', 'scale', scale);
  for (const [name, info] of Object.entries({ param, m, v }))
    makeWritable('AdamWUpdate', name, backend, info);
  const size = sizeOf(param.shape);
  if (size === 0) return [];
  backend.dispatch({
    name: `AdamWUpdate ${hasScale}`,
    bindings: [
      changed('param', param),
      changed('m', m),
      changed('v', v),
      input('grad', grad),
      ...(hasScale ? [input('scale', scale, 'u32')] : []),
    ],
    words: { size },
    // 1 − β comes from float64: in float32, 1 − 0.999 is 1e-5 off.
    floats: {
      rate: learningRate,
      beta1,
      beta2,
      rest1: 1 - beta1,
      rest2: 1 - beta2,
      epsilon,
      decay: weightDecay,
      correct1: 1 / biasCorrection(beta1, step),
      correct2: 1 / biasCorrection(beta2, step),
      gradientScale,
    },
    declarations: () => NUMBER_TESTS,
    body: () => `
      let i = index * 256u + lane;
      if (i >= p.size) { return; }
      ${factorOf(hasScale)}
      let g = grad[i] * factor;
      let mean = p.beta1 * m[i] + p.rest1 * g;
      let square = p.beta2 * v[i] + p.rest2 * g * g;
      let w = param[i];
      m[i] = mean;
      v[i] = square;
      param[i] = w - p.rate * (mean * p.correct1 / (sqrt(square * p.correct2) + p.epsilon) + p.decay * w);`,
    workgroups: Math.ceil(size / 256),
  });
  return [];
});

/** Elements that one workgroup of a whole sum adds up, where there are several. */
const SUM_CHUNK = 4096;
const LANES = 256;

/**
 * Sums over all elements of a tensor, each a scalar. The order follows from the size alone. `values`
 * are in WGSL, from `i`.
 */
function wholeSums(
  backend: GpuBackend,
  name: string,
  inputs: readonly Binding[],
  size: number,
  values: readonly string[],
  words: Readonly<Record<string, number>> = {},
  floats: Readonly<Record<string, number>> = {},
): TensorInfo {
  const sums = values.length;
  const made = backend.allocate(sums === 1 ? [] : [sums]);
  const blocks = Math.max(1, Math.min(1024, Math.ceil(size / SUM_CHUNK)));
  const parts = blocks === 1 ? made : backend.allocate([sums, blocks]);
  const pass = (
    passName: string,
    from: readonly Binding[],
    to: TensorInfo,
    count: number,
    groups: number,
    each: readonly string[],
    more: Readonly<Record<string, number>>,
    moreFloats: Readonly<Record<string, number>>,
  ) =>
    backend.dispatch({
      name: passName,
      bindings: [...from, { name: 'sums', tensor: to, access: 'out' }],
      words: { count, blocks: groups, ...more },
      floats: moreFloats,
      lanes: LANES,
      declarations: () => workgroupSum(LANES),
      body: () => `
        ${each.map((_, s) => `var sum${s} = 0.0;`).join(' ')}
        for (var i = index * ${LANES}u + lane; i < p.count; i += p.blocks * ${LANES}u) {
          ${each.map((value, s) => `sum${s} += ${value};`).join(' ')}
        }
        ${each.map((_, s) => `sum${s} = total(lane, sum${s});`).join(' ')}
        if (lane == 0u) { ${each.map((_, s) => `sums[${s}u * p.blocks + index] = sum${s};`).join(' ')} }`,
      workgroups: groups,
    });
  pass(`sums: ${name}`, inputs, parts, size, blocks, values, words, floats);
  if (blocks > 1) {
    const each = values.map((_, s) => `parts[${s}u * p.count + i]`);
    pass(`${sums} sums of parts`, [input('parts', parts)], made, blocks, 1, each, {}, {});
    backend.disposeData(parts.dataId);
  }
  return made;
}

/** Σ x², a scalar. */
export const sumOfSquares = fusedKernel(
  'SumOfSquares',
  ({ inputs: { x }, backend }: KernelArguments<{ readonly x: TensorInfo }, object>) => {
    requireFloat32('SumOfSquares', { x });
    return wholeSums(backend, 'SumOfSquares', [input('x', x)], sizeOf(x.shape), ['x[i] * x[i]']);
  },
);

/** Attributes of AdafactorUpdate. */
export interface AdafactorSettings {
  readonly learningRate: number;
  readonly rho: number;
  readonly epsilon: number;
  /** Bound on the root mean square of the update; 0 for none. */
  readonly clippingThreshold: number;
  /** Least value of the parameter's scale, by which the step is multiplied; 0 for no such factor. */
  readonly leastScale: number;
  /** Decay of the mean of updates m; 0 for none, and then there is no m. */
  readonly momentum: number;
  readonly weightDecay: number;
  readonly gradientScale: number;
}

type AdafactorArguments = KernelArguments<
  Readonly<Record<'param' | 'grad', TensorInfo>> &
    Partial<Readonly<Record<'m' | 'v' | 'vRow' | 'vCol' | 'scale', TensorInfo | undefined>>>,
  AdafactorSettings
>;

/**
 * One step of Adafactor in place (arXiv:1804.04235). param is [.., R, C]. The state is v, of param's
 * shape, or vRow and vCol: vRow has param's shape without the larger one of its last two axes (of
 * equal ones the last counts as larger), and vCol without the other one.
 *
 * Three steps: the state of squares, the sums that scale the update, and the update itself, which
 * computes its direction again.
 */
export const adafactorUpdate = fusedKernel(
  'AdafactorUpdate',
  ({ inputs, backend, attrs: s }: AdafactorArguments) => {
    const { param, grad, m, v, vRow, vCol, scale } = inputs;
    const state: Record<string, TensorInfo | undefined> = v != null ? { v } : { vRow, vCol };
    if (v == null && (vRow == null || vCol == null))
      throw new Error('AdafactorUpdate: expected v, or vRow and vCol, found neither.');
    requireFloat32('AdafactorUpdate', { param, grad, ...state }, { m });
    const [rows, columns] =
      v != null ? [1, sizeOf(param.shape)] : (param.shape.slice(-2) as [number, number]);
    const leading = param.shape.slice(0, -2);
    const largestIsLast = columns >= rows;
    const expected: Record<string, readonly number[]> = {
      vRow: [...leading, largestIsLast ? rows : columns],
      vCol: [...leading, largestIsLast ? columns : rows],
    };
    for (const [name, info] of Object.entries({ grad, m, ...state }))
      requireShape('AdafactorUpdate', name, info, expected[name] ?? param.shape);
    if (s.momentum > 0 !== (m != null))
      throw new Error(`AdafactorUpdate: m belongs to a momentum above 0, which is ${s.momentum}.`);
    const hasScale = scale != null;
    if (hasScale) requireScalar('AdafactorUpdate', 'scale', scale);
    for (const [name, info] of Object.entries({ param, m, ...state }))
      if (info != null) makeWritable('AdafactorUpdate', name, backend, info);
    const size = sizeOf(param.shape);
    if (size === 0) return [];
    const isFactored = v == null;
    const batch = isFactored ? sizeOf(leading) : 1;
    const scaleInput = hasScale ? [input('scale', scale, 'u32')] : [];
    const variant = `${hasScale}${isFactored ? ` factored ${largestIsLast}` : ''}`;
    const common = { rho: s.rho, rest: 1 - s.rho, epsilon: s.epsilon, gradientScale: s.gradientScale };
    let rowMeans: TensorInfo | undefined;
    if (!isFactored)
      backend.dispatch({
        name: `Adafactor squares ${variant}`,
        bindings: [changed('v', v), input('grad', grad), ...scaleInput],
        words: { size },
        floats: common,
        declarations: () => NUMBER_TESTS,
        body: () => `
          let i = index * 256u + lane;
          if (i >= p.size) { return; }
          ${factorOf(hasScale)}
          let g = grad[i] * factor;
          v[i] = p.rho * v[i] + p.rest * (g * g + p.epsilon);`,
        workgroups: Math.ceil(size / 256),
      });
    else {
      // vRow has an entry for each place along the smaller axis, vCol for each along the larger.
      const [small, large] = largestIsLast ? [rows, columns] : [columns, rows];
      for (const [name, info, count, along, isRow] of [
        ['row', vRow as TensorInfo, small, large, true],
        ['column', vCol as TensorInfo, large, small, false],
      ] as const) {
        const lastIsKept = isRow !== largestIsLast;
        backend.dispatch({
          name: `Adafactor ${name} ${variant}`,
          bindings: [changed('state', info), input('grad', grad), ...scaleInput],
          words: { all: batch * count, count, along, columns, size: rows * columns },
          floats: common,
          lanes: LANES,
          declarations: () => workgroupSum(LANES) + NUMBER_TESTS,
          body: () => `
            if (index >= p.all) { return; }
            let first = (index / p.count) * p.size;
            let kept = index % p.count;
            ${hasScale ? 'let factor = bitcast<f32>(scale[0]);' : 'let factor = p.gradientScale;'}
            var sum = 0.0;
            for (var i = lane; i < p.along; i += ${LANES}u) {
              let g = grad[first + ${lastIsKept ? 'i * p.columns + kept' : 'kept * p.columns + i'}] * factor;
              sum += g * g + p.epsilon;
            }
            sum = total(lane, sum);
            if (lane == 0u ${hasScale ? '&& !is_nan(scale[0])' : ''}) {
              state[index] = p.rho * state[index] + p.rest * (sum / f32(p.along));
            }`,
          workgroups: batch * count,
        });
      }
      rowMeans = backend.allocate([batch]);
      backend.dispatch({
        name: 'Adafactor row means',
        bindings: [input('state', vRow as TensorInfo), { name: 'means', tensor: rowMeans, access: 'out' }],
        words: { batch, count: small },
        lanes: LANES,
        declarations: () => workgroupSum(LANES),
        body: () => `
          if (index >= p.batch) { return; }
          var sum = 0.0;
          for (var i = lane; i < p.count; i += ${LANES}u) { sum += state[index * p.count + i]; }
          sum = total(lane, sum);
          if (lane == 0u) { means[index] = sum / f32(p.count); }`,
        workgroups: batch,
      });
    }
    const stateInputs: Binding[] = isFactored
      ? [
          input('rows', vRow as TensorInfo),
          input('columns', vCol as TensorInfo),
          input('means', rowMeans as TensorInfo),
        ]
      : [input('v', v)];
    const direction = isFactored
      ? `fn direction(i: u32, g: f32) -> f32 {
  let b = i / (p.rowCount * p.columnCount);
  let r = (i / p.columnCount) % p.rowCount;
  let c = i % p.columnCount;
  let row = ${largestIsLast ? 'b * p.rowCount + r' : 'b * p.columnCount + c'};
  let column = ${largestIsLast ? 'b * p.columnCount + c' : 'b * p.rowCount + r'};
  return g * inverseSqrt(rows[row] / means[b]) * inverseSqrt(columns[column]);
}`
      : 'fn direction(i: u32, g: f32) -> f32 { return g * inverseSqrt(v[i]); }';
    const shape = isFactored ? { rowCount: rows, columnCount: columns } : {};
    const needsSums = s.clippingThreshold > 0 || s.leastScale > 0;
    let sums: TensorInfo | undefined;
    if (needsSums) {
      // Σ u² and Σ param², in two stages where param is large.
      const u = backend.allocate(param.shape);
      backend.dispatch({
        name: `Adafactor direction ${variant}`,
        bindings: [
          input('grad', grad),
          ...stateInputs,
          ...scaleInput,
          { name: 'u', tensor: u, access: 'out' },
        ],
        words: { size, ...shape },
        floats: { gradientScale: s.gradientScale },
        declarations: () => NUMBER_TESTS + direction,
        body: () => `
          let i = index * 256u + lane;
          if (i >= p.size) { return; }
          ${factorOf(hasScale)}
          u[i] = direction(i, grad[i] * factor);`,
        workgroups: Math.ceil(size / 256),
      });
      const from = [input('u', u), input('param', param)];
      sums = wholeSums(backend, 'Adafactor', from, size, ['u[i] * u[i]', 'param[i] * param[i]']);
      backend.disposeData(u.dataId);
    }
    backend.dispatch({
      name: `Adafactor update ${variant} ${needsSums} ${m != null} ${s.clippingThreshold > 0} ${s.leastScale > 0}`,
      bindings: [
        changed('param', param),
        ...(m != null ? [changed('m', m)] : []),
        input('grad', grad),
        ...stateInputs,
        ...(sums === undefined ? [] : [input('sums', sums)]),
        ...scaleInput,
      ],
      words: { size, ...shape },
      floats: {
        gradientScale: s.gradientScale,
        rate: s.learningRate,
        threshold: s.clippingThreshold,
        least: s.leastScale,
        momentum: s.momentum,
        restOfMomentum: 1 - s.momentum,
        decay: s.weightDecay,
      },
      declarations: () => NUMBER_TESTS + direction,
      body: () => `
        let i = index * 256u + lane;
        if (i >= p.size) { return; }
        ${factorOf(hasScale)}
        var rate = p.rate;
        ${s.clippingThreshold > 0 ? 'rate = rate / max(1.0, sqrt(sums[0] / f32(p.size)) / p.threshold);' : ''}
        ${s.leastScale > 0 ? 'rate = rate * max(p.least, sqrt(sums[1] / f32(p.size)));' : ''}
        var u = direction(i, grad[i] * factor) * rate;
        ${m != null ? 'u = p.momentum * m[i] + p.restOfMomentum * u; m[i] = u;' : ''}
        let w = param[i];
        param[i] = w - (u + p.decay * w);`,
      workgroups: Math.ceil(size / 256),
    });
    for (const info of [rowMeans, sums]) if (info !== undefined) backend.disposeData(info.dataId);
    return [];
  },
);
