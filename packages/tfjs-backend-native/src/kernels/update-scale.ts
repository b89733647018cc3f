import type { TensorInfo } from '@tensorflow/tfjs';
import type { NativeBackend } from '../backend.js';
import { requireFloat32 } from './activation.js';
import { type FusedArguments, fusedKernel, sizeOf } from './kernel.js';

// These kernels decide without a read whether an update changes anything, and by how much. They
// work on scalars, here in JavaScript.

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
 * The scale of an update, a float32 scalar, from `squares` [n], the sums of squares of its
 * gradients. It is 1, or maxNorm/norm where maxNorm is above 0 and norm ≥ maxNorm: that clips the
 * gradients' common norm to maxNorm. It is NaN where a sum, or one of values [m] (if given), is not
 * finite. Norm and factor are float64 until the end.
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

/**
 * `next` where the float32 scalar `scale` is a number, `before` where it is NaN. The result shares
 * the data of one of them; nothing is copied.
 */
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

/**
 * factor · clamp(a / (b + epsilon), 0, largest) of two float32 scalars. It is NaN where the ratio
 * is. It is computed in float64 and rounded at the end.
 */
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
