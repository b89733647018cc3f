import { Conv2DBackpropInput, type TensorInfo, util } from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { type ConvolutionAttributes, convolutionInfo, convolutionSizes } from './convolution.js';
import { nativeKernel, runOnCpu } from './kernel.js';

/**
 * The gradient of a convolution with respect to its image, from dy [B,H',W',D] and filter
 * [h,w,C,D]. tf.conv2dTranspose is this kernel too.
 */
export const conv2DBackpropInput = nativeKernel(Conv2DBackpropInput, (args) => {
  const { dy, filter } = args.inputs as { dy: TensorInfo; filter: TensorInfo };
  const attrs = args.attrs as unknown as ConvolutionAttributes & {
    inputShape: [number, number, number, number];
  };
  if (attrs.dataFormat !== 'NHWC' || dy.dtype !== 'float32' || filter.dtype !== 'float32') {
    return runOnCpu(Conv2DBackpropInput, args);
  }
  const convInfo = convolutionInfo(attrs.inputShape, filter.shape, attrs);
  // tf.conv2dTranspose may pass a dy of another size than inputShape implies. The cpu kernel gives
  // that its meaning.
  if (!util.arraysEqual(dy.shape, convInfo.outShape)) return runOnCpu(Conv2DBackpropInput, args);
  const { backend } = args;
  const { info, values } = backend.allocate(convInfo.inShape, 'float32');
  addon().conv2dInputGradient(
    values,
    backend.float32(dy),
    backend.float32(filter),
    convolutionSizes(convInfo),
  );
  return info;
});
