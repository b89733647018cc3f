import { backend_util } from '@tensorflow/tfjs';

/** Shapes, strides and padding of one convolution, as tfjs computes them. */
export type ConvolutionInfo = backend_util.Conv2DInfo;

/** Attributes that tfjs's convolution kernels share. */
export interface ConvolutionAttributes {
  readonly strides: [number, number] | number;
  readonly pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  readonly dataFormat: 'NHWC' | 'NCHW';
  readonly dilations?: [number, number] | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** tfjs's shapes of a convolution of x with filter, [h,w,C,D], or depthwise [h,w,C,multiplier]; throws Error, in tfjs's words, if they do not fit. */
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

const sizes = new Int32Array(16);

/** The addon's sizes of a convolution; the array is filled anew by the next call. */
export function convolutionSizes(info: ConvolutionInfo, activation: number): Int32Array {
  sizes.set([
    info.batchSize,
    info.inHeight,
    info.inWidth,
    info.inChannels,
    info.outHeight,
    info.outWidth,
    info.outChannels,
    info.filterHeight,
    info.filterWidth,
    info.strideHeight,
    info.strideWidth,
    info.padInfo.top,
    info.padInfo.left,
    info.dilationHeight,
    info.dilationWidth,
    activation,
  ]);
  return sizes;
}
