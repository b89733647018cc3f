import * as tf from '@tensorflow/tfjs';
import { ConfigError } from '../errors.js';
import { hasKernel, runKernel } from '../ops/fused-kernel.js';
import { scaled, scaleInput, scaleSetting } from './clip.js';
import { Optimizer, type OptimizerConfig, type UpdatePoint } from './optimizer.js';

/** Settings of AdamW. */
export interface AdamWConfig extends OptimizerConfig {
  /** Decay of the mean of gradients (default 0.9). */
  readonly beta1?: number;
  /** Decay of the mean of squared gradients (default 0.999). */
  readonly beta2?: number;
  /** Added to the root (default 1e-8). */
  readonly epsilon?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** Which variables decay, by name (default all). */
  readonly decayFilter?: (name: string) => boolean;
}

/**
 * AdamW. t is the number of this update, from 1:
 *
 *     m ← β₁·m + (1 − β₁)·g        v ← β₂·v + (1 − β₂)·g²
 *     u = (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε) + weightDecay·p        p ← p − learningRate·u
 *
 * State: `m.NAME` and `v.NAME`, of each variable's shape. Source: Loshchilov and Hutter 2017,
 * arXiv:1711.05101; optax 0.1.7 `adamw`.
 */
export class AdamW extends Optimizer {
  private readonly config: Required<Omit<AdamWConfig, 'schedule' | 'weights'>>;

  constructor(config: AdamWConfig) {
    super(config);
    const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0, decayFilter = () => true } = config;
    for (const [name, value] of Object.entries({ beta1, beta2 })) {
      if (!(value >= 0 && value < 1)) {
        throw new ConfigError(`AdamW: expected ${name} from 0 to below 1, got ${value}.`);
      }
    }
    for (const [name, value] of Object.entries({ epsilon, weightDecay })) {
      if (!(value >= 0)) throw new ConfigError(`AdamW: expected ${name} from 0 on, got ${value}.`);
    }
    this.config = { beta1, beta2, epsilon, weightDecay, decayFilter };
  }

  protected override update(name: string, variable: tf.Variable, gradient: tf.Tensor, at: UpdatePoint): void {
    const { learningRate, count, gradientScale } = at;
    const { beta1, beta2, epsilon, decayFilter } = this.config;
    const weightDecay = decayFilter(name) ? this.config.weightDecay : 0;
    const m = this.slot('m', name, variable.shape);
    const v = this.slot('v', name, variable.shape);
    const step = count + 1;
    if (hasKernel('AdamWUpdate')) {
      // The kernel updates in place. It makes sure that nothing shares the memory of these three.
      const inputs = { param: variable, grad: gradient, m, v, ...scaleInput(gradientScale) };
      const settings = { learningRate, beta1, beta2, epsilon, weightDecay, step };
      runKernel('AdamWUpdate', inputs, { ...settings, ...scaleSetting(gradientScale) });
      return;
    }
    const g = scaled(gradient, gradientScale);
    this.assign(m, tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1)), at);
    this.assign(v, tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2)), at);
    const root = tf.add(tf.sqrt(tf.div(v, biasCorrection(beta2, step))), epsilon);
    const direction = tf.div(tf.div(m, biasCorrection(beta1, step)), root);
    const decayed = weightDecay === 0 ? direction : tf.add(direction, tf.mul(variable, weightDecay));
    this.assign(variable, tf.sub(variable, tf.mul(decayed, learningRate)), at);
  }
}

/**
 * 1 − βᵗ in float32 steps, as optax rounds it. For β₂ = 0.999 that is 1e-5 from the exact value at
 * first.
 */
function biasCorrection(beta: number, step: number): number {
  return Math.fround(1 - Math.fround(Math.fround(beta) ** step));
}
