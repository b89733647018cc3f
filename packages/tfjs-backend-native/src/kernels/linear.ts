import type { TensorInfo } from '@tensorflow/tfjs';
import { requireFloat32 } from './activation.js';
import { NO_EPILOGUE } from './epilogue.js';
import { type KernelArguments, nativeKernel, sizeOf } from './kernel.js';
import { matrixProduct } from './matrix-product.js';

/**
 * y = x·kernel + bias over the last axis, whatever the rank of x: no reshape to a matrix and back around the product.
 *
 * x: float32 [.., I]; kernel: [I, O]; bias: [O] or left out; y: [.., O]. Forward only.
 */
export const linear = nativeKernel('Linear', ({ inputs, backend }: KernelArguments) => {
  const { x, kernel, bias } = inputs as Record<'x' | 'kernel', TensorInfo> & { bias?: TensorInfo };
  requireFloat32('Linear', { x, kernel, bias });
  const [k, n] = kernel.shape as [number, number];
  if (kernel.shape.length !== 2 || x.shape.at(-1) !== k || (bias && `${bias.shape}` !== `${[n]}`))
    throw new Error(
      `Linear: expected x [.., I], kernel [I, O] and bias [O], got [${x.shape}], [${kernel.shape}] and ${bias ? `[${bias.shape}]` : 'none'}.`,
    );
  const rows = x.shape.slice(0, -1);
  const shape = { outShape: [...rows, n], m: sizeOf(rows), n, k, batch: [] };
  const epilogue = bias ? { ...NO_EPILOGUE, bias: backend.float32(bias) } : NO_EPILOGUE;
  return matrixProduct(backend, x, kernel, false, false, shape, epilogue);
});
