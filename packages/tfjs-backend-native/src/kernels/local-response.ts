import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';

interface Attributes {
  readonly depthRadius: number;
  readonly bias: number;
  readonly alpha: number;
  readonly beta: number;
}

type Sizes = [channels: number, radius: number, bias: number, alpha: number, beta: number];

function sizesOf(shape: readonly number[], attrs: Record<string, unknown>): Sizes {
  const { depthRadius, bias, alpha, beta } = attrs as unknown as Attributes;
  return [shape[3] as number, depthRadius, bias, alpha, beta];
}

/** Whether all are float32 and have elements. */
const isNative = (...tensors: tf.TensorInfo[]) =>
  tensors.every(({ dtype, shape }) => dtype === 'float32' && sizeOf(shape) > 0);

const localResponse = nativeKernel(tf.LRN, (args) => {
  const { backend, attrs } = args;
  const { x } = args.inputs as { x: tf.TensorInfo };
  const { depthRadius } = attrs as unknown as Attributes;
  if (!isNative(x) || !Number.isInteger(depthRadius)) return runOnCpu(tf.LRN, args);
  const y = backend.allocate(x.shape, 'float32');
  addon().localResponse(y.values, backend.float32(x), ...sizesOf(x.shape, attrs));
  return y.info;
});

const localResponseGrad = nativeKernel(tf.LRNGrad, (args) => {
  const { backend, attrs } = args;
  const { x, y, dy } = args.inputs as Record<'x' | 'y' | 'dy', tf.TensorInfo>;
  const { depthRadius } = attrs as unknown as Attributes;
  if (!isNative(x, y, dy) || !Number.isInteger(depthRadius)) return runOnCpu(tf.LRNGrad, args);
  const dx = backend.allocate(x.shape, 'float32');
  const values = [dy, x, y].map((info) => backend.float32(info)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  addon().localResponseGrad(dx.values, ...values, ...sizesOf(x.shape, attrs));
  return dx.info;
});

/** Local response normalisation and its gradient. */
export const localResponseKernels: readonly NativeKernel[] = [localResponse, localResponseGrad];
