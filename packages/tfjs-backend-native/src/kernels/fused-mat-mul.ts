import { _FusedMatMul, type TensorInfo } from '@tensorflow/tfjs';
import { planEpilogue } from './epilogue.js';
import { nativeKernel, runOnCpu } from './kernel.js';
import { matrixProduct, productShape } from './matrix-product.js';

/**
 * activation(op(a)·op(b) + bias) with batch axes broadcast. float32 runs natively, integers on the
 * cpu kernel.
 */
export const fusedMatMul = nativeKernel(_FusedMatMul, (args) => {
  const { a, b } = args.inputs as { a: TensorInfo; b: TensorInfo };
  const { bias, preluActivationWeights } = args.inputs as Record<string, TensorInfo | undefined>;
  const { transposeA, transposeB, activation, leakyreluAlpha } = args.attrs as {
    transposeA: boolean;
    transposeB: boolean;
    activation?: string;
    leakyreluAlpha?: number;
  };
  if (a.dtype !== 'float32' || b.dtype !== 'float32') return runOnCpu(_FusedMatMul, args);
  const shape = productShape(a.shape, b.shape, transposeA, transposeB);
  const epilogue = planEpilogue(
    args.backend,
    { bias, activation, preluWeights: preluActivationWeights, leak: leakyreluAlpha },
    shape.n,
  );
  return epilogue.rest(matrixProduct(args.backend, a, b, transposeA, transposeB, shape, epilogue.native));
});
