import { backend_util, type TensorInfo } from '@tensorflow/tfjs';
import type { GpuBackend } from '../backend.js';
import { fusedKernel, gpuKernel, type KernelArguments, requireFloat32, requireShape } from './kernel.js';
import { product } from './product.js';

/** Settings of a convolution, as tfjs has them. */
export interface ConvolutionAttributes {
  readonly strides: [number, number] | number;
  readonly pad: 'same' | 'valid' | number | backend_util.ExplicitPadding;
  readonly dataFormat?: 'NHWC' | 'NCHW' | undefined;
  readonly dilations?: [number, number] | number | undefined;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil' | undefined;
}

type Info = ReturnType<typeof backend_util.computeConv2DInfo>;

function infoOf(
  kernelName: string,
  x: readonly number[],
  filter: readonly number[],
  { strides, pad, dataFormat = 'NHWC', dilations = 1, dimRoundingMode }: ConvolutionAttributes,
): Info {
  if (x.length !== 4 || filter.length !== 4 || x[3] !== filter[2] || dataFormat !== 'NHWC')
    throw new Error(
      `${kernelName}: expected x [B, H, W, I] and a filter [h, w, I, O] in NHWC, got [${x}] and [${filter}] in ${dataFormat}.`,
    );
  return backend_util.computeConv2DInfo(
    x as [number, number, number, number],
    filter as [number, number, number, number],
    strides,
    dilations,
    pad as 'same',
    dimRoundingMode,
    false,
    'channelsLast',
  );
}

const wordsOf = (info: Info) => ({
  in_h: info.inHeight,
  in_w: info.inWidth,
  in_c: info.inChannels,
  out_h: info.outHeight,
  out_w: info.outWidth,
  out_c: info.outChannels,
  filter_w: info.filterWidth,
  stride_h: info.strideHeight,
  stride_w: info.strideWidth,
  dilation_h: info.dilationHeight,
  dilation_w: info.dilationWidth,
  pad_h: info.padInfo.top,
  pad_w: info.padInfo.left,
});

/** The pixel of x that place (b, oy, ox) of the output sees through place (fy, fx) of the filter. */
const seenPixel = `
  let y = i32(oy * p.stride_h + fy * p.dilation_h) - i32(p.pad_h);
  let z = i32(ox * p.stride_w + fx * p.dilation_w) - i32(p.pad_w);
  if (y < 0 || z < 0 || y >= i32(p.in_h) || z >= i32(p.in_w)) { return 0.0; }
  return x[((b * p.in_h + u32(y)) * p.in_w + u32(z)) * p.in_c + c];`;

/** x ⋆ filter: a product of [B·H'·W', h·w·I] with [h·w·I, O], whose left side is never stored. */
function convolve(
  kernelName: string,
  backend: GpuBackend,
  { x, filter, bias }: { x: TensorInfo; filter: TensorInfo; bias?: TensorInfo | undefined },
  attrs: ConvolutionAttributes,
  activation: 'linear' | 'relu',
): TensorInfo {
  requireFloat32(kernelName, { x, filter }, { bias });
  const info = infoOf(kernelName, x.shape, filter.shape, attrs);
  requireShape(kernelName, 'bias', bias, [info.outChannels]);
  return product(backend, {
    name: 'convolution',
    m: info.batchSize * info.outHeight * info.outWidth,
    n: info.outChannels,
    k: info.filterHeight * info.filterWidth * info.inChannels,
    inputs: { x, w: filter },
    words: wordsOf(info),
    a: `
  let ox = row % p.out_w;
  let oy = (row / p.out_w) % p.out_h;
  let b = row / (p.out_w * p.out_h);
  let c = k % p.in_c;
  let fx = (k / p.in_c) % p.filter_w;
  let fy = k / (p.in_c * p.filter_w);
  ${seenPixel}`,
    b: 'return w[k * p.n + column];',
    bias: bias ?? undefined,
    activation,
    shape: info.outShape,
  });
}

type ConvolutionArguments = KernelArguments<
  { readonly x: TensorInfo; readonly filter: TensorInfo; readonly bias?: TensorInfo | undefined },
  {
    readonly strides: [number, number];
    readonly pad: 'same' | 'valid' | number | backend_util.ExplicitPadding;
    readonly dataFormat: 'NHWC';
    readonly dilations?: [number, number];
  }
>;

/** x ⋆ filter + bias, whose gradient saves no output. */
export const biasedConv2D = fusedKernel('BiasedConv2D', ({ inputs, backend, attrs }: ConvolutionArguments) =>
  convolve('BiasedConv2D', backend, inputs, attrs, 'linear'),
);

/** relu(x ⋆ filter + bias), whose gradient saves its output alone. */
export const reluConv2D = fusedKernel('ReluConv2D', ({ inputs, backend, attrs }: ConvolutionArguments) =>
  convolve('ReluConv2D', backend, inputs, attrs, 'relu'),
);

type Args = KernelArguments<Record<string, TensorInfo>, ConvolutionAttributes & Record<string, unknown>>;

