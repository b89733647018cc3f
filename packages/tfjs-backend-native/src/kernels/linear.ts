import type { TensorInfo } from '@tensorflow/tfjs';
import { requireFloat32 } from './activation.js';
import { planEpilogue } from './epilogue.js';
import { type KernelArguments, nativeKernel, sizeOf } from './kernel.js';
import { matrixProduct } from './matrix-product.js';

/** Activations that the kernel knows; gelu_tanh is gelu's tanh form. */
const ACTIVATIONS: readonly string[] = ['linear', 'relu', 'sigmoid', 'gelu', 'gelu_tanh', 'silu'];

/**
 * y = activation(x·kernel + bias) + residual over the last axis, whatever the rank of x: no reshape to a matrix and back around the product,
 * and what follows it is done while y is in the cache.
 *
 * x: float32 [.., I]; kernel: [I, O]; bias: [O] or left out; residual and y: [.., O], residual may be left out. `activation` is one of
 * linear (the default), relu, sigmoid, gelu, gelu_tanh, silu.
 */
export const linear = nativeKernel('Linear', ({ inputs, backend, attrs }: KernelArguments) => {
  const { x, kernel, bias, residual } = inputs as Record<'x' | 'kernel', TensorInfo> & {
    bias?: TensorInfo;
    residual?: TensorInfo;
  };
  const { activation = 'linear' } = (attrs ?? {}) as { activation?: string };
  requireFloat32('Linear', { x, kernel, bias, residual });
  const [k, n] = kernel.shape as [number, number];
  if (kernel.shape.length !== 2 || x.shape.at(-1) !== k || (bias && `${bias.shape}` !== `${[n]}`))
    throw new Error(
      `Linear: expected x [.., I], kernel [I, O] and bias [O], got [${x.shape}], [${kernel.shape}] and ${bias ? `[${bias.shape}]` : 'none'}.`,
    );
  const rows = x.shape.slice(0, -1);
  const outShape = [...rows, n];
  if (residual && `${residual.shape}` !== `${outShape}`)
    throw new Error(`Linear: expected residual [${outShape}] as the result, got [${residual.shape}].`);
  if (!ACTIVATIONS.includes(activation))
    throw new Error(`Linear: expected activation to be one of ${ACTIVATIONS.join(', ')}, got ${activation}.`);
  const what = { bias, activation, preluWeights: undefined, leak: undefined };
  const epilogue = planEpilogue(backend, what, n).native;
  const shape = { outShape, m: sizeOf(rows), n, k, batch: [] };
  return matrixProduct(backend, x, kernel, false, false, shape, epilogue, residual);
});
