import { backend_util } from '@tensorflow/tfjs';
import { CONVOLUTION, lengthOf } from '../addon-numbers.js';
import { NO_EPILOGUE } from './epilogue.js';

/** The shapes, strides and padding of one convolution, as tfjs computes them. */
export type ConvolutionInfo = backend_util.Conv2DInfo;

/** The attributes that tfjs's convolution kernels share. */
export interface ConvolutionAttributes {
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  readonly dataFormat: 'NHWC' | 'NCHW';
  readonly dilations?: [number, number] | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/**
 * tfjs's shapes of a convolution of x with a filter [h,w,C,D], or depthwise [h,w,C,multiplier].
 * Throws Error, in tfjs's words, if they do not fit.
 */
export function convolutionInfo(
  x: readonly number[],
  filter: readonly number[],
  { strides, pad, dataFormat, dilations, dimRoundingMode }: ConvolutionAttributes,
  depthwise = false,
): ConvolutionInfo {
  return backend_util.computeConv2DInfo(
    x as [number, number, number, number],
    filter as [number, number, number, number],
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    depthwise,
    backend_util.convertConv2DDataFormat(dataFormat),
  );
}

const sizes = new Int32Array(lengthOf(CONVOLUTION));

/**
 * The addon's sizes of a convolution. `activation` is an index into ACTIVATIONS. The next call
 * fills the same array anew.
 */
export function convolutionSizes(info: ConvolutionInfo, activation = NO_EPILOGUE.activation): Int32Array {
  sizes[CONVOLUTION.batch] = info.batchSize;
  sizes[CONVOLUTION.inHeight] = info.inHeight;
  sizes[CONVOLUTION.inWidth] = info.inWidth;
  sizes[CONVOLUTION.inChannels] = info.inChannels;
  sizes[CONVOLUTION.outHeight] = info.outHeight;
  sizes[CONVOLUTION.outWidth] = info.outWidth;
  sizes[CONVOLUTION.outChannels] = info.outChannels;
  sizes[CONVOLUTION.filterHeight] = info.filterHeight;
  sizes[CONVOLUTION.filterWidth] = info.filterWidth;
  sizes[CONVOLUTION.strideHeight] = info.strideHeight;
  sizes[CONVOLUTION.strideWidth] = info.strideWidth;
  sizes[CONVOLUTION.padTop] = info.padInfo.top;
  sizes[CONVOLUTION.padLeft] = info.padInfo.left;
  sizes[CONVOLUTION.dilationHeight] = info.dilationHeight;
  sizes[CONVOLUTION.dilationWidth] = info.dilationWidth;
  sizes[CONVOLUTION.activation] = activation;
  return sizes;
}
