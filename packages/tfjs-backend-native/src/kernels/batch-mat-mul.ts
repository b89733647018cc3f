import { BatchMatMul, type TensorInfo } from '@tensorflow/tfjs';
import { NO_EPILOGUE } from './epilogue.js';
import { nativeKernel, runOnCpu } from './kernel.js';
import { matrixProduct, productShape } from './matrix-product.js';

/** op(a)·op(b) with batch axes broadcast. float32 runs natively, integers on the cpu kernel. */
export const batchMatMul = nativeKernel(BatchMatMul, (args) => {
  const { a, b } = args.inputs as { a: TensorInfo; b: TensorInfo };
  const { transposeA, transposeB } = args.attrs as { transposeA: boolean; transposeB: boolean };
  if (a.dtype !== 'float32' || b.dtype !== 'float32') return runOnCpu(BatchMatMul, args);
  const shape = productShape(a.shape, b.shape, transposeA, transposeB);
  return matrixProduct(args.backend, a, b, transposeA, transposeB, shape, NO_EPILOGUE);
});
