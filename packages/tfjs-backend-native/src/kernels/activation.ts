import type { TensorInfo } from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { BINARY_OPS, type BinaryOp, UNARY_OPS, type UnaryOp } from './elementwise.js';
import { type KernelArguments, type NativeKernel, nativeKernel } from './kernel.js';

/** Says that a kernel without a form for other dtypes got one. */
export function requireFloat32(kernelName: string, inputs: Record<string, TensorInfo | undefined>): void {
  for (const [name, info] of Object.entries(inputs)) {
    if (info !== undefined && info.dtype !== 'float32')
      throw new Error(`${kernelName}: ${name} must be float32, got ${info.dtype}; cast it first.`);
  }
}

function forward(kernelName: string, op: (attrs: Record<string, unknown>) => UnaryOp): NativeKernel {
  return nativeKernel(kernelName, ({ inputs, backend, attrs }: KernelArguments) => {
    const { x } = inputs as { x: TensorInfo };
    requireFloat32(kernelName, { x });
    const y = backend.allocate(x.shape, 'float32');
    addon().unary(UNARY_OPS.indexOf(op(attrs ?? {})), y.values, backend.float32(x), 0, 0);
    return y.info;
  });
}

const axes = new Int32Array([0, 1, 1]);

function backward(kernelName: string, op: (attrs: Record<string, unknown>) => BinaryOp): NativeKernel {
  return nativeKernel(kernelName, ({ inputs, backend, attrs }: KernelArguments) => {
    const { dy, x } = inputs as { dy: TensorInfo; x: TensorInfo };
    requireFloat32(kernelName, { dy, x });
    if (`${dy.shape}` !== `${x.shape}`)
      throw new Error(`${kernelName}: expected dy [${x.shape}] as x, got [${dy.shape}].`);
    const dx = backend.allocate(x.shape, 'float32');
    axes[0] = dx.values.length;
    const number = BINARY_OPS.indexOf(op(attrs ?? {}));
    addon().binary(number, dx.values, backend.float32(dy), backend.float32(x), axes);
    return dx.info;
  });
}

/**
 * Gelu: x·Φ(x), or with `approximate` the tanh form 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))); Hendrycks and Gimpel 2016, arXiv:1606.08415.
 * Silu: x·σ(x). The gradients take dy and x and give dx. float32 of any shape.
 */
export const activationKernels: readonly NativeKernel[] = [
  forward('Gelu', (attrs) => (attrs.approximate ? 'geluTanh' : 'gelu')),
  backward('GeluGrad', (attrs) => (attrs.approximate ? 'geluTanhGrad' : 'geluGrad')),
  forward('Silu', () => 'silu'),
  backward('SiluGrad', () => 'siluGrad'),
];
