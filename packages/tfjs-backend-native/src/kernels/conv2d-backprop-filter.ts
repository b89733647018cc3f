import { Conv2DBackpropFilter, type TensorInfo } from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { type ConvolutionAttributes, convolutionInfo, convolutionSizes } from './convolution.js';
import { nativeKernel, runOnCpu } from './kernel.js';

/**
 * The gradient of a convolution with respect to its filter [h,w,C,D], from x [B,H,W,C] and dy
 * [B,H',W',D].
 */
export const conv2DBackpropFilter = nativeKernel(Conv2DBackpropFilter, (args) => {
  const { x, dy } = args.inputs as { x: TensorInfo; dy: TensorInfo };
  const attrs = args.attrs as unknown as ConvolutionAttributes & {
    filterShape: [number, number, number, number];
  };
  if (attrs.dataFormat !== 'NHWC' || x.dtype !== 'float32' || dy.dtype !== 'float32') {
    return runOnCpu(Conv2DBackpropFilter, args);
  }
  const convInfo = convolutionInfo(x.shape, attrs.filterShape, attrs);
  const { backend } = args;
  const { info, values } = backend.allocate(convInfo.filterShape, 'float32');
  addon().conv2dFilterGradient(values, backend.float32(x), backend.float32(dy), convolutionSizes(convInfo));
  return info;
});