type GpuKernelFunction = (args: KernelArguments) => TensorInfo | TensorInfo[];

/**
 * A kernel of tfjs's convolutions that runs here in NHWC. What is in another format, or what `run`
 * returns undefined for, is left to tfjs's kernel, `otherwise`.
 */
const inNhwc =
  (kernelName: string, run: (args: Args) => TensorInfo | undefined) => (otherwise: GpuKernelFunction) =>
    gpuKernel(kernelName, (args) => {
      const own = args as unknown as Args;
      const isOurs = (own.attrs.dataFormat ?? 'NHWC') === 'NHWC';
      return (isOurs ? run(own) : undefined) ?? otherwise(args);
    });

/** tfjs's convolution, in NHWC. */
export const conv2D = inNhwc('Conv2D', ({ inputs, backend, attrs }) => {
  const { x, filter } = inputs as { x: TensorInfo; filter: TensorInfo };
  return convolve('Conv2D', backend, { x, filter }, attrs, 'linear');
});

/** tfjs's convolution with a bias and an activation, in NHWC; other activations are left to tfjs. */
export const fusedConv2D = inNhwc('FusedConv2D', ({ inputs, backend, attrs }) => {
  const { x, filter, bias, preluActivationWeights } = inputs as Record<string, TensorInfo | undefined>;
  const activation = attrs.activation ?? 'linear';
  if (activation !== 'linear' && activation !== 'relu') return undefined;
  if (preluActivationWeights != null || (bias != null && bias.shape.length !== 1)) return undefined;
  const given = { x: x as TensorInfo, filter: filter as TensorInfo, bias };
  return convolve('FusedConv2D', backend, given, attrs, activation);
});

/** The gradient of a convolution's input: each pixel gathers from the places that saw it. */
export const conv2DBackpropInput = inNhwc('Conv2DBackpropInput', ({ inputs, backend, attrs }) => {
  const { dy, filter } = inputs as Record<'dy' | 'filter', TensorInfo>;
  requireFloat32('Conv2DBackpropInput', { dy, filter });
  const inputShape = attrs.inputShape as number[];
  const info = infoOf('Conv2DBackpropInput', inputShape, filter.shape, attrs);
  requireShape('Conv2DBackpropInput', 'dy', dy, info.outShape);
  return product(backend, {
    name: 'gradient of a convolution by its input',
    m: info.batchSize * info.inHeight * info.inWidth,
    n: info.inChannels,
    k: info.filterHeight * info.filterWidth * info.outChannels,
    inputs: { dy, w: filter },
    words: wordsOf(info),
    a: `
  let z = row % p.in_w;
  let y = (row / p.in_w) % p.in_h;
  let b = row / (p.in_w * p.in_h);
  let c = k % p.out_c;
  let fx = (k / p.out_c) % p.filter_w;
  let fy = k / (p.out_c * p.filter_w);
  let oy = i32(y + p.pad_h) - i32(fy * p.dilation_h);
  let ox = i32(z + p.pad_w) - i32(fx * p.dilation_w);
  let sh = i32(p.stride_h);
  let sw = i32(p.stride_w);
  if (oy < 0 || ox < 0 || oy % sh != 0 || ox % sw != 0) { return 0.0; }
  let r = oy / sh;
  let q = ox / sw;
  if (r >= i32(p.out_h) || q >= i32(p.out_w)) { return 0.0; }
  return dy[((b * p.out_h + u32(r)) * p.out_w + u32(q)) * p.out_c + c];`,
    b: `
  let c = k % p.out_c;
  let place = k / p.out_c;
  return w[(place * p.in_c + column) * p.out_c + c];`,
    shape: inputShape,
  });
});

/** The gradient of a convolution's filter: the pixels that each place of it saw, times dy. */
export const conv2DBackpropFilter = inNhwc('Conv2DBackpropFilter', ({ inputs, backend, attrs }) => {
  const { x, dy } = inputs as Record<'x' | 'dy', TensorInfo>;
  requireFloat32('Conv2DBackpropFilter', { x, dy });
  const filterShape = attrs.filterShape as number[];
  const info = infoOf('Conv2DBackpropFilter', x.shape, filterShape, attrs);
  requireShape('Conv2DBackpropFilter', 'dy', dy, info.outShape);
  return product(backend, {
    name: 'gradient of a convolution by its filter',
    m: info.filterHeight * info.filterWidth * info.inChannels,
    n: info.outChannels,
    k: info.batchSize * info.outHeight * info.outWidth,
    inputs: { x, dy },
    words: wordsOf(info),
    a: `
  let c = row % p.in_c;
  let fx = (row / p.in_c) % p.filter_w;
  let fy = row / (p.in_c * p.filter_w);
  let ox = k % p.out_w;
  let oy = (k / p.out_w) % p.out_h;
  let b = k / (p.out_w * p.out_h);
  ${seenPixel}`,
    b: 'return dy[k * p.n + column];',
    shape: filterShape,
  });
});
