import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { requireFloat32 } from './activation.js';
import { type FusedArguments, fusedKernel, type NativeKernel, nativeKernel, runOnCpu } from './kernel.js';

/**
 * Softmax and LogSoftmax over the last axis; other axes (which tfjs refuses) and dtypes go to the
 * cpu kernel.
 */
function rows(kernelName: string, axisAttr: string, run: 'softmax' | 'logSoftmax'): NativeKernel {
  return nativeKernel(kernelName, (args) => {
    const { backend, attrs } = args;
    const { logits } = args.inputs as { logits: tf.TensorInfo };
    const last = logits.shape.length - 1;
    const axis = attrs[axisAttr] as number;
    if (logits.dtype !== 'float32' || (axis !== -1 && axis !== last) || last < 0)
      return runOnCpu(kernelName, args);
    const y = backend.allocate(logits.shape, 'float32');
    if (y.values.length > 0) addon()[run](y.values, backend.float32(logits), logits.shape[last] as number);
    return y.info;
  });
}

/**
 * The gradient of Softmax, y·(dy − Σ dy·y), or of LogSoftmax, dy − exp(y)·Σ dy, over the last axis.
 * Inputs are dy and the output y.
 */
function rowsGrad<Name extends string>(kernelName: Name, run: 'softmaxGrad' | 'logSoftmaxGrad') {
  return fusedKernel(kernelName, ({ inputs, backend }: FusedArguments<Record<'dy' | 'y', tf.TensorInfo>>) => {
    const { dy, y } = inputs;
    requireFloat32(kernelName, { dy, y });
    if (`${dy.shape}` !== `${y.shape}` || y.shape.length === 0)
      throw new Error(
        `${kernelName}: expected dy and y [.., V] of one shape, got [${dy.shape}] and [${y.shape}].`,
      );
    const dx = backend.allocate(y.shape, 'float32');
    const width = y.shape[y.shape.length - 1] as number;
    if (dx.values.length > 0) addon()[run](dx.values, backend.float32(dy), backend.float32(y), width);
    return dx.info;
  });
}

function checkedRows(
  kernelName: string,
  logits: tf.TensorInfo,
  labels: tf.TensorInfo,
  perRow: Record<string, tf.TensorInfo>,
): number {
  requireFloat32(kernelName, { logits, ...perRow });
  const [count, width] = logits.shape;
  if (logits.shape.length !== 2 || labels.dtype !== 'int32' || `${labels.shape}` !== `${count}`)
    throw new Error(
      `${kernelName}: expected logits [R, V] and int32 labels [R], got [${logits.shape}] and ${labels.dtype} [${labels.shape}].`,
    );
  for (const [name, info] of Object.entries(perRow)) {
    if (`${info.shape}` !== `${count}`)
      throw new Error(`${kernelName}: expected ${name} [${count}], got [${info.shape}].`);
  }
  return width as number;
}

type CrossEntropyArguments = FusedArguments<Record<'logits' | 'labels', tf.TensorInfo>>;

/**
 * loss[r] = lse[r] − logits[r, labels[r]] with lse[r] = log Σ exp logits[r, :]. Outputs loss [R]
 * and lse [R].
 */
export const sparseCrossEntropy = fusedKernel(
  'SparseCrossEntropy',
  ({ inputs, backend }: CrossEntropyArguments) => {
    const { logits, labels } = inputs;
    const width = checkedRows('SparseCrossEntropy', logits, labels, {});
    const loss = backend.allocate([...labels.shape], 'float32');
    const lse = backend.allocate([...labels.shape], 'float32');
    if (loss.values.length > 0)
      addon().crossEntropy(loss.values, lse.values, backend.float32(logits), backend.int32(labels), width);
    return [loss.info, lse.info];
  },
);

type CrossEntropyGradArguments = FusedArguments<Record<'dloss' | 'logits' | 'labels' | 'lse', tf.TensorInfo>>;

/** dlogits[r, j] = dloss[r]·(exp(logits[r, j] − lse[r]) − [j = labels[r]]). */
export const sparseCrossEntropyGrad = fusedKernel(
  'SparseCrossEntropyGrad',
  ({ inputs, backend }: CrossEntropyGradArguments) => {
    const { dloss, logits, labels, lse } = inputs;
    const width = checkedRows('SparseCrossEntropyGrad', logits, labels, { dloss, lse });
    const dx = backend.allocate(logits.shape, 'float32');
    if (dx.values.length > 0)
      addon().crossEntropyGrad(
        dx.values,
        backend.float32(dloss),
        backend.float32(logits),
        backend.int32(labels),
        backend.float32(lse),
        width,
      );
    return dx.info;
  },
);

/** Gradient of Softmax. */
export const softmaxGrad = rowsGrad('SoftmaxGrad', 'softmaxGrad');

/** Gradient of LogSoftmax. */
export const logSoftmaxGrad = rowsGrad('LogSoftmaxGrad', 'logSoftmaxGrad');

/** Softmax and LogSoftmax on rows of logits. */
export const softmaxKernels: readonly NativeKernel[] = [
  rows(tf.Softmax, 'dim', 'softmax'),
  rows(tf.LogSoftmax, 'axis', 'logSoftmax'),
];
