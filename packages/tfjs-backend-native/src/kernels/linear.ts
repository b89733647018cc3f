import type { TensorInfo } from '@tensorflow/tfjs';
import type { ActivationName } from '../addon-numbers.js';
import { MOST_PACKED_ROWS } from '../packed-matrix.js';
import { requireFloat32 } from './activation.js';
import { sameShape } from './broadcast.js';
import { NO_EPILOGUE, planEpilogue } from './epilogue.js';
import { type FusedArguments, fusedKernel, sizeOf } from './kernel.js';
import { matrixProduct, NO_BATCH } from './matrix-product.js';

/** The activations that the kernel knows. gelu_tanh is gelu's tanh form. */
const LINEAR_ACTIVATIONS = [
  'linear',
  'sigmoid',
  'relu',
  'gelu',
  'gelu_tanh',
  'silu',
] as const satisfies readonly ActivationName[];

type LinearArguments = FusedArguments<
  Record<'x' | 'kernel', TensorInfo> & Partial<Record<'bias' | 'residual', TensorInfo | undefined>>,
  { activation?: (typeof LINEAR_ACTIVATIONS)[number]; transposeKernel?: boolean }
>;

/** Whether an input is float32 or was left out. */
const isFloat32 = (info: TensorInfo | undefined) => info === undefined || info.dtype === 'float32';

/**
 * y = activation(x·kernel + bias) + residual over the last axis, for x of any rank. The product
 * needs no reshape to a matrix and back, and all that follows it is applied while y is in the
 * cache.
 *
 * x is float32 [.., I]; kernel [I, O]; bias [O]; y and residual [.., O]. bias and residual may be
 * left out. `activation` is linear (the default), relu, sigmoid, gelu, gelu_tanh or silu. With
 * `transposeKernel`, kernel is [O, I]; that form is the gradient of the other one with respect to
 * x. A packed kernel is multiplied as it is where it can be, and the result is that of its floats.
 */
export const linear = fusedKernel('Linear', ({ inputs, backend, attrs }: LinearArguments) => {
  const { x, kernel, bias, residual } = inputs;
  const { activation = 'linear', transposeKernel = false } = attrs;
  if (!isFloat32(x) || !isFloat32(kernel) || !isFloat32(bias) || !isFloat32(residual))
    requireFloat32('Linear', { x, kernel, bias, residual });
  const k = kernel.shape[transposeKernel ? 1 : 0] as number;
  const n = kernel.shape[transposeKernel ? 0 : 1] as number;
  const lastAxis = x.shape.length - 1;
  if (
    kernel.shape.length !== 2 ||
    x.shape[lastAxis] !== k ||
    (bias && (bias.shape.length !== 1 || bias.shape[0] !== n))
  )
    throw new Error(
      `Linear: expected x [.., I], kernel ${transposeKernel ? '[O, I]' : '[I, O]'} and bias [O], got [${x.shape}], [${kernel.shape}] and ${bias ? `[${bias.shape}]` : 'none'}.`,
    );
  const outShape = x.shape.slice();
  outShape[lastAxis] = n;
  if (residual && !sameShape(residual.shape, outShape))
    throw new Error(`Linear: expected residual [${outShape}] as the result, got [${residual.shape}].`);
  if (!LINEAR_ACTIVATIONS.includes(activation))
    throw new Error(
      `Linear: expected activation to be one of ${LINEAR_ACTIVATIONS.join(', ')}, got ${activation}.`,
    );
  const what = { bias, activation, preluWeights: undefined, leak: undefined };
  const epilogue = planEpilogue(backend, what, n).native;
  let m = 1;
  for (let axis = 0; axis < lastAxis; axis++) m *= x.shape[axis] as number;
  const packed = transposeKernel || m > MOST_PACKED_ROWS ? undefined : backend.packedMatrix(kernel);
  if (packed?.multiplies) {
    const y = backend.allocate(outShape, 'float32');
    packed.multiply(y.values, backend.float32(x), epilogue, residual ? backend.float32(residual) : null);
    return y.info;
  }
  const shape = { outShape, m, n, k, batch: NO_BATCH };
  return matrixProduct(backend, x, kernel, false, transposeKernel, shape, epilogue, residual);
});

type LinearKernelGradArguments = FusedArguments<Record<'x' | 'dy', TensorInfo>>;

/**
 * dkernel [I, O] = xᵀ·dy over all rows. x is float32 [.., I], and dy is [.., O] with the same
 * leading axes.
 */
export const linearKernelGrad = fusedKernel(
  'LinearKernelGrad',
  ({ inputs, backend }: LinearKernelGradArguments) => {
    const { x, dy } = inputs;
    if (!isFloat32(x) || !isFloat32(dy)) requireFloat32('LinearKernelGrad', { x, dy });
    const rows = x.shape.slice(0, -1);
    if (x.shape.length === 0 || dy.shape.length === 0 || `${rows}` !== `${dy.shape.slice(0, -1)}`)
      throw new Error(
        `LinearKernelGrad: expected x [.., I] and dy [.., O] with the same leading axes, got [${x.shape}] and [${dy.shape}].`,
      );
    const [m, n] = [x.shape.at(-1) as number, dy.shape.at(-1) as number];
    const shape = { outShape: [m, n], m, n, k: sizeOf(rows), batch: NO_BATCH };
    return matrixProduct(backend, x, dy, true, false, shape, NO_EPILOGUE);
  },
);
