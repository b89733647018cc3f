import * as tf from '@tensorflow/tfjs';
import { ConfigError, didYouMean } from '../errors.js';
import type { KernelAttributes } from '../kernel-contract/types.js';
import { gradientsOf, hasKernel, registerGradientOnce, runKernel } from './fused-kernel.js';

/** An elementwise function of float32 tensors of any shape. */
export type Activation = <T extends tf.Tensor>(x: T) => T;

/**
 * gelu(x) = x/2·(1 + erf(x/√2)), the exact form. Source: Hendrycks and Gimpel 2016,
 * arXiv:1606.08415.
 */
export function gelu<T extends tf.Tensor>(x: T): T {
  return hasKernel('Gelu') ? (runKernel('Gelu', { x }, { approximate: false })[0] as T) : plainGelu(x);
}

/** gelu in tfjs operations. */
export function plainGelu<T extends tf.Tensor>(x: T): T {
  return tf.tidy(() => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)) as T);
}

/**
 * geluTanh(x) = x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))), "gelu_new" of transformers. Source:
 * arXiv:1606.08415 §2.
 */
export function geluTanh<T extends tf.Tensor>(x: T): T {
  return hasKernel('Gelu') ? (runKernel('Gelu', { x }, { approximate: true })[0] as T) : plainGeluTanh(x);
}

/** geluTanh in tfjs operations. */
export function plainGeluTanh<T extends tf.Tensor>(x: T): T {
  return tf.tidy(() => {
    const cubic = tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715));
    return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(tf.mul(cubic, Math.sqrt(2 / Math.PI))), 1)) as T;
  });
}

/** silu(x) = x·σ(x), also called swish. Source: Elfwing et al. 2017, arXiv:1702.03118. */
export function silu<T extends tf.Tensor>(x: T): T {
  return hasKernel('Silu') ? (runKernel('Silu', { x })[0] as T) : plainSilu(x);
}

/** silu in tfjs operations. */
export function plainSilu<T extends tf.Tensor>(x: T): T {
  return tf.tidy(() => tf.mul(x, tf.sigmoid(x)) as T);
}

registerGradientOnce({
  kernelName: 'Gelu',
  inputsToSave: ['x'],
  gradFunc: (dys, saved, attrs) => {
    const [x] = saved as [tf.Tensor];
    const dy = dys as tf.Tensor;
    const plain = attrs.approximate ? plainGeluTanh : plainGelu;
    return { x: () => elementwiseGradient(() => runKernel('GeluGrad', { dy, x }, attrs), plain, dy, x) };
  },
});

registerGradientOnce({
  kernelName: 'Silu',
  inputsToSave: ['x'],
  gradFunc: (dys, saved) => {
    const [x] = saved as [tf.Tensor];
    const dy = dys as tf.Tensor;
    return { x: () => elementwiseGradient(() => runKernel('SiluGrad', { dy, x }), plainSilu, dy, x) };
  },
});

function elementwiseGradient(
  fused: () => tf.Tensor[],
  plain: Activation,
  dy: tf.Tensor,
  x: tf.Tensor,
): tf.Tensor {
  return gradientsOf(fused, (input) => plain(input as tf.Tensor), [x], dy)[0] as tf.Tensor;
}

/** quickGelu(x) = x·σ(1.702·x). Source: QuickGELUActivation of transformers. */
export function quickGelu<T extends tf.Tensor>(x: T): T {
  return tf.tidy(() => tf.mul(x, tf.sigmoid(tf.mul(x, 1.702))) as T);
}

/** relu(x) = max(x, 0). */
export function relu<T extends tf.Tensor>(x: T): T {
  return tf.relu(x);
}

/** The activations that products and gates compute in the same pass. */
export type FusableActivation = KernelAttributes<'GatedActivation'>['activation'];

/** Fusable activations as operations of their own. */
export const FUSABLE_ACTIVATIONS: Readonly<Record<FusableActivation, Activation>> = {
  relu,
  gelu,
  gelu_tanh: geluTanh,
  silu,
};

/** The fusable activation that is the operation f, or undefined if none is. */
export function fusableActivation(f: Activation): FusableActivation | undefined {
  const entries = Object.entries(FUSABLE_ACTIVATIONS) as [FusableActivation, Activation][];
  return entries.find(([, operation]) => operation === f)?.[0];
}

/**
 * "smelu" as dalle-mini computes it, which is not the published SmeLU. It is ¼ for x ≤ −1, (x+1)²/4
 * between −1 and 1, and x from 1 on. Its gradient is 1 everywhere but at x = ±1 exactly, where it
 * is 0. Models trained with dalle-mini were trained with these. Source: dalle-mini `modeling.py`,
 * `smelu`; the published form is arXiv:2202.06499.
 */
export function smelu<T extends tf.Tensor>(x: T): T {
  const op = tf.customGrad((...args) => {
    const [input, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc];
    save([input]);
    const inside = tf.where(tf.lessEqual(input, -1), tf.zerosLike(input), input);
    const value = tf.where(tf.greaterEqual(input, 1), input, tf.mul(tf.square(tf.add(inside, 1)), 0.25));
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        tf.tidy(() => tf.mul(dy, tf.cast(tf.notEqual(tf.abs(saved[0] as tf.Tensor), 1), 'float32'))),
    };
  });
  return op(x) as T;
}

const ACTIVATIONS: ReadonlyMap<string, Activation> = new Map<string, Activation>([
  ['gelu', gelu],
  ['gelu_new', geluTanh],
  ['relu', relu],
  ['silu', silu],
  ['swish', silu],
  ['quick_gelu', quickGelu],
  ['smelu', smelu],
]);

/** The names that `activation` knows: those of transformers 4.25.1, and dalle-mini's addition. */
export const activationNames: readonly string[] = [...ACTIVATIONS.keys()];

/**
 * The activation that a config calls `name`. Throws ConfigError for a name that is not in
 * `activationNames`.
 */
export function activation(name: string): Activation {
  const found = ACTIVATIONS.get(name);
  if (found === undefined) {
    throw new ConfigError(
      `activation: expected one of ${activationNames.join(', ')}, got "${name}".${didYouMean(name, activationNames)}`,
    );
  }
  return found;
}
