import { Conv2D, type TensorInfo } from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { type ConvolutionAttributes, convolutionInfo, convolutionSizes } from './convolution.js';
import { NO_EPILOGUE } from './epilogue.js';
import { nativeKernel, runOnCpu } from './kernel.js';

/**
 * Convolution of x [B,H,W,C] with filter [h,w,C,D]. float32 NHWC runs natively, the rest on the cpu
 * kernel.
 */
export const conv2D = nativeKernel(Conv2D, (args) => {
  const { x, filter } = args.inputs as { x: TensorInfo; filter: TensorInfo };
  const attrs = args.attrs as unknown as ConvolutionAttributes;
  if (attrs.dataFormat !== 'NHWC' || x.dtype !== 'float32' || filter.dtype !== 'float32') {
    return runOnCpu(Conv2D, args);
  }
  const convInfo = convolutionInfo(x.shape, filter.shape, attrs);
  const { backend } = args;
  const { info, values } = backend.allocate(convInfo.outShape, 'float32');
  const sizes = convolutionSizes(convInfo, NO_EPILOGUE.activation);
  addon().conv2d(
    values,
    backend.float32(x),
    backend.float32(filter),
    sizes,
    NO_EPILOGUE.bias,
    NO_EPILOGUE.leak,
  );
  return info;
});
