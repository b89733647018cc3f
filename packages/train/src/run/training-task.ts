import type { Raster } from '@easel/core';
import type { HeldTensors } from '@easel/core/node';
import type { CheckpointSettings } from '../config/optimization.js';
import type { DataPosition } from '../encoded/epoch-order.js';
import type { Splits } from './best-evaluation.js';
import type { CheckpointParts } from './checkpoint-store.js';
import type { FailedBatch } from './failed-batch.js';
import type { WeightStatistics } from './weight-statistics.js';

/** The results of one update. */
export interface UpdateResult {
  /** Loss of the update's samples, before the update. */
  readonly loss: number;
  readonly learningRate: number;
  /** Floating-point operations of its products, if the task counts them. */
  readonly flop?: number;
  /** Seconds that it waited for its data or prepared them, if the task measures it. */
  readonly dataSeconds?: number;
  /** Further numbers for the metrics, by name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Norms and histograms of weights and gradients, if they were due. */
  readonly statistics?: WeightStatistics | undefined;
}

/**
 * A model's drawings of some prompts: one RGB picture with all of them, and the prompts of its
 * rows.
 */
export interface DrawnSamples {
  readonly picture: Raster;
  readonly rows: readonly string[];
}

/** Steps between evaluations, checkpoints and the like, as in a config. */
export interface TrainingPace {
  readonly log: { readonly every: number };
  readonly evaluation: { readonly every: number };
  readonly checkpoint: CheckpointSettings;
  readonly samples?: { readonly every: number };
}

/** The interface between the training loop and a kind of training. */
export interface TrainingTask {
  readonly steps: number;
  readonly samplesPerStep: number;
  /** Number of image tokens of a sample, if the task counts them. */
  readonly tokensPerSample?: number;
  readonly pace: TrainingPace;
  /** The key from which all randomness of the run is derived. */
  readonly key: readonly [number, number];
  /** Digest of the training data. */
  readonly data: string;
  /** Returns the place in the data at which update `step` begins. */
  position(step: number): DataPosition;
  /**
   * Makes update number `step`, counted from 0. Throws TrainingError, with weights and optimizer
   * untouched, if loss or gradients aren't finite.
   */
  update(step: number): Promise<UpdateResult>;
  /**
   * Returns the samples of update `step`, which has just failed, in a form that a person can read.
   */
  failedBatch(step: number): Promise<FailedBatch>;
  /**
   * Throws EaselError if the ranks' weights are not the same after `step` updates. It compares them
   * now and then.
   */
  compareRanks?(step: number): Promise<void>;
  /** Measures the model after `step` updates. Returns numbers by split and name. */
  evaluate(step: number): Promise<Splits>;
  /** Draws some prompts with the present model, if the pace has samples. */
  drawSamples?(): Promise<DrawnSamples>;
  /** Returns all tensors that a resumed run needs. */
  checkpointParts(): CheckpointParts;
  /**
   * Writes the model into a folder, ready for use, with the weights of a checkpoint or the present
   * weights.
   */
  exportModel(folder: string, weights?: HeldTensors): Promise<void>;
  /**
   * Whether `exportModel` reads more of the training than the weights it is given. The training
   * must then not change meanwhile.
   */
  readonly exportNeedsPause?: boolean;
}
