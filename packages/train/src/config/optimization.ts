import { ConfigError } from '@easel/core';
import {
  flag,
  integer,
  nullable,
  oneOf,
  optional,
  real,
  type Settings,
  section,
  text,
} from '@easel/core/config';
import { GRAFT_TYPES } from '@easel/core/internals';
import { freeOnResume } from './free-settings.js';

/** The optimizer and its constants. */
export const optimizerFields = {
  /**
   * AdamW (Loshchilov and Hutter 2019), Adafactor (Shazeer and Stern 2018) or Distributed Shampoo
   * (Anil et al. 2020).
   */
  name: oneOf(['adamw', 'adafactor', 'shampoo']),
  /** Weight of the old mean of gradients (AdamW, Shampoo). */
  beta1: real({ min: 0, below: 1, default: 0.9 }),
  /** Weight of the old mean of squared gradients (AdamW); of statistics (Shampoo). */
  beta2: real({ min: 0, max: 1, default: 0.999 }),
  /** Added to the root of the second moment (AdamW). */
  epsilon: real({ above: 0, default: 1e-8 }),
  /** Share of each decayed weight that a step of learning rate 1 takes away. */
  weightDecay: real({ min: 0, default: 0 }),
  /**
   * Which weights decay: all, or those with two axes and more (kernels and embeddings; no biases,
   * no norm scales).
   */
  decay: oneOf(['all', 'matrices']),
  /** Largest root mean square of an update of Adafactor, before the learning rate; null: none. */
  clippingThreshold: nullable(real({ above: 0 }), 1),
  shampoo: section({
    /** Longest side of a preconditioned block. */
    blockSize: integer({ min: 1, default: 1024 }),
    /** Updates between two computations of the preconditioners. */
    computeEvery: integer({ min: 1, default: 10 }),
    /**
     * Updates before preconditioned directions are used; null: 101, or one more than computeEvery
     * if that is larger.
     */
    startStep: optional(integer({ min: 0 })),
    /** Tensors with a longer dimension are not preconditioned. */
    largestDimension: integer({ min: 0, default: 4096 }),
    /** The optimizer whose step length a preconditioned direction takes. */
    graft: oneOf([...GRAFT_TYPES]),
    /** Nesterov's momentum. */
    nesterov: flag(false),
    /** Whether momenta are kept as signed bytes. */
    quantized: flag(false),
  }),
};
export type OptimizerSettings = Settings<typeof optimizerFields>;

/** Throws ConfigError for a choice that the optimizer doesn't have. */
function checkOptimizer({ name, decay, beta2 }: OptimizerSettings, file: string): void {
  if (name !== 'adamw' && decay !== 'all')
    throw new ConfigError(
      `${file}: optimizer: ${name} decays all weights or none; "decay": "${decay}" goes with adamw.`,
    );
  if (name !== 'shampoo' && beta2 === 1)
    throw new ConfigError(
      `${file}: optimizer.beta2: expected a number below 1; 1 goes with shampoo, which then sums.`,
    );
}

/** Learning rate by step. */
export const scheduleFields = {
  /** The rate after warm-up. */
  learningRate: real({ above: 0 }),
  /** Steps of linear growth from 0. */
  warmupSteps: integer({ min: 0, default: 0 }),
  /**
   * After warm-up: constant; linear to 0 at the last step; exponential; half a cosine down to
   * `floor` at the last step.
   */
  decay: oneOf(['none', 'linear', 'exponential', 'cosine']),
  /** Share of the learning rate at which the cosine ends. */
  floor: real({ min: 0, max: 1, default: 0 }),
  /** Steps after which the exponential decay has multiplied the rate by `decayRate`. */
  transitionSteps: optional(integer({ min: 1 })),
  /** With the exponential decay: the factor of each `transitionSteps`. */
  decayRate: optional(real({ above: 0, max: 1 })),
  /** The exponential decay goes down in jumps of `transitionSteps`. */
  staircase: flag(false),
  /** Steps at rate 0 before everything else, for an optimizer whose state starts anew. */
  offset: integer({ min: 0, default: 0 }),
};
export type ScheduleSettings = Settings<typeof scheduleFields>;

