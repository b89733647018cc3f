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
 * The schedule that a config describes, for a run of so many updates. Throws ConfigError if the
 * warm-up is longer than the run.
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
 * The optimizer that a config describes, for these weights. Throws ConfigError for constants that
 * it can't have. `format`: how the weights are held. `groupOf`: which weights Shampoo preconditions
 * together (see ShampooConfig).
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
 * What an update's step tells of, beside its gradients: all of it on the device until the update
 * has been handed over.
 */
export interface StepTensors {
  /** The parts of the loss. The update is refused where one is not finite. */
  readonly losses: readonly tf.Tensor[];
  /** What else is read with them. Default nothing. */
  readonly told?: readonly tf.Tensor[];
}

/** What was read after an update had been handed over. */
export interface StepNumbers {
  /** The values of each of the losses and of `told`. */
  readonly losses: readonly Float32Array[];
  readonly told: readonly Float32Array[];
  /** The common norm of the gradients before clipping. */
  readonly gradientNorm: number;
}

/**
 * Clips the gradients to a common norm (null: not at all) and updates the weights, unless a loss or
 * a gradient is not finite: then weights and optimizer stay as they are. All of that is handed over
 * before anything is read. Then the numbers come by one read, `check` sees them, and the update is
 * counted unless it throws, as it is to do for numbers that are not finite. The gradients are
 * disposed, whatever happens.
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
 * `onGradient`), so that never all are held. From the first gradient on that is no number, nothing
 * is changed any more; the device sees to that, and nothing is read before the end. The caller
 * disposes it.
 */
export class StreamedUpdate {
  private readonly pending: PendingUpdate;
  /** Sum of squares of each gradient so far. */
  private readonly squares: tf.Tensor1D[] = [];
  /** 1, or NaN from the first gradient on that is no number; undefined before there is any. */
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
   * Reads loss and norm of all gradients; `check` sees them, and whether any weight has been
   * changed, before the update is counted.
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
