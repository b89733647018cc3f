import type { Key } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { DalleBartConfig } from './config.js';
import type { DropoutPlace } from './dropout-place.js';
import type { StackName } from './flax-place.js';
import { type Norm, normalize } from './norm-placement.js';

/** The parts around a sub-block of a layer. A part that is left out does nothing. */
export interface ResidualParts {
  readonly pre?: Norm | undefined;
  readonly post?: Norm | undefined;
  readonly end?: Norm | undefined;
  readonly dropout?: DropoutPlace;
  /** Factor of the residual: 1 except with DeepNet. */
  readonly gain: number;
}

/** x → end(gain·x + dropout(post(block(pre(x))))). */
export class Residual {
  private readonly parts: ResidualParts;

  constructor(parts: ResidualParts) {
    this.parts = parts;
  }

  /** x and the result of `block`: float32 [B, T, D]. */
  around(
    x: tf.Tensor3D,
    dropoutKey: Key | undefined,
    block: (normed: tf.Tensor3D) => tf.Tensor3D,
  ): tf.Tensor3D {
    const { pre, post, end, dropout, gain } = this.parts;
    return tf.tidy(() => {
      const y = normalize(post, block(normalize(pre, x)));
      const dropped = dropout ? dropout.apply(y, dropoutKey) : y;
      const residual = gain === 1 ? x : tf.mul(x, gain);
      return normalize(end, tf.add(residual, dropped) as tf.Tensor3D);
    });
  }
}

/**
 * Returns DeepNet's factors for a stack: `residual` multiplies residuals, `kernel` multiplies fresh
 * kernels. Source: arXiv:2203.00555 §4.
 */
export function deepnetGains(
  config: DalleBartConfig,
  stack: StackName,
): { residual: number; kernel: number } {
  const n = config.encoderLayers;
  const m = config.decoderLayers;
  return stack === 'encoder'
    ? { residual: 0.81 * (n ** 4 * m) ** (1 / 16), kernel: 0.87 * (n ** 4 * m) ** (-1 / 16) }
    : { residual: (3 * m) ** (1 / 4), kernel: (12 * m) ** (-1 / 4) };
}

/** Returns the factor of a stack's residuals. */
export function residualGain(config: DalleBartConfig, stack: StackName): number {
  return config.useDeepnetScaling ? deepnetGains(config, stack).residual : 1;
}
