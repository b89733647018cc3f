import {
  Adafactor,
  AdamW,
  clipFactor,
  constantSchedule,
  cosineSchedule,
  DistributedShampoo,
  exponentialSchedule,
  globalNorm,
  linearSchedule,
  type Optimizer,
  type PendingUpdate,
  type Schedule,
  type WeightFormat,
} from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { checkWarmup, type OptimizerSettings, type ScheduleSettings } from '../config/optimization.js';

/** The schedule that a config describes, for a run of so many updates. Throws ConfigError if the warm-up is longer than the run. */
export function createSchedule(settings: ScheduleSettings, steps: number): Schedule {
  const { learningRate, warmupSteps, offset, decay, floor, staircase } = settings;
  checkWarmup(settings, steps, 'Training');
  const common = { learningRate, warmupSteps, offset };
  switch (decay) {
    case 'none':
      return constantSchedule(common);
    case 'linear':
      return linearSchedule({ ...common, totalSteps: steps });
    case 'cosine':
      return cosineSchedule({ ...common, totalSteps: steps, floor: floor * learningRate });
    case 'exponential':
      return exponentialSchedule({
        ...common,
        transitionSteps: settings.transitionSteps ?? 1,
        decayRate: settings.decayRate ?? 1,
        staircase,
      });
  }
}

/**
 * The optimizer that a config describes, for these weights. Throws ConfigError for constants that it can't have.
 * `format`: how the weights are held. `groupOf`: which weights Shampoo preconditions together (see ShampooConfig).
 */
export function createOptimizer(
  settings: OptimizerSettings,
  schedule: Schedule,
  weights: ReadonlyMap<string, tf.Variable>,
  groupOf: (name: string) => string = () => '',
  format: WeightFormat = 'float32',
): Optimizer {
  const { name, beta1, beta2, epsilon, weightDecay, decay, clippingThreshold, shampoo } = settings;
  if (name === 'adafactor')
    return new Adafactor({ schedule, weights: format, weightDecay, clippingThreshold });
  if (name === 'shampoo')
    return new DistributedShampoo({
      schedule,
      weights: format,
      beta1,
      beta2,
      weightDecay,
      blockSize: shampoo.blockSize,
      preconditioningComputeSteps: shampoo.computeEvery,
      ...(shampoo.startStep !== null && { startPreconditioningStep: shampoo.startStep }),
      skipPreconditioningDimSizeGt: shampoo.largestDimension,
      graftType: shampoo.graft,
      nesterov: shampoo.nesterov,
      quantized: shampoo.quantized,
      groupOf,
    });
  const decayFilter = (weight: string) => decay === 'all' || (weights.get(weight)?.rank ?? 0) >= 2;
  return new AdamW({ schedule, weights: format, beta1, beta2, epsilon, weightDecay, decayFilter });
}

/**
 * Clips the gradients to a common norm (null: not at all), lets `check` see the norm, and updates the weights; returns the norm
 * before clipping. The gradients are disposed, whatever happens; if `check` throws, weights and optimizer stay as they are.
 */
export function applyUpdate(
  optimizer: Optimizer,
  weights: ReadonlyMap<string, tf.Variable>,
  grads: ReadonlyMap<string, tf.Tensor>,
  clipNorm: number | null,
  check: (norm: number) => void,
): number {
  try {
    const norm = globalNorm(grads);
    check(norm);
    optimizer.apply(weights, grads, clipNorm === null ? 1 : clipFactor(norm, clipNorm));
    return norm;
  } finally {
    tf.dispose([...grads.values()]);
  }
}

/**
 * An update without clipping that takes gradients while they are being computed (valueAndGrads' `onGradient`), so that never all are held. From the first
 * gradient on that is no number, nothing is changed any more.
 */
export class StreamedUpdate {
  readonly #pending: PendingUpdate;
  #squares = 0;
  /** Whether any weight has been changed. */
  changed = false;

  constructor(optimizer: Optimizer, weights: ReadonlyMap<string, tf.Variable>) {
    this.#pending = optimizer.begin(weights);
  }

  readonly take = (name: string, gradient: tf.Tensor): void => {
    this.#squares += globalNorm(new Map([[name, gradient]])) ** 2;
    if (!Number.isFinite(this.#squares)) return;
    this.#pending.take(name, gradient);
    this.changed = true;
  };

  /** The norm of all gradients; `check` sees it before the update is counted. */
  finish(check: (norm: number) => void): number {
    const norm = Math.sqrt(this.#squares);
    check(norm);
    this.#pending.finish();
    return norm;
  }
}
