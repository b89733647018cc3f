import type { TensorInfo } from '@tensorflow/tfjs';
import type { GpuBackend } from '../backend.js';
import {
  fusedKernel,
  gpuKernel,
  type KernelArguments,
  requireFloat32,
  requireInt32,
  requireShape,
  sizeOf,
} from './kernel.js';
import { workgroupMax, workgroupSum } from './wgsl.js';

const LANES = 128;
const loop = (body: string) =>
  `for (var i = lane; i < p.width; i += ${LANES}u) { let at = index * p.width + i; ${body} }`;
const input = (name: string, tensor: TensorInfo, type = 'f32') =>
  ({ name, tensor, type, access: 'in' }) as const;
const output = (name: string, tensor: TensorInfo) => ({ name, tensor, access: 'out' }) as const;

function overRows(
  backend: GpuBackend,
  name: string,
  { rows, width }: { readonly rows: number; readonly width: number },
  bindings: Parameters<GpuBackend['dispatch']>[0]['bindings'],
  body: string,
): void {
  if (rows === 0) return;
  backend.dispatch({
    name,
    bindings,
    words: { rows, width },
    lanes: LANES,
    declarations: () => workgroupSum(LANES) + workgroupMax(LANES),
    body: () => `
      if (index >= p.rows) { return; }
      ${body}`,
    workgroups: rows,
  });
}

function rowsOf(x: TensorInfo): { readonly rows: number; readonly width: number } {
  const width = x.shape[x.shape.length - 1] ?? 1;
  return { width, rows: width === 0 ? 0 : sizeOf(x.shape) / width };
}

/** `most` and Σ exp(x − most) as `sum`. */
const exponentials = (x: string) => `
      var most = -3.4028234e38;
      ${loop(`most = max(most, ${x}[at]);`)}
      most = largest(lane, most);
      var sum = 0.0;
      ${loop(`sum += exp(${x}[at] - most);`)}
      sum = total(lane, sum);`;

/** tfjs's softmax over the last axis. */
export const softmax = gpuKernel('Softmax', ({ inputs, backend, attrs }) => {
  const logits = inputs.logits as TensorInfo;
  requireLast('Softmax', logits, attrs.dim as number);
  const y = backend.allocate(logits.shape);
  const body = `${exponentials('x')}
      let factor = 1.0 / sum;
      ${loop('y[at] = exp(x[at] - most) * factor;')}`;
  overRows(backend, 'Softmax', rowsOf(logits), [input('x', logits), output('y', y)], body);
  return y;
});

/** tfjs's logarithm of softmax over the last axis. */
export const logSoftmax = gpuKernel('LogSoftmax', ({ inputs, backend, attrs }) => {
  const logits = inputs.logits as TensorInfo;
  requireLast('LogSoftmax', logits, attrs.axis as number);
  const y = backend.allocate(logits.shape);
  const body = `${exponentials('x')}
      let shift = log(sum);
      ${loop('y[at] = (x[at] - most) - shift;')}`;
  overRows(backend, 'LogSoftmax', rowsOf(logits), [input('x', logits), output('y', y)], body);
  return y;
});

function requireLast(kernelName: string, x: TensorInfo, axis: number): void {
  if (axis !== undefined && axis !== -1 && axis !== x.shape.length - 1)
    throw new Error(`${kernelName}: expected the last axis of [${x.shape}], got axis ${axis}.`);
  requireFloat32(kernelName, { x });
}

type Gradient = KernelArguments<{ readonly dy: TensorInfo; readonly y: TensorInfo }, Record<never, never>>;

/** Gradient of Softmax: y·(dy − Σ dy·y). */
export const softmaxGrad = fusedKernel('SoftmaxGrad', ({ inputs: { dy, y }, backend }: Gradient) => {
  requireFloat32('SoftmaxGrad', { dy, y });
  requireShape('SoftmaxGrad', 'dy', dy, y.shape);
  const dx = backend.allocate(y.shape);
  const body = `
      var along = 0.0;
      ${loop('along = fma(dy[at], y[at], along);')}
      along = total(lane, along);
      ${loop('dx[at] = y[at] * (dy[at] - along);')}`;
  overRows(backend, 'SoftmaxGrad', rowsOf(y), [input('dy', dy), input('y', y), output('dx', dx)], body);
  return dx;
});