/** Throws ConfigError for an exponential decay without its constants, or constants without it. */
function checkSchedule(schedule: ScheduleSettings, file: string): void {
  const { decay, transitionSteps, decayRate } = schedule;
  if (decay === 'exponential' && (transitionSteps === null || decayRate === null))
    throw new ConfigError(`${file}: schedule: exponential decay needs transitionSteps and decayRate.`);
  if (decay !== 'exponential' && (transitionSteps !== null || decayRate !== null))
    throw new ConfigError(
      `${file}: schedule: transitionSteps and decayRate go only with the decay "exponential", it is "${decay}".`,
    );
}

export const loggingFields = {
  /** Steps between two lines of metrics.jsonl. */
  every: integer({ min: 1, default: 50 }),
  /** Whether TensorBoard's event files are written too, in RUN/tensorboard. */
  tensorboard: flag(true),
  /**
   * Steps between two lines of weights.jsonl with the norm of each weight and its gradient; 0:
   * never.
   */
  norms: integer({ min: 0, default: 0 }),
  /** Steps between two lines of weights.jsonl with their histograms; 0: never. */
  histograms: integer({ min: 0, default: 0 }),
};

export const checkpointFields = {
  /**
   * Steps between two checkpoints; one is always written at the end and at Ctrl-C. 0: not by steps.
   */
  every: integer({ min: 0, default: 1000 }),
  /** Minutes between two checkpoints, whatever the step; 0: not by the clock. */
  minutes: real({ min: 0, default: 0 }),
  /** Number of newest checkpoints that are kept. */
  keep: integer({ min: 1, default: 2 }),
  /**
   * Whether checkpoints are written while the training goes on (on the native backend). A tensor
   * that is updated before it is on the disk takes its memory twice until then. If false, the
   * training waits.
   */
  background: flag(true),
  /**
   * A number of the evaluations by which the best checkpoint is kept too, however old: "eval.loss"
   * is `loss` of the split `eval`. An evaluation that is the best so far writes a checkpoint. Null:
   * only the newest are kept.
   */
  best: optional(
    section({
      /** A number of an evaluation, as "eval.loss". */
      metric: text(),
      /** Which is better: a low one or a high one. */
      goal: oneOf(['lowest', 'highest']),
    }),
  ),
};
export type CheckpointSettings = Settings<typeof checkpointFields>;

/**
 * Throws ConfigError if a decay has no steps left after the warm-up. `steps` counts the updates of
 * the whole run; it is null while unknown.
 */
export function checkWarmup(
  { decay, warmupSteps }: ScheduleSettings,
  steps: number | null,
  where: string,
): void {
  const ends = decay === 'linear' || decay === 'cosine';
  if (ends && steps !== null && warmupSteps >= steps)
    throw new ConfigError(
      `${where}: schedule.warmupSteps: expected fewer than the run's ${steps} steps, since decay "${decay}" goes from there to the last one; got ${warmupSteps}. Lower warmupSteps, or raise steps.`,
    );
}

/** Settings that both kinds of training have. */
export const commonFields = {
  /** Seed of fresh weights, order of the data, dropout and everything else that is random. */
  seed: integer({ min: 0, max: 2 ** 32 - 1, default: 0 }),
  /** Number of optimizer updates. Null: `epochs` says it. */
  steps: optional(integer({ min: 1 })),
  /**
   * Passes over the training data, as many updates as they fill. Null without steps: as many as make
   * the shipped model's number of updates (3,000 of easel train, 5,500 of easel train-vqgan), but
   * from 5 to 300 (train-vqgan: 400). A streamed encoded set is read once before, to be counted.
   */
  epochs: optional(integer({ min: 1 })),
  /** Gradients whose norm over all weights is larger are scaled down to it; null: never. */
  clipNorm: optional(real({ above: 0 })),
  optimizer: section(optimizerFields),
  schedule: section(scheduleFields),
  log: freeOnResume(section(loggingFields)),
  checkpoint: freeOnResume(section(checkpointFields)),
};

/**
 * Throws ConfigError for settings of the length, the optimizer or the schedule that don't go
 * together.
 */
export function checkOptimization(
  {
    optimizer,
    schedule,
    steps,
    epochs,
  }: {
    readonly optimizer: OptimizerSettings;
    readonly schedule: ScheduleSettings;
    readonly steps: number | null;
    readonly epochs: number | null;
  },
  file: string,
): void {
  if (steps !== null && epochs !== null)
    throw new ConfigError(
      `${file}: expected either steps (updates) or epochs (passes over the training data), got steps ${steps} and epochs ${epochs}. Leave one of them out.`,
    );
  checkOptimizer(optimizer, file);
  checkSchedule(schedule, file);
  checkWarmup(schedule, steps, file);
}
