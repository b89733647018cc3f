import * as tf from '@tensorflow/tfjs';
import { ConfigError } from '../errors.js';
import { hasKernel, runKernel } from '../ops/fused-kernel.js';
import { scaled, scaleInput, scaleSetting } from './clip.js';
import { Optimizer, type OptimizerConfig, type UpdatePoint } from './optimizer.js';

/** Settings of Adafactor; the defaults are optax's. */
export interface AdafactorConfig extends OptimizerConfig {
  /**
   * A tensor whose second-largest dimension is at least this keeps two vectors in place of a matrix
   * of squares (default 128).
   */
  readonly minDimSizeToFactor?: number;
  /** Exponent of the decay 1 − t^(−decayRate) of the squares (default 0.8). */
  readonly decayRate?: number;
  /** Updates that do not count in that decay, for fine-tuning (default 0). */
  readonly decayOffset?: number;
  /**
   * Whether updates are multiplied by the parameter's root mean square, at least 1e-3 (default
   * true).
   */
  readonly multiplyByParameterScale?: boolean;
  /**
   * The largest root mean square of an update before the learning rate; null for no limit (default
   * 1).
   */
  readonly clippingThreshold?: number | null;
  /** The decay of a mean of updates; 0 for none (default). */
  readonly momentum?: number;
  /** Default 0. It is multiplied neither by the learning rate nor by the parameter's scale. */
  readonly weightDecay?: number;
  /** Added to the squares (default 1e-30). */
  readonly epsilon?: number;
}

/** The least factor of multiplyByParameterScale. */
const LEAST_SCALE = 1e-3;

/**
 * Adafactor. t is the number of this update, from 1, and ρ = 1 − (t − decayOffset)^(−decayRate).
 * For each variable p alone:
 *
 *     S ← ρ·S + (1 − ρ)·(g² + ε), u = g / √S (where factored, S ≈ row ⊗ column / mean(row))
 *     u ← u / max(1, rms(u)/threshold) · learningRate · max(rms(p), 1e-3)
 *     with momentum: u ← mean of updates
 *     u ← u + weightDecay·p, p ← p − u
 *
 * State: `v_row.NAME` and `v_col.NAME` (the tensor's shape without its largest, or second-largest,
 * dimension), or `v.NAME`; and `m.NAME` with momentum. Where a checkpoint of the original stacks
 * the layers of a model, its optimizer runs on each layer alone, as this one does. Source: Shazeer
 * and Stern 2018, arXiv:1804.04235; optax 0.1.7 `adafactor`.
 */
export class Adafactor extends Optimizer {
  private readonly config: Required<Omit<AdafactorConfig, 'schedule' | 'weights'>>;

  constructor(config: AdafactorConfig) {
    super(config);
    const {
      minDimSizeToFactor = 128,
      decayRate = 0.8,
      decayOffset = 0,
      multiplyByParameterScale = true,
      clippingThreshold = 1,
      momentum = 0,
      weightDecay = 0,
      epsilon = 1e-30,
    } = config;
    for (const [name, value] of Object.entries({ minDimSizeToFactor, decayRate })) {
      if (!(value > 0)) throw new ConfigError(`Adafactor: expected a positive ${name}, got ${value}.`);
    }
    if (clippingThreshold !== null && !(clippingThreshold > 0)) {
      throw new ConfigError(
        `Adafactor: expected a positive clippingThreshold or null, got ${clippingThreshold}.`,
      );
    }
    if (!(momentum >= 0 && momentum < 1)) {
      throw new ConfigError(`Adafactor: expected a momentum from 0 to below 1, got ${momentum}.`);
    }
    for (const [name, value] of Object.entries({ decayOffset, weightDecay, epsilon })) {
      if (!(value >= 0)) throw new ConfigError(`Adafactor: expected ${name} from 0 on, got ${value}.`);
    }
    this.config = {
      minDimSizeToFactor,
      decayRate,
      decayOffset,
      multiplyByParameterScale,
      clippingThreshold,
      momentum,
      weightDecay,
      epsilon,
    };
  }

  protected override update(name: string, variable: tf.Variable, gradient: tf.Tensor, at: UpdatePoint): void {
    const { count, gradientScale } = at;
    const { decayRate, decayOffset, minDimSizeToFactor } = this.config;
    const rho = 1 - (count - decayOffset + 1) ** -decayRate;
    const axes = factoredAxes(variable.shape, minDimSizeToFactor);
    const lastTwo = variable.rank - 2;
    // The kernel factors matrices, which are the last two axes.
    if (
      hasKernel('AdafactorUpdate') &&
      (axes === undefined || Math.min(axes.largest, axes.second) === lastTwo)
    ) {
      this.updateInPlace(name, variable, gradient, axes, rho, at);
      return;
    }
    this.updatePlain(name, variable, scaled(gradient, gradientScale), axes, rho, at);
  }

