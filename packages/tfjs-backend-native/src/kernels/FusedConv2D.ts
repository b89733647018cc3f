import { FusedConv2D, type TensorInfo } from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { type ConvolutionAttributes, convolutionInfo, convolutionSizes } from './convolution.js';
import { planEpilogue } from './epilogue.js';
import { nativeKernel, runOnCpu } from './kernel.js';

/** activation(convolution + bias) of x [B,H,W,C] with filter [h,w,C,D]; float32 NHWC natively, the rest by the cpu kernel. */
export const fusedConv2D = nativeKernel(FusedConv2D, (args) => {
  const { x, filter } = args.inputs as { x: TensorInfo; filter: TensorInfo };
  const { bias, preluActivationWeights } = args.inputs as Record<string, TensorInfo | undefined>;
  const attrs = args.attrs as unknown as ConvolutionAttributes & {
    activation?: string;
    leakyreluAlpha?: number;
  };
  if (attrs.dataFormat !== 'NHWC' || x.dtype !== 'float32' || filter.dtype !== 'float32') {
    return runOnCpu(FusedConv2D, args);
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
