import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../errors.js';
import { gradientsOf, hasKernel, runKernel } from './fused-kernel.js';
import { tapeIsOn } from './tape.js';

/**
 * y = (x − mean)·rsqrt(var + epsilon)·scale + bias over the last axis. The variance is biased.
 *
 * x and y are float32 [.., D]; scale and bias are [D] or undefined (1 and 0). Throws ShapeError if
 * they do not fit the last axis. Source: Ba et al. 2016, arXiv:1607.06450.
 */
export function layerNorm<T extends tf.Tensor>(
  x: T,
  scale: tf.Tensor | undefined,
  bias: tf.Tensor | undefined,
  epsilon = 1e-5,
): T {
  checkAffine('layerNorm', x, scale, bias);
  if (hasKernel('LayerNorm')) return fusedNorm(x, scale, bias, epsilon, false) as T;
  return plainLayerNorm(x, scale, bias, epsilon);
}

/**
 * layerNorm in tfjs operations. The variance is taken from differences: E[x²] − E[x]² loses digits
 * where the mean is large.
 */
export function plainLayerNorm<T extends tf.Tensor>(
  x: T,
  scale: tf.Tensor | undefined,
  bias: tf.Tensor | undefined,
  epsilon: number,
): T {
  return tf.tidy(() => {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    const variance = tf.mean(tf.square(centred), -1, true);
    return affine(tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon))), scale, bias) as T;
  });
}

/**
 * y = x·rsqrt(mean(x²) + epsilon)·scale over the last axis.
 *
 * x and y are float32 [.., D]; scale is [D] or undefined (1). Throws ShapeError if scale does not
 * fit. Source: Zhang and Sennrich 2019, arXiv:1910.07467.
 */
export function rmsNorm<T extends tf.Tensor>(x: T, scale: tf.Tensor | undefined, epsilon = 1e-5): T {
  checkAffine('rmsNorm', x, scale, undefined);
  if (hasKernel('LayerNorm')) return fusedNorm(x, scale, undefined, epsilon, true) as T;
  return plainRmsNorm(x, scale, epsilon);
}

/** rmsNorm in tfjs operations. */
export function plainRmsNorm<T extends tf.Tensor>(x: T, scale: tf.Tensor | undefined, epsilon: number): T {
  return tf.tidy(() => {
    const meanSquare = tf.mean(tf.square(x), -1, true);
    return affine(tf.mul(x, tf.rsqrt(tf.add(meanSquare, epsilon))), scale, undefined) as T;
  });
}

/**
 * Both norms by the kernels LayerNorm and LayerNormGrad. They use customGrad, since a registered
 * gradient cannot save inputs that may be missing.
 */
function fusedNorm(
  x: tf.Tensor,
  scale: tf.Tensor | undefined,
  bias: tf.Tensor | undefined,
  epsilon: number,
  rms: boolean,
): tf.Tensor {
  // Without a tape nothing is saved, and the detour through customGrad would cost more than the
  // norm of a few rows.
  if (!tapeIsOn()) return tf.tidy(() => runKernel('LayerNorm', { x, scale, bias }, { epsilon, rms })[0]);
  const hasBias = bias !== undefined;
  const inputs = [x, scale, bias].filter((tensor) => tensor !== undefined);
  const unpack = ([input, ...rest]: tf.Tensor[]) => ({
    input: input as tf.Tensor,
    factor: scale === undefined ? undefined : rest[0],
    shift: hasBias ? rest[rest.length - 1] : undefined,
  });
  const plain = (...tensors: tf.Tensor[]): tf.Tensor => {
    const { input, factor, shift } = unpack(tensors);
    return rms ? plainRmsNorm(input, factor, epsilon) : plainLayerNorm(input, factor, shift, epsilon);
  };
  const op = tf.customGrad((...args) => {
    const save = args[inputs.length] as unknown as tf.GradSaveFunc;
    const given = args.slice(0, inputs.length) as tf.Tensor[];
    const { input, factor, shift } = unpack(given);
    const named = { x: input, scale: factor, bias: shift };
    const [y, mean, rstd] = runKernel('LayerNorm', named, { epsilon, rms });
    save([...given, mean, rstd]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      const kept = saved.slice(0, inputs.length);
      const fused = (): tf.Tensor[] => {
        const { input: x, factor: scale } = unpack(kept);
        const [mean, rstd] = saved.slice(inputs.length) as [tf.Tensor, tf.Tensor];
        const [dx, dscale, dbias] = runKernel(
          'LayerNormGrad',
          { dy, x, mean, rstd, scale },
          { rms, hasBias },
        );
        const used = [dx, scale === undefined ? undefined : dscale, hasBias ? dbias : undefined];
        return used.filter((tensor) => tensor !== undefined);
      };
      return gradientsOf(fused, plain, kept, dy);
    };
    return { value: y, gradFunc };
  });
  return op(...inputs);
}

function affine(y: tf.Tensor, scale: tf.Tensor | undefined, bias: tf.Tensor | undefined): tf.Tensor {
  const scaled = scale === undefined ? y : tf.mul(y, scale);
  return bias === undefined ? scaled : tf.add(scaled, bias);
}

function checkAffine(
  op: string,
  x: tf.Tensor,
  scale: tf.Tensor | undefined,
  bias: tf.Tensor | undefined,
): void {
  const size = x.shape[x.rank - 1];
  if (size === undefined) throw new ShapeError(`${op}: expected x of rank 1 or more, got a scalar.`);
  for (const [name, tensor] of [
    ['scale', scale],
    ['bias', bias],
  ] as const) {
    if (tensor !== undefined && (tensor.rank !== 1 || tensor.shape[0] !== size)) {
      throw new ShapeError(
        `${op}: expected ${name} of shape [${size}] for x [${x.shape}], got [${tensor.shape}]. Do config and checkpoint match?`,
      );
    }
  }
}
