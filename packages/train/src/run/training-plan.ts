import type { RunLength } from '../config/run-length.js';
import type { MeasuredRanks, RanksPlan } from '../ranks/plan-ranks.js';
import type { OnLoading } from './loading.js';

/** The number of parameters of a part of a model. */
export interface ParameterGroup {
  readonly name: string;
  readonly count: number;
  /** Number of these that are trained. */
  readonly trained: number;
}

/** The memory of a run at its peak, in bytes. */
export interface MemoryPlan {
  readonly weights: number;
  /**
   * Bytes of gradients. It is 0 if each gradient is used as it comes; gradients in work then count
   * as activations.
   */
  readonly gradients: number;
  readonly optimizer: number;
  /**
   * Bytes that the forward pass keeps for the gradient, bytes in work, and blocks that are kept for
   * reuse.
   */
  readonly activations: number;
  /**
   * Bytes of the program itself, with the data that it has read and the copies of a checkpoint that
   * is being written.
   */
  readonly process: number;
  readonly total: number;
  /** Floating-point operations of an update's products, counted in the simulation. */
  readonly flop: number;
}

/** The time of an update, with the way in which it was found. */
export interface TimePlan {
  /**
   * 'measured': updates were timed on this machine. 'at least': the time of the products at the
   * peak of multiply-adds, which no run reaches.
   */
  readonly how: 'measured' | 'at least';
  /** Number of updates that were timed. */
  readonly updates: number;
  readonly secondsPerUpdate: number;
  /** Seconds of all updates, without evaluations and checkpoints. */
  readonly seconds: number;
}

/** How a run is planned. */
export interface PlanOptions {
  /** Ends the reading of pictures, with the signal's reason, or the timing. */
  readonly signal?: AbortSignal | undefined;
  /** Whether updates are timed (default true). */
  readonly time?: boolean;
  /** The ranks that will share the run; memory is then that of a rank. */
  readonly ranks?: MeasuredRanks | undefined;
  readonly onEvent?: OnLoading;
}

/** The plan of a run. */
export interface TrainingPlan {
  /** All settings, with the model's. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly steps: number;
  /** Where the number of steps comes from. */
  readonly length: RunLength;
  readonly parameters: readonly ParameterGroup[];
  /** The memory. It is undefined if the native backend is not built. */
  readonly memory: MemoryPlan | undefined;
  /** Free memory of this machine, in bytes. */
  readonly availableBytes: number;
  /**
   * Floating-point operations of an update (undefined if they are not known), and of this machine
   * in a second (undefined without the native backend).
   */
  readonly flop: number | undefined;
  readonly peakFlops: number | undefined;
  /** The time. It is undefined if it could neither be measured nor estimated. */
  readonly time: TimePlan | undefined;
  /** How ranks share the updates, if there are several. */
  readonly ranks?: RanksPlan | undefined;
}