/** Gradient of LogSoftmax: dy − exp(y)·Σ dy. */
export const logSoftmaxGrad = fusedKernel('LogSoftmaxGrad', ({ inputs: { dy, y }, backend }: Gradient) => {
  requireFloat32('LogSoftmaxGrad', { dy, y });
  requireShape('LogSoftmaxGrad', 'dy', dy, y.shape);
  const dx = backend.allocate(y.shape);
  const body = `
      var sum = 0.0;
      ${loop('sum += dy[at];')}
      sum = total(lane, sum);
      ${loop('dx[at] = dy[at] - exp(y[at]) * sum;')}`;
  overRows(backend, 'LogSoftmaxGrad', rowsOf(y), [input('dy', dy), input('y', y), output('dx', dx)], body);
  return dx;
});

type EntropyArguments = KernelArguments<
  Readonly<Record<'logits' | 'labels', TensorInfo>>,
  Record<never, never>
>;

function entropySizes(kernelName: string, logits: TensorInfo, labels: TensorInfo) {
  requireFloat32(kernelName, { logits });
  if (logits.shape.length !== 2)
    throw new Error(`${kernelName}: expected logits [R, V], got [${logits.shape}].`);
  const [rows, width] = logits.shape as [number, number];
  requireInt32(kernelName, 'labels', labels, [rows]);
  return { rows, width };
}

/**
 * lse = log Σ exp logits of each row and loss = lse − logits[label], without a one-hot. A label that
 * is not in 0 … V − 1 makes its loss NaN.
 */
export const sparseCrossEntropy = fusedKernel(
  'SparseCrossEntropy',
  ({ inputs: { logits, labels }, backend }: EntropyArguments) => {
    const sizes = entropySizes('SparseCrossEntropy', logits, labels);
    const [loss, lse] = [backend.allocate([sizes.rows]), backend.allocate([sizes.rows])];
    const body = `${exponentials('x')}
      if (lane == 0u) {
        let shift = log(sum);
        lse[index] = most + shift;
        let label = u32(labels[index]);
        // Bits, since a shader may take it that numbers are finite.
        var bits = 0x7fc00000u;
        if (label < p.width) { bits = bitcast<u32>((most - x[index * p.width + label]) + shift); }
        loss[index] = bits;
      }`;
    const bindings = [
      input('x', logits),
      input('labels', labels, 'i32'),
      { ...output('loss', loss), type: 'u32' },
      output('lse', lse),
    ];
    overRows(backend, 'SparseCrossEntropy', sizes, bindings, body);
    return [loss, lse] as const;
  },
);

type EntropyGradArguments = KernelArguments<
  Readonly<Record<'dloss' | 'logits' | 'labels' | 'lse', TensorInfo>>,
  Record<never, never>
>;

/** dloss·(exp(logits − lse) − [column = label]). */
export const sparseCrossEntropyGrad = fusedKernel(
  'SparseCrossEntropyGrad',
  ({ inputs: { dloss, logits, labels, lse }, backend }: EntropyGradArguments) => {
    const sizes = entropySizes('SparseCrossEntropyGrad', logits, labels);
    requireFloat32('SparseCrossEntropyGrad', { dloss, lse });
    requireShape('SparseCrossEntropyGrad', 'dloss', dloss, [sizes.rows]);
    requireShape('SparseCrossEntropyGrad', 'lse', lse, [sizes.rows]);
    const dlogits = backend.allocate(logits.shape);
    const body = `
      let d = dloss[index];
      let shift = lse[index];
      let label = u32(labels[index]);
      ${loop('y[at] = d * (exp(x[at] - shift) - select(0.0, 1.0, i == label));')}`;
    const bindings = [
      input('dloss', dloss),
      input('x', logits),
      input('labels', labels, 'i32'),
      input('lse', lse),
      output('y', dlogits),
    ];
    overRows(backend, 'SparseCrossEntropyGrad', sizes, bindings, body);
    return dlogits;
  },
);
