import type { TensorInfo } from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { requireFloat32 } from './activation.js';
import { type FusedArguments, fusedKernel, requireShape, sizeOf } from './kernel.js';

/** The width and the number of rows of a tensor with at least one axis. */
function rowsOf(kernelName: string, x: TensorInfo): { width: number; rows: number } {
  const width = x.shape[x.shape.length - 1];
  if (width === undefined || width === 0)
    throw new Error(`${kernelName}: expected x [.., D] with D above 0, got [${x.shape}].`);
  return { width, rows: sizeOf(x.shape) / width };
}

type LayerNormArguments = FusedArguments<
  { x: TensorInfo; scale?: TensorInfo | undefined; bias?: TensorInfo | undefined },
  { epsilon: number; rms?: boolean }
>;

/**
 * Layer or RMS norm over the last axis: x [.., D], scale? [D], bias? [D] → y, mean [rows], rstd
 * [rows]. native/kernels/norm/norm.h has the formula.
 */
export const layerNorm = fusedKernel('LayerNorm', ({ inputs, backend, attrs }: LayerNormArguments) => {
  const { x, scale, bias } = inputs;
  const { epsilon, rms = false } = attrs;
  requireFloat32('LayerNorm', { x, scale, bias });
  const { width, rows } = rowsOf('LayerNorm', x);
  requireShape('LayerNorm', 'scale', scale, [width]);
  requireShape('LayerNorm', 'bias', bias, [width]);
  const y = backend.allocate(x.shape, 'float32');
  const mean = backend.allocate([rows], 'float32');
  const rstd = backend.allocate([rows], 'float32');
  addon().layerNorm(
    y.values,
    mean.values,
    rstd.values,
    backend.float32(x),
    scale ? backend.float32(scale) : null,
    bias ? backend.float32(bias) : null,
    epsilon,
    rms,
  );
  return [y.info, mean.info, rstd.info];
});

type LayerNormGradArguments = FusedArguments<
  Record<'dy' | 'x' | 'mean' | 'rstd', TensorInfo> & { scale?: TensorInfo | undefined },
  { rms?: boolean; hasBias: boolean }
>;

/**
 * The gradients of LayerNorm: dx, dscale [D] (empty if there is no scale), dbias [D] (empty unless
 * hasBias).
 */
export const layerNormGrad = fusedKernel(
  'LayerNormGrad',
  ({ inputs, backend, attrs }: LayerNormGradArguments) => {
    const { dy, x, mean, rstd, scale } = inputs;
    const { rms = false, hasBias } = attrs;
    requireFloat32('LayerNormGrad', { dy, x, mean, rstd, scale });
    const { width, rows } = rowsOf('LayerNormGrad', x);
    requireShape('LayerNormGrad', 'dy', dy, x.shape);
    requireShape('LayerNormGrad', 'mean', mean, [rows]);
    requireShape('LayerNormGrad', 'rstd', rstd, [rows]);
    requireShape('LayerNormGrad', 'scale', scale, [width]);
    const dx = backend.allocate(x.shape, 'float32');
    const dScale = backend.allocate([scale ? width : 0], 'float32');
    const dBias = backend.allocate([hasBias ? width : 0], 'float32');
    if (rows === 0) {
      dScale.values.fill(0);
      dBias.values.fill(0);
    }
    addon().layerNormGrad(
      dx.values,
      scale ? dScale.values : null,
      hasBias ? dBias.values : null,
      backend.float32(dy),
      backend.float32(x),
      backend.float32(mean),
      backend.float32(rstd),
      scale ? backend.float32(scale) : null,
      rms,
    );
    return [dx.info, dScale.info, dBias.info];
  },
);

function checkGroups(
  kernelName: string,
  x: TensorInfo,
  scale: TensorInfo,
  bias: TensorInfo,
  groups: number,
): number {
  const channels = x.shape[x.shape.length - 1] as number;
  if (x.shape.length < 2 || sizeOf(x.shape) === 0)
    throw new Error(`${kernelName}: expected x [B, .., C] that is not empty, got [${x.shape}].`);
  if (!(groups > 0) || channels % groups !== 0)
    throw new Error(`${kernelName}: groups (${groups}) must divide the ${channels} channels of x.`);
  requireShape(kernelName, 'scale', scale, [channels]);
  requireShape(kernelName, 'bias', bias, [channels]);
  return x.shape[0] as number;
}

type GroupNormArguments = FusedArguments<
  Record<'x' | 'scale' | 'bias', TensorInfo>,
  { groups: number; epsilon: number; swish?: boolean }
>;

/**
 * Group norm of x [B, .., C] (channels last), then y·σ(y) if `swish` → y, mean [B, G], rstd [B, G].
 * native/kernels/norm/norm.h has the formula.
 */
export const groupNorm = fusedKernel('GroupNorm', ({ inputs, backend, attrs }: GroupNormArguments) => {
  const { x, scale, bias } = inputs;
  const { groups, epsilon, swish = false } = attrs;
  requireFloat32('GroupNorm', { x, scale, bias });
  const batch = checkGroups('GroupNorm', x, scale, bias, groups);
  const y = backend.allocate(x.shape, 'float32');
  const mean = backend.allocate([batch, groups], 'float32');
  const rstd = backend.allocate([batch, groups], 'float32');
  addon().groupNorm(
    y.values,
    mean.values,
    rstd.values,
    backend.float32(x),
    backend.float32(scale),
    backend.float32(bias),
    batch,
    groups,
    epsilon,
    swish,
  );
  return [y.info, mean.info, rstd.info];
});

type GroupNormGradArguments = FusedArguments<
  Record<'dy' | 'x' | 'mean' | 'rstd' | 'scale' | 'bias', TensorInfo>,
  { groups: number; swish?: boolean }
>;

/** The gradients of GroupNorm: dx, dscale [C], dbias [C]. */
export const groupNormGrad = fusedKernel(
  'GroupNormGrad',
  ({ inputs, backend, attrs }: GroupNormGradArguments) => {
    const { dy, x, mean, rstd, scale, bias } = inputs;
    const { groups, swish = false } = attrs;
    requireFloat32('GroupNormGrad', { dy, x, mean, rstd, scale, bias });
    const batch = checkGroups('GroupNormGrad', x, scale, bias, groups);
    requireShape('GroupNormGrad', 'dy', dy, x.shape);
    requireShape('GroupNormGrad', 'mean', mean, [batch, groups]);
    requireShape('GroupNormGrad', 'rstd', rstd, [batch, groups]);
    const dx = backend.allocate(x.shape, 'float32');
    const dScale = backend.allocate([...scale.shape], 'float32');
    const dBias = backend.allocate([...bias.shape], 'float32');
    addon().groupNormGrad(
      dx.values,
      dScale.values,
      dBias.values,
      backend.float32(dy),
      backend.float32(x),
      backend.float32(mean),
      backend.float32(rstd),
      backend.float32(scale),
      backend.float32(bias),
      batch,
      groups,
      swish,
    );
    return [dx.info, dScale.info, dBias.info];
  },
);
