import type { TensorInfo } from '@tensorflow/tfjs';
import type { NativeBackend } from '../backend.js';
import { requireFloat32 } from './activation.js';
import { type FusedArguments, fusedKernel, sizeOf } from './kernel.js';

// Whether and how far an update changes anything, decided without a read: scalars, computed here.

/** The value of a kernel's input `name`, a float32 scalar. */
export function scalarOf(kernelName: string, backend: NativeBackend, name: string, info: TensorInfo): number {
  requireFloat32(kernelName, { [name]: info });
  if (sizeOf(info.shape) !== 1)
    throw new Error(`${kernelName}: expected ${name} to be a scalar, got [${info.shape}].`);
  return backend.float32(info)[0] as number;
}

type UpdateScaleArguments = FusedArguments<
  { readonly squares: TensorInfo; readonly values?: TensorInfo | undefined },
  { readonly maxNorm: number }
>;

/**
 * The scale of an update, a float32 scalar, from sums of squares [n] of its gradients: with attribute maxNorm above 0 what clips their common norm to it,
 * maxNorm/norm where norm ≥ maxNorm, else 1; NaN where a sum, or one of values [m]?, is not finite. Norm and factor are float64 until the end.
 */
export const updateScale = fusedKernel(
  'UpdateScale',
  ({ inputs, backend, attrs: { maxNorm } }: UpdateScaleArguments) => {
    const { squares, values } = inputs;
    requireFloat32('UpdateScale', { squares, values });
    if (squares.shape.length !== 1 || (values && values.shape.length !== 1))
      throw new Error(
        `UpdateScale: expected squares [n] and values [m], got [${squares.shape}] and ${values ? `[${values.shape}]` : 'none'}.`,
      );
    let total = 0;
    for (const square of backend.float32(squares)) total += square;
    const norm = Math.sqrt(total);
    const finite = Number.isFinite(norm) && (!values || backend.float32(values).every(Number.isFinite));
    const y = backend.allocate([], 'float32');
    y.values[0] = !finite ? Number.NaN : maxNorm > 0 && norm >= maxNorm ? maxNorm / norm : 1;
    return y.info;
  },
);

type IfAcceptedArguments = FusedArguments<Record<'scale' | 'next' | 'before', TensorInfo>>;

/** next where the float32 scalar scale is a number, before where it is NaN: one of both as it is, not a copy. */
export const ifAccepted = fusedKernel('IfAccepted', ({ inputs, backend }: IfAcceptedArguments) => {
  const { scale, next, before } = inputs;
  if (`${next.shape}` !== `${before.shape}` || next.dtype !== before.dtype)
    throw new Error(
      `IfAccepted: expected next and before alike, got ${next.dtype} [${next.shape}] and ${before.dtype} [${before.shape}].`,
    );
  const refused = Number.isNaN(scalarOf('IfAccepted', backend, 'scale', scale));
  return backend.alias(refused ? before : next, next.shape);
});

type ClampedRatioArguments = FusedArguments<
  Record<'a' | 'b', TensorInfo>,
  Readonly<Record<'epsilon' | 'largest' | 'factor', number>>
>;

/** factor · clamp(a / (b + epsilon), 0, largest) of two float32 scalars; NaN where the ratio is. Float64 until the end. */
export const clampedRatio = fusedKernel(
  'ClampedRatio',
  ({ inputs: { a, b }, backend, attrs: { epsilon, largest, factor } }: ClampedRatioArguments) => {
    const above = scalarOf('ClampedRatio', backend, 'a', a);
    const ratio = above / (scalarOf('ClampedRatio', backend, 'b', b) + epsilon);
    const y = backend.allocate([], 'float32');
    y.values[0] = factor * Math.min(Math.max(ratio, 0), largest);
    return y.info;
  },
);
