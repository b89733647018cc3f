import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { type ConvolutionAttributes, convolutionInfo, convolutionSizes } from './convolution.js';
import { planEpilogue } from './epilogue.js';
import { type KernelArguments, type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';

/** tfjs's depthwise operations are NHWC. Their attributes say so or leave it out. */
type DepthwiseAttributes = Omit<ConvolutionAttributes, 'dataFormat'>;

/**
 * tfjs's shapes of a depthwise convolution of x [B,H,W,C] with filter [h,w,C,multiplier]. Throws
 * Error, in tfjs's words, if they do not fit.
 */
const depthwiseInfo = (x: readonly number[], filter: readonly number[], attrs: DepthwiseAttributes) =>
  convolutionInfo(x, filter, { ...attrs, dataFormat: 'NHWC' }, true);

/** activation(depthwise convolution + bias). float32 runs natively, the rest on the cpu kernel. */
const forward = (kernelName: string): NativeKernel =>
  nativeKernel(kernelName, (args) => {
    const { x, filter } = args.inputs as { x: tf.TensorInfo; filter: tf.TensorInfo };
    const { bias, preluActivationWeights } = args.inputs as Record<string, tf.TensorInfo | undefined>;
    const attrs = args.attrs as unknown as DepthwiseAttributes & {
      activation?: string;
      leakyreluAlpha?: number;
    };
    if (x.dtype !== 'float32' || filter.dtype !== 'float32') return runOnCpu(kernelName, args);
    const info = depthwiseInfo(x.shape, filter.shape, attrs);
    const { backend } = args;
    const epilogue = planEpilogue(
      backend,
      {
        bias,
        activation: attrs.activation,
        preluWeights: preluActivationWeights,
        leak: attrs.leakyreluAlpha,
      },
      info.outChannels,
    );
    const y = backend.allocate(info.outShape, 'float32');
    const { activation, bias: nativeBias, leak } = epilogue.native;
    const sizes = convolutionSizes(info, activation);
    addon().depthwise(y.values, backend.float32(x), backend.float32(filter), sizes, nativeBias, leak);
    return epilogue.rest(y.info);
  });

type GradientAttributes = DepthwiseAttributes & {
  inputShape: readonly number[];
  filterShape: readonly number[];
};

/**
 * Whether dy has the shape that tfjs computes. If it is larger, the cpu kernel leaves the rest
 * unread.
 */
const fits = (dy: tf.TensorInfo, info: ReturnType<typeof depthwiseInfo>) =>
  sizeOf(dy.shape) === sizeOf(info.outShape);

/** dx [B,H,W,C] of a depthwise convolution, from dy and filter. */
const inputGradient = nativeKernel(tf.DepthwiseConv2dNativeBackpropInput, (args: KernelArguments) => {
  const { dy, filter } = args.inputs as { dy: tf.TensorInfo; filter: tf.TensorInfo };
  const attrs = args.attrs as unknown as GradientAttributes;
  const info = depthwiseInfo(attrs.inputShape, filter.shape, attrs);
  if (dy.dtype !== 'float32' || filter.dtype !== 'float32' || !fits(dy, info))
    return runOnCpu(tf.DepthwiseConv2dNativeBackpropInput, args);
  const { backend } = args;
  const dx = backend.allocate(info.inShape, 'float32');
  addon().depthwiseInputGradient(
    dx.values,
    backend.float32(dy),
    backend.float32(filter),
    convolutionSizes(info),
  );
  return dx.info;
});

/**
 * df [h,w,C,multiplier] of a depthwise convolution, from x and dy. The cpu backend's gradients in
 * tfjs 4.22.0 ignore dilations; these do not.
 */
const filterGradient = nativeKernel(tf.DepthwiseConv2dNativeBackpropFilter, (args: KernelArguments) => {
  const { x, dy } = args.inputs as { x: tf.TensorInfo; dy: tf.TensorInfo };
  const attrs = args.attrs as unknown as GradientAttributes;
  const info = depthwiseInfo(x.shape, attrs.filterShape, attrs);
  if (x.dtype !== 'float32' || dy.dtype !== 'float32' || !fits(dy, info))
    return runOnCpu(tf.DepthwiseConv2dNativeBackpropFilter, args);
  const { backend } = args;
  const df = backend.allocate(info.filterShape, 'float32');
  addon().depthwiseFilterGradient(df.values, backend.float32(x), backend.float32(dy), convolutionSizes(info));
  return df.info;
});

/** Depthwise convolution, the same with bias and activation, and its gradients. */
export const depthwiseKernels: readonly NativeKernel[] = [
  forward(tf.DepthwiseConv2dNative),
  forward(tf.FusedDepthwiseConv2D),
  inputGradient,
  filterGradient,
];
