import type { TensorInfo } from '@tensorflow/tfjs';
import type { Binding } from '../dispatcher.js';
import { fusedKernel, type KernelArguments, requireFloat32, sizeOf } from './kernel.js';
import { NAN_BITS, NUMBER_TESTS, workgroupMax, workgroupSum } from './wgsl.js';

/** Throws Error unless a given input is a float32 scalar. */
export function requireScalar(kernelName: string, name: string, info: TensorInfo | undefined): void {
  requireFloat32(kernelName, { [name]: info });
  if (sizeOf((info as TensorInfo).shape) !== 1)
    throw new Error(`${kernelName}: expected ${name} to be a scalar, got [${info?.shape}].`);
}

const LANES = 256;

type UpdateScaleArguments = KernelArguments<
  { readonly squares: TensorInfo; readonly values?: TensorInfo | undefined },
  { readonly maxNorm: number }
>;

/**
 * The scale of an update from the sums of squares of its gradients: 1, or maxNorm/norm where the
 * norm reaches a maxNorm above 0; NaN where a sum or one of `values` is not finite. Sums are counted
 * in units of the largest, so that the total is finite where all are.
 */
export const updateScale = fusedKernel('UpdateScale', ({ inputs, backend, attrs }: UpdateScaleArguments) => {
  const { squares, values } = inputs;
  const { maxNorm } = attrs;
  requireFloat32('UpdateScale', { squares }, { values });
  if (squares.shape.length !== 1 || (values != null && values.shape.length !== 1))
    throw new Error(
      `UpdateScale: expected squares [n] and values [m], got [${squares.shape}] and ${values == null ? 'none' : `[${values.shape}]`}.`,
    );
  const scale = backend.allocate([]);
  const bindings: Binding[] = [{ name: 'squares', tensor: squares, access: 'in', type: 'u32' }];
  if (values != null) bindings.push({ name: 'values', tensor: values, access: 'in', type: 'u32' });
  backend.dispatch({
    name: `UpdateScale ${values != null}`,
    bindings: [...bindings, { name: 'scale', tensor: scale, access: 'out', type: 'u32' }],
    words: { count: sizeOf(squares.shape), others: values == null ? 0 : sizeOf(values.shape) },
    floats: { most: maxNorm },
    lanes: LANES,
    declarations: () => workgroupSum(LANES) + workgroupMax(LANES) + NUMBER_TESTS,
    body: () => `
      var bad = 0.0;
      var unit = 1.2e-38;
      for (var i = lane; i < p.count; i += ${LANES}u) {
        if (is_finite(squares[i])) { unit = max(unit, bitcast<f32>(squares[i])); } else { bad = 1.0; }
      }
      ${values == null ? '' : `for (var i = lane; i < p.others; i += ${LANES}u) { if (!is_finite(values[i])) { bad = 1.0; } }`}
      bad = largest(lane, bad);
      unit = largest(lane, unit);
      var sum = 0.0;
      if (bad == 0.0) {
        for (var i = lane; i < p.count; i += ${LANES}u) { sum += bitcast<f32>(squares[i]) / unit; }
      }
      sum = total(lane, sum);
      if (lane == 0u) {
        let norm = sqrt(unit) * sqrt(sum);
        var factor = 1.0;
        if (p.most > 0.0 && norm >= p.most) { factor = p.most / norm; }
        scale[0] = select(${NAN_BITS}, bitcast<u32>(factor), bad == 0.0);
      }`,
    workgroups: 1,
  });
  return scale;
});

type IfAcceptedArguments = KernelArguments<Readonly<Record<'scale' | 'next' | 'before', TensorInfo>>, object>;

/** `next` where the float32 scalar `scale` is a number, `before` where it is NaN, bit for bit. */
export const ifAccepted = fusedKernel('IfAccepted', ({ inputs, backend }: IfAcceptedArguments) => {
  const { scale, next, before } = inputs;
  if (`${next?.shape}` !== `${before?.shape}` || next?.dtype !== before?.dtype)
    throw new Error(
      `IfAccepted: expected next and before alike, got ${next?.dtype} [${next?.shape}] and ${before?.dtype} [${before?.shape}].`,
    );
  requireScalar('IfAccepted', 'scale', scale);
  const y = backend.allocate(next.shape, next.dtype);
  const size = sizeOf(next.shape);
  if (size === 0) return y;
  const word = (name: string, tensor: TensorInfo) => ({ name, tensor, access: 'in', type: 'u32' }) as const;
  // One tensor may stand for both.
  const alike = next.dataId === before.dataId;
  backend.dispatch({
    name: `IfAccepted ${alike}`,
    bindings: [
      word('scale', scale),
      word('next', next),
      ...(alike ? [] : [word('before', before)]),
      { name: 'y', tensor: y, access: 'out', type: 'u32' },
    ],
    words: { size },
    declarations: () => NUMBER_TESTS,
    body: () => `
      let i = index * 256u + lane;
      if (i >= p.size) { return; }
      y[i] = ${alike ? 'next[i]' : 'select(next[i], before[i], is_nan(scale[0]))'};`,
    workgroups: Math.ceil(size / 256),
  });
  return y;
});

type ClampedRatioArguments = KernelArguments<
  Readonly<Record<'a' | 'b', TensorInfo>>,
  Readonly<Record<'epsilon' | 'largest' | 'factor', number>>
>;

/** factor · clamp(a / (b + epsilon), 0, largest) of two float32 scalars; NaN where one is NaN. */
export const clampedRatio = fusedKernel(
  'ClampedRatio',
  ({ inputs, backend, attrs }: ClampedRatioArguments) => {
    const { a, b } = inputs;
    const { epsilon, largest, factor } = attrs;
    requireScalar('ClampedRatio', 'a', a);
    requireScalar('ClampedRatio', 'b', b);
    const y = backend.allocate([]);
    const alike = a.dataId === b.dataId;
    const word = (name: string, tensor: TensorInfo) => ({ name, tensor, access: 'in', type: 'u32' }) as const;
    backend.dispatch({
      name: `ClampedRatio ${alike}`,
      bindings: [
        word('a', a),
        ...(alike ? [] : [word('b', b)]),
        { name: 'y', tensor: y, access: 'out', type: 'u32' },
      ],
      floats: { epsilon, most: largest, factor },
      lanes: 1,
      declarations: () => NUMBER_TESTS,
      body: () => `
      let divisor = ${alike ? 'a[0]' : 'b[0]'};
      let ratio = bitcast<f32>(a[0]) / (bitcast<f32>(divisor) + p.epsilon);
      let value = bitcast<u32>(p.factor * clamp(ratio, 0.0, p.most));
      let bad = is_nan(a[0]) || is_nan(divisor) || is_nan(bitcast<u32>(ratio));
      y[0] = select(value, ${NAN_BITS}, bad);`,
      workgroups: 1,
    });
    return y;
  },
);
