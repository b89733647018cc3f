import type { TensorInfo } from '@tensorflow/tfjs';
import {
  fusedKernel,
  gpuKernel,
  type KernelArguments,
  requireFloat32,
  requireShape,
  sizeOf,
} from './kernel.js';
import { elementOf, product } from './product.js';
import { type Activation, requireActivation } from './wgsl.js';

const LINEAR_ACTIVATIONS: readonly Activation[] = ['linear', 'sigmoid', 'relu', 'gelu', 'gelu_tanh', 'silu'];

type LinearArguments = KernelArguments<
  {
    readonly x: TensorInfo;
    readonly kernel: TensorInfo;
    readonly bias?: TensorInfo | undefined;
    readonly residual?: TensorInfo | undefined;
  },
  { readonly activation?: Activation; readonly transposeKernel?: boolean }
>;

/** y = activation(x·kernel + bias) + residual over the last axis. */
export const linear = fusedKernel('Linear', ({ inputs, backend, attrs }: LinearArguments) => {
  const { x, kernel, bias, residual } = inputs;
  const { transposeKernel = false } = attrs;
  const activation = requireActivation('Linear', attrs.activation ?? 'linear', LINEAR_ACTIVATIONS);
  requireFloat32('Linear', { x, kernel }, { bias, residual });
  const k = kernel.shape[transposeKernel ? 1 : 0] as number;
  const n = kernel.shape[transposeKernel ? 0 : 1] as number;
  if (kernel.shape.length !== 2 || x.shape[x.shape.length - 1] !== k)
    throw new Error(
      `Linear: expected x [.., I] and kernel ${transposeKernel ? '[O, I]' : '[I, O]'}, got [${x.shape}] and [${kernel.shape}].`,
    );
  const leading = x.shape.slice(0, -1);
  const shape = [...leading, n];
  requireShape('Linear', 'bias', bias, [n]);
  requireShape('Linear', 'residual', residual, shape);
  return product(backend, {
    name: `linear ${transposeKernel}`,
    m: sizeOf(leading),
    n,
    k,
    inputs: { x, w: kernel },
    a: elementOf('x', ['row', 'k'], ['m', 'k'], false),
    b: elementOf('w', ['k', 'column'], ['k', 'n'], transposeKernel),
    bias: bias ?? undefined,
    residual: residual ?? undefined,
    activation,
    shape,
  });
});

/** xᵀ·dy over all rows. */
export const linearKernelGrad = fusedKernel(
  'LinearKernelGrad',
  ({
    inputs: { x, dy },
    backend,
  }: KernelArguments<{ readonly x: TensorInfo; readonly dy: TensorInfo }, Record<never, never>>) => {
    requireFloat32('LinearKernelGrad', { x, dy });
    const leading = x.shape.slice(0, -1);
    if (x.shape.length === 0 || dy.shape.length === 0 || `${leading}` !== `${dy.shape.slice(0, -1)}`)
      throw new Error(
        `LinearKernelGrad: expected x [.., I] and dy [.., O] with the same leading axes, got [${x.shape}] and [${dy.shape}].`,
      );
    const [m, n] = [x.shape.at(-1) as number, dy.shape.at(-1) as number];
    return product(backend, {
      name: 'kernel gradient',
      m,
      n,
      k: sizeOf(leading),
      inputs: { x, dy },
      a: elementOf('x', ['row', 'k'], ['m', 'k'], true),
      b: elementOf('dy', ['k', 'column'], ['k', 'n'], false),
      shape: [m, n],
    });
  },
);

/** tfjs's product of batches of matrices; leading axes of 1 are spread. */
export const batchMatMul = gpuKernel('BatchMatMul', ({ inputs, backend, attrs }) => {
  const { a, b } = inputs as Record<'a' | 'b', TensorInfo>;
  const { transposeA, transposeB } = attrs as Record<'transposeA' | 'transposeB', boolean>;
  const [m, k] = transposeA ? [a.shape.at(-1), a.shape.at(-2)] : [a.shape.at(-2), a.shape.at(-1)];
  const [inner, n] = transposeB ? [b.shape.at(-1), b.shape.at(-2)] : [b.shape.at(-2), b.shape.at(-1)];
  const leadingA = a.shape.slice(0, -2);
  const leadingB = b.shape.slice(0, -2);
  if (k !== inner) throw new Error(`BatchMatMul: the inner sizes of [${a.shape}] and [${b.shape}] differ.`);
  const leading = leadingShape(leadingA, leadingB);
  const batch = sizeOf(leading);
  // Where leading axes differ in more than one being a single matrix, tfjs spreads them before.
  const [stepA, stepB] = [leadingA, leadingB].map((axes) => (sizeOf(axes) === 1 ? 0 : 1)) as [number, number];
  if ((stepA === 1 && sizeOf(leadingA) !== batch) || (stepB === 1 && sizeOf(leadingB) !== batch))
    throw new Error(`BatchMatMul: cannot spread [${a.shape}] and [${b.shape}] over one another.`);
  const sizes = {
    stepA: stepA * (m as number) * (k as number),
    stepB: stepB * (k as number) * (n as number),
  };
  return product(backend, {
    name: `matMul ${transposeA} ${transposeB} ${stepA} ${stepB}`,
    m: m as number,
    n: n as number,
    k: k as number,
    batch,
    inputs: { a, b },
    words: sizes,
    a: elementOf('a', ['row', 'k'], ['m', 'k'], transposeA, 'block * p.stepA + '),
    b: elementOf('b', ['k', 'column'], ['k', 'n'], transposeB, 'block * p.stepB + '),
    shape: [...leading, m as number, n as number],
  });
});

function leadingShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    return x === 1 ? y : x;
  });
}
