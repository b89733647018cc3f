import {
  Adafactor,
  AdamW,
  constantSchedule,
  cosineSchedule,
  DistributedShampoo,
  exponentialSchedule,
  linearSchedule,
  type Optimizer,
  type PendingUpdate,
  readTogether,
  type Schedule,
  updateScale,
} from '@easel/core';
import { normOf, sumsOfSquares, type WeightFormat } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';
import { checkWarmup, type OptimizerSettings, type ScheduleSettings } from '../config/optimization.js';

/**
 * Makes the schedule that a config describes, for a run of so many updates. Throws ConfigError if
 * the warm-up is longer than the run.
 */
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
 * Makes the optimizer that a config describes, for these weights. `format` is the number format of
 * the weights. `groupOf` says which weights Shampoo preconditions together (see ShampooConfig).
 * Throws ConfigError for constants that the optimizer can't have.
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
 * Tensors of an update's step, beside its gradients. They stay on the device until the update has
 * been handed over.
 */
export interface StepTensors {
  /** The parts of the loss. The update is refused if one of them is not finite. */
  readonly losses: readonly tf.Tensor[];
  /** Further tensors that are read with them (default none). */
  readonly told?: readonly tf.Tensor[];
}

/** Numbers that were read after an update had been handed over. */
export interface StepNumbers {
  /** The values of each of the losses and of `told`. */
  readonly losses: readonly Float32Array[];
  readonly told: readonly Float32Array[];
  /** The common norm of the gradients before clipping. */
  readonly gradientNorm: number;
}

/**
 * Clips the gradients to a common norm (null: no clipping) and updates the weights. If a loss or a
 * gradient is not finite, weights and optimizer stay as they are. All of this is handed to the
 * device before anything is read. Then one read brings the numbers, and `check` gets them. `check`
 * must throw for numbers that are not finite; otherwise the update is counted. The gradients are
 * disposed in any case.
 */
export async function applyUpdate(
  optimizer: Optimizer,
  weights: ReadonlyMap<string, tf.Variable>,
  grads: ReadonlyMap<string, tf.Tensor>,
  { losses, told = [] }: StepTensors,
  clipNorm: number | null,
  check: (numbers: StepNumbers) => void,
): Promise<StepNumbers> {
  const squares = sumsOfSquares(grads.values());
  try {
    const scale = updateScale(squares, { maxNorm: clipNorm, finite: losses });
    const update = optimizer.begin(weights);
    for (const [name, gradient] of grads) update.take(name, gradient, scale);
    scale.dispose();
    const [sums, ...values] = await readTogether([squares, ...losses, ...told]);
    const numbers = {
      losses: values.slice(0, losses.length),
      told: values.slice(losses.length),
      gradientNorm: normOf(sums as Float32Array),
    };
    check(numbers);
    await update.finish();
    return numbers;
  } finally {
    tf.dispose([squares, ...grads.values()]);
  }
}

/**
 * An update without clipping that takes gradients while they are being computed (valueAndGrads'
 * `onGradient`), so that not all of them are in memory. From the first gradient on that is not
 * finite, the device changes nothing any more. Nothing is read before the end. The caller disposes
 * it.
 */
export class StreamedUpdate {
  private readonly pending: PendingUpdate;
  /** Sum of squares of each gradient so far. */
  private readonly squares: tf.Tensor1D[] = [];
  /**
   * 1, or NaN from the first gradient on that is not finite. It is undefined before the first
   * gradient.
   */
  private scale: tf.Scalar | undefined;

  constructor(optimizer: Optimizer, weights: ReadonlyMap<string, tf.Variable>) {
    this.pending = optimizer.begin(weights);
  }

  readonly take = (name: string, gradient: tf.Tensor): void => {
    const before = this.scale;
    const squares = sumsOfSquares([gradient]);
    this.squares.push(squares);
    this.scale = updateScale(squares, { finite: before === undefined ? [] : [before] });
    before?.dispose();
    this.pending.take(name, gradient, this.scale);
  };

  /**
   * Reads the loss and the norm of all gradients. `check` gets them, and whether any weight has
   * been changed, before the update is counted.
   */
  async finish(
    loss: tf.Tensor,
    check: (loss: number, gradientNorm: number, changed: boolean) => void,
  ): Promise<{ readonly loss: number; readonly gradientNorm: number }> {
    const read = await readTogether([loss, ...this.squares]);
    const [value, ...squares] = read.map(([number]) => number) as [number, ...number[]];
    const gradientNorm = normOf(squares.map((square) => Math.sqrt(square) ** 2)); // as a norm of norms
    check(value, gradientNorm, Number.isFinite(squares[0]));
    await this.pending.finish();
    return { loss: value, gradientNorm };
  }

  dispose(): void {
    tf.dispose([...this.squares, ...(this.scale === undefined ? [] : [this.scale])]);
  }
}
