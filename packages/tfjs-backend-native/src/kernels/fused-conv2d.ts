import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { requireFloat32 } from './activation.js';
import { type ConvolutionAttributes, convolutionInfo, convolutionSizes } from './convolution.js';
import { planEpilogue } from './epilogue.js';
import { type FusedArguments, fusedKernel, nativeKernel, requireShape, runOnCpu } from './kernel.js';

/**
 * activation(convolution + bias) of x [B,H,W,C] with filter [h,w,C,D]. float32 NHWC runs natively,
 * the rest on the cpu kernel.
 */
export const fusedConv2D = nativeKernel(tf.FusedConv2D, (args) => {
  const { x, filter } = args.inputs as { x: tf.TensorInfo; filter: tf.TensorInfo };
  const { bias, preluActivationWeights } = args.inputs as Record<string, tf.TensorInfo | undefined>;
  const attrs = args.attrs as unknown as ConvolutionAttributes & {
    activation?: string;
    leakyreluAlpha?: number;
  };
  if (attrs.dataFormat !== 'NHWC' || x.dtype !== 'float32' || filter.dtype !== 'float32') {
    return runOnCpu(tf.FusedConv2D, args);
  }
  const convInfo = convolutionInfo(x.shape, filter.shape, attrs);
  const { backend } = args;
  const epilogue = planEpilogue(
    backend,
    { bias, activation: attrs.activation, preluWeights: preluActivationWeights, leak: attrs.leakyreluAlpha },
    convInfo.outChannels,
  );
  const { info, values } = backend.allocate(convInfo.outShape, 'float32');
  const { activation, bias: nativeBias, leak } = epilogue.native;
  const sizes = convolutionSizes(convInfo, activation);
  addon().conv2d(values, backend.float32(x), backend.float32(filter), sizes, nativeBias, leak);
  return epilogue.rest(info);
});

type ConvolutionArguments = FusedArguments<
  Record<'x' | 'filter', tf.TensorInfo> & { bias?: tf.TensorInfo | undefined },
  Pick<ConvolutionAttributes, 'strides' | 'pad' | 'dilations'> & { dataFormat: 'NHWC' }
>;

/**
 * FusedConv2D under another name and with this activation. A kernel with a name of its own can have
 * a gradient of its own, which saves what it needs.
 */
const named = <Name extends string>(kernelName: Name, activation: string) =>
  fusedKernel(kernelName, (args: ConvolutionArguments) => {
    const { x, filter, bias } = args.inputs;
    requireFloat32(kernelName, { x, filter, bias });
    if (x.shape.length !== 4 || filter.shape.length !== 4)
      throw new Error(
        `${kernelName}: expected x [B, H, W, I] and filter [h, w, I, O], got [${x.shape}] and [${filter.shape}].`,
      );
    requireShape(kernelName, 'bias', bias, [filter.shape[3] as number]);
    const attrs = { ...args.attrs, activation };
    return fusedConv2D.kernelFunc({
      ...args,
      attrs,
    } as unknown as Parameters<tf.KernelFunc>[0]) as tf.TensorInfo;
  });

/** A convolution, with a bias if one is given. */
export const biasedConv2D = named('BiasedConv2D', 'linear');

/** A convolution, with a bias if one is given, then relu. */
export const reluConv2D = named('ReluConv2D', 'relu');
