import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../errors.js';
import { plainSilu } from './activation.js';
import { gradientsOf, hasKernel, registerGradientOnce, runKernel } from './fused-kernel.js';

/** How groupNorm divides the channels, and whether silu follows. */
export interface GroupNormOptions {
  /** The number of groups. A group has C / groups neighbouring channels. */
  readonly groups: number;
  /** Added to the variance; VQGAN uses 1e-6 (the default). */
  readonly epsilon?: number;
  /** Applies silu to the result (default false). */
  readonly swish?: boolean;
}

/**
 * Normalises each sample over each group of neighbouring channels and all places, then applies
 * scale and bias by channel. The variance is biased.
 *
 * x and y are float32 [B, .., C]; scale and bias are [C]. Throws ShapeError if they do not fit or C
 * is not a multiple of groups. Source: Wu and He 2018, arXiv:1803.08494.
 */
export function groupNorm<T extends tf.Tensor>(
  x: T,
  scale: tf.Tensor,
  bias: tf.Tensor,
  options: GroupNormOptions,
): T {
  const { groups, epsilon = 1e-6, swish = false } = options;
  const channels = x.shape[x.rank - 1] as number;
  if (x.rank < 2 || channels % groups !== 0) {
    throw new ShapeError(
      `groupNorm: expected x [B, .., C] with C a multiple of ${groups} groups, got [${x.shape}].`,
    );
  }
  for (const [name, tensor] of [
    ['scale', scale],
    ['bias', bias],
  ] as const) {
    if (tensor.rank !== 1 || tensor.shape[0] !== channels) {
      throw new ShapeError(
        `groupNorm: expected ${name} of shape [${channels}] for x [${x.shape}], got [${tensor.shape}]. Do config and checkpoint match?`,
      );
    }
  }
  const settings = { groups, epsilon, swish };
  if (!hasKernel('GroupNorm')) return plainGroupNorm(x, scale, bias, settings);
  return tf.tidy(() => runKernel('GroupNorm', { x, scale, bias }, settings)[0] as T);
}

registerGradientOnce({
  kernelName: 'GroupNorm',
  inputsToSave: ['x', 'scale', 'bias'],
  outputsToSave: [false, true, true],
  gradFunc: (dys, saved, attrs) => {
    const [dy] = dys as [tf.Tensor];
    const [x, scale, bias, mean, rstd] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const { groups, epsilon, swish = false } = attrs;
    const [dx, dscale, dbias] = gradientsOf(
      () => runKernel('GroupNormGrad', { dy, x, mean, rstd, scale, bias }, { groups, swish }),
      (x, scale, bias) =>
        plainGroupNorm(x as tf.Tensor, scale as tf.Tensor, bias as tf.Tensor, { groups, epsilon, swish }),
      [x, scale, bias],
      dy,
    ) as [tf.Tensor, tf.Tensor, tf.Tensor];
    return { x: () => dx, scale: () => dscale, bias: () => dbias };
  },
});

/**
 * groupNorm in tfjs operations. The variance is taken from differences: E[x²] − E[x]² loses digits
 * where the mean is large.
 */
export function plainGroupNorm<T extends tf.Tensor>(
  x: T,
  scale: tf.Tensor,
  bias: tf.Tensor,
  { groups, epsilon, swish }: Required<GroupNormOptions>,
): T {
  return tf.tidy(() => {
    const batch = x.shape[0] as number;
    const channels = x.shape[x.rank - 1] as number;
    const places = x.size / Math.max(1, batch * channels);
    const grouped = tf.reshape(x, [batch, places, groups, channels / groups]);
    const centred = tf.sub(grouped, tf.mean(grouped, [1, 3], true));
    const variance = tf.mean(tf.square(centred), [1, 3], true);
    const normal = tf.reshape(tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon))), x.shape);
    const y = tf.add(tf.mul(normal, scale), bias);
    return (swish ? plainSilu(y) : y) as T;
  });
}