  /** Updates by the kernel. It makes sure that nothing shares the memory of variable and state. */
  private updateInPlace(
    name: string,
    variable: tf.Variable,
    gradient: tf.Tensor,
    axes: FactoredAxes | undefined,
    rho: number,
    { learningRate, gradientScale }: UpdatePoint,
  ): void {
    const { clippingThreshold, multiplyByParameterScale, momentum, weightDecay, epsilon } = this.config;
    const inputs = {
      param: variable,
      grad: gradient,
      v: axes === undefined ? this.slot('v', name, variable.shape) : undefined,
      vRow: axes && this.slot('v_row', name, without(variable.shape, axes.largest)),
      vCol: axes && this.slot('v_col', name, without(variable.shape, axes.second)),
      m: momentum > 0 ? this.slot('m', name, variable.shape) : undefined,
      ...scaleInput(gradientScale),
    };
    runKernel('AdafactorUpdate', inputs, {
      ...scaleSetting(gradientScale),
      learningRate,
      rho,
      epsilon,
      clippingThreshold: clippingThreshold ?? 0,
      leastScale: multiplyByParameterScale ? LEAST_SCALE : 0,
      momentum,
      weightDecay,
    });
  }

  private updatePlain(
    name: string,
    variable: tf.Variable,
    gradient: tf.Tensor,
    axes: FactoredAxes | undefined,
    rho: number,
    at: UpdatePoint,
  ): void {
    const { clippingThreshold, multiplyByParameterScale, momentum, weightDecay } = this.config;
    let u = this.direction(name, gradient, axes, rho, at);
    let factor: tf.Tensor = tf.scalar(at.learningRate);
    if (clippingThreshold !== null) {
      factor = tf.div(factor, tf.maximum(tf.div(rootMeanSquare(u), clippingThreshold), 1));
    }
    if (multiplyByParameterScale) {
      factor = tf.mul(factor, tf.maximum(rootMeanSquare(variable), LEAST_SCALE));
    }
    u = tf.mul(u, factor);
    if (momentum > 0) {
      const m = this.slot('m', name, variable.shape);
      this.assign(m, tf.add(tf.mul(m, momentum), tf.mul(u, 1 - momentum)), at);
      u = m;
    }
    if (weightDecay > 0) u = tf.add(u, tf.mul(variable, weightDecay));
    this.assign(variable, tf.sub(variable, u), at);
  }

  /** g / √S. Updates S. */
  private direction(
    name: string,
    g: tf.Tensor,
    axes: FactoredAxes | undefined,
    rho: number,
    at: UpdatePoint,
  ): tf.Tensor {
    const { epsilon } = this.config;
    const squares = tf.add(tf.square(g), epsilon);
    const blend = (state: tf.Variable, fresh: tf.Tensor): void => {
      this.assign(state, tf.add(tf.mul(state, rho), tf.mul(fresh, 1 - rho)), at);
    };
    if (axes === undefined) {
      const v = this.slot('v', name, g.shape);
      blend(v, squares);
      return tf.mul(g, tf.rsqrt(v));
    }
    const { largest, second } = axes;
    const row = this.slot('v_row', name, without(g.shape, largest));
    const column = this.slot('v_col', name, without(g.shape, second));
    blend(row, tf.mean(squares, largest));
    blend(column, tf.mean(squares, second));
    const secondInRow = second > largest ? second - 1 : second;
    const rowFactor = tf.rsqrt(tf.div(row, tf.mean(row, secondInRow, true)));
    const columnFactor = tf.rsqrt(column);
    return tf.mul(tf.mul(g, tf.expandDims(rowFactor, largest)), tf.expandDims(columnFactor, second));
  }
}

/** The axes over which S is kept as means. */
interface FactoredAxes {
  readonly largest: number;
  readonly second: number;
}

/** A shape without one of its axes. */
function without(shape: readonly number[], axis: number): number[] {
  return shape.filter((_, i) => i !== axis);
}

/**
 * The axes of the largest and the second-largest dimension, or undefined if the tensor is not
 * factored. Of equal dimensions the later one is the larger.
 */
function factoredAxes(shape: readonly number[], minDimSize: number): FactoredAxes | undefined {
  const order = shape
    .map((_, axis) => axis)
    .sort((a, b) => (shape[a] as number) - (shape[b] as number) || a - b);
  const [second, largest] = order.slice(-2);
  if (second === undefined || largest === undefined || (shape[second] as number) < minDimSize)
    return undefined;
  return { largest, second };
}

function rootMeanSquare(x: tf.Tensor): tf.Tensor {
  return tf.sqrt(tf.mean(tf.square(x)));
}
