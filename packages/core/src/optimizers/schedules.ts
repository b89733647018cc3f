import { ConfigError } from '../errors.js';

/**
 * The learning rate of an update by its number, which is the optimizer's count of updates before
 * it, from 0.
 */
export type Schedule = (step: number) => number;

/** What all schedules have in common. */
export interface ScheduleOptions {
  /** The peak of the rate. */
  readonly learningRate: number;
  /**
   * The length W of the linear warm-up (default 0). The rate is learningRate·t/(W+1), so the very
   * first update has rate 0.
   */
  readonly warmupSteps?: number;
  /**
   * Updates with rate 0 before the warm-up begins (default 0). Everything after is shifted by as
   * much.
   */
  readonly offset?: number;
}

/**
 * Warm-up, then the peak for ever, reached at t = W+1.
 *
 * Source of all schedules but cosine: dalle-mini `tools/train/train.py`, `create_learning_rate_fn`,
 * its oddities included.
 */
export function constantSchedule(options: ScheduleOptions): Schedule {
  const { offset } = checked('constantSchedule', options);
  const warm = warmup(options);
  return (step) => warm(step - offset);
}

/**
 * Warm-up, then a straight line from the peak at t = W to 0 at t = totalSteps, and 0 after it. At t
 * = W the rate jumps from the warm-up's W/(W+1). Throws ConfigError unless totalSteps is larger
 * than warmupSteps.
 */
export function linearSchedule(options: ScheduleOptions & { readonly totalSteps: number }): Schedule {
  const decaySteps = decayLength('linearSchedule', options);
  return warmupThen('linearSchedule', options, (t) => Math.max(0, 1 - t / decaySteps));
}

/**
 * Warm-up, then learningRate·decayRate^((t − W)/transitionSteps) from t = W on. With staircase the
 * exponent is rounded down. Throws ConfigError unless transitionSteps and decayRate are positive.
 */
export function exponentialSchedule(
  options: ScheduleOptions & {
    readonly transitionSteps: number;
    readonly decayRate: number;
    readonly staircase?: boolean;
  },
): Schedule {
  const { transitionSteps, decayRate, staircase = false } = options;
  requirePositive('exponentialSchedule', 'transitionSteps', transitionSteps);
  requirePositive('exponentialSchedule', 'decayRate', decayRate);
  return warmupThen('exponentialSchedule', options, (t) => {
    const exponent = t / transitionSteps;
    return decayRate ** (staircase ? Math.floor(exponent) : exponent);
  });
}

/**
 * Warm-up, then half a cosine from the peak at t = W to `floor` (a rate, default 0) at t =
 * totalSteps, and floor after it. Throws ConfigError unless totalSteps is larger than warmupSteps
 * and 0 ≤ floor ≤ learningRate. Source: Loshchilov and Hutter 2016, arXiv:1608.03983, without
 * restarts.
 */
export function cosineSchedule(
  options: ScheduleOptions & { readonly totalSteps: number; readonly floor?: number },
): Schedule {
  const { learningRate, floor = 0 } = options;
  if (!(floor >= 0 && floor <= learningRate)) {
    throw new ConfigError(
      `cosineSchedule: expected a floor from 0 to the learning rate ${learningRate}, got ${floor}.`,
    );
  }
  const decaySteps = decayLength('cosineSchedule', options);
  const least = learningRate === 0 ? 0 : floor / learningRate;
  return warmupThen('cosineSchedule', options, (t) => {
    const cosine = (1 + Math.cos(Math.PI * Math.min(1, t / decaySteps))) / 2;
    return least + (1 - least) * cosine;
  });
}

/** learningRate·min(t, W+1)/(W+1), 0 before t = 0. */
function warmup({ learningRate, warmupSteps = 0 }: ScheduleOptions): Schedule {
  return (t) => (learningRate * Math.min(Math.max(t, 0), warmupSteps + 1)) / (warmupSteps + 1);
}

/** The warm-up before t = W, learningRate·factor(t − W) from there. */
function warmupThen(schedule: string, options: ScheduleOptions, factor: (t: number) => number): Schedule {
  const { offset, warmupSteps } = checked(schedule, options);
  const warm = warmup(options);
  return (step) => {
    const t = step - offset;
    return t < warmupSteps ? warm(t) : options.learningRate * factor(t - warmupSteps);
  };
}

function decayLength(schedule: string, options: ScheduleOptions & { readonly totalSteps: number }): number {
  const { totalSteps, warmupSteps = 0 } = options;
  if (!(totalSteps > warmupSteps)) {
    throw new ConfigError(
      `${schedule}: expected totalSteps above warmupSteps, got ${totalSteps} and ${warmupSteps}. Train longer or warm up shorter.`,
    );
  }
  return totalSteps - warmupSteps;
}

function checked(
  schedule: string,
  { learningRate, warmupSteps = 0, offset = 0 }: ScheduleOptions,
): { warmupSteps: number; offset: number } {
  for (const [name, value] of Object.entries({ learningRate, warmupSteps, offset })) {
    if (!(value >= 0 && Number.isFinite(value))) {
      throw new ConfigError(`${schedule}: expected ${name} to be a number from 0 on, got ${value}.`);
    }
  }
  return { warmupSteps, offset };
}

function requirePositive(schedule: string, name: string, value: number): void {
  if (!(value > 0 && Number.isFinite(value))) {
    throw new ConfigError(`${schedule}: expected ${name} to be a positive number, got ${value}.`);
  }
}
