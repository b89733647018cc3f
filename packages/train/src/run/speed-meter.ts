import * as tf from '@tensorflow/tfjs';
import type { TrainingTask, UpdateResult } from './training-task.js';

/** The speed of a sitting's updates, without evaluations and checkpoints. */
export interface Speed {
  readonly samplesPerSecond: number;
  readonly tokensPerSecond: number | undefined;
  /**
   * The products' share of the machine's peak of multiply-adds. It is undefined if the task doesn't
   * count them, or the peak is not known.
   */
  readonly peakShare: number | undefined;
  /**
   * Share of the time that was not spent on reading and preparing data. It is undefined if the task
   * doesn't measure it.
   */
  readonly computeShare: number | undefined;
}

/** Adds up a sitting's updates. */
export class SpeedMeter {
  private readonly task: Pick<TrainingTask, 'samplesPerStep' | 'tokensPerSample'>;
  private readonly peak: number | undefined;
  private updates = 0;
  private seconds = 0;
  private flop: number | undefined = 0;
  private dataSeconds: number | undefined = 0;

  /** `peak` is in floating-point operations a second. */
  constructor(task: Pick<TrainingTask, 'samplesPerStep' | 'tokensPerSample'>, peak: number | undefined) {
    this.task = task;
    this.peak = peak;
  }

  /** Adds an update that took so many seconds. */
  add(seconds: number, { flop, dataSeconds }: Pick<UpdateResult, 'flop' | 'dataSeconds'>): void {
    this.updates++;
    this.seconds += seconds;
    this.flop = sumIfKnown(this.flop, flop);
    this.dataSeconds = sumIfKnown(this.dataSeconds, dataSeconds);
  }

  /** Returns the speed. Call it after an update. */
  now(): Speed {
    const samplesPerSecond = (this.updates * this.task.samplesPerStep) / this.seconds;
    const { tokensPerSample } = this.task;
    const known = this.flop !== undefined && this.peak !== undefined;
    return {
      samplesPerSecond,
      tokensPerSecond: tokensPerSample && samplesPerSecond * tokensPerSample,
      peakShare: known ? (this.flop as number) / this.seconds / (this.peak as number) : undefined,
      computeShare: this.dataSeconds === undefined ? undefined : 1 - this.dataSeconds / this.seconds,
    };
  }

  secondsFor(updates: number): number {
    return (updates * this.seconds) / this.updates;
  }
}

/** Returns the sum, or undefined if one of the terms is undefined. */
function sumIfKnown(sum: number | undefined, term: number | undefined): number | undefined {
  return sum === undefined || term === undefined ? undefined : sum + term;
}

/**
 * Measures the peak of the running backend in floating-point operations a second, if it can tell.
 * The native backend measures multiply-adds in registers on all threads, in 40 ms.
 */
export function measuredPeak(): number | undefined {
  return (tf.backend() as { multiplyAddPeak?: () => number }).multiplyAddPeak?.();
}
