import type { Raster } from '@easel/core';
import type { HeldTensors } from '@easel/core/node';
import type { CheckpointSettings } from '../config/optimization.js';
import type { DataPosition } from '../encoded/epoch-order.js';
import type { Splits } from './best-evaluation.js';
import type { CheckpointParts } from './checkpoint-store.js';
import type { FailedBatch } from './failed-batch.js';
import type { WeightStatistics } from './weight-statistics.js';

/** What one update gave. */
export interface UpdateResult {
  /** Loss of the update's samples, before the update. */
  readonly loss: number;
  readonly learningRate: number;
  /** Floating-point operations of its products, where the task counts them. */
  readonly flop?: number;
  /** Time that it waited for its data or made them ready, where the task measures it. */
  readonly dataSeconds?: number;
  /** Further numbers for the metrics, by name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Norms and histograms of weights and gradients, where they were due. */
  readonly statistics?: WeightStatistics | undefined;
}

/** What a model makes of some prompts: all on one picture, RGB, and what its rows show. */
export interface DrawnSamples {
  readonly picture: Raster;
  readonly rows: readonly string[];
}

/** How often what happens, as a config has it. */
export interface TrainingPace {
  readonly log: { readonly every: number };
  readonly evaluation: { readonly every: number };
  readonly checkpoint: CheckpointSettings;
  readonly samples?: { readonly every: number };
}

/** What the loop needs of a kind of training. */
export interface TrainingTask {
  readonly steps: number;
  readonly samplesPerStep: number;
  /** Image tokens of a sample, where the task counts them. */
  readonly tokensPerSample?: number;
  readonly pace: TrainingPace;
  /** The key from which all randomness of the run is derived. */
  readonly key: readonly [number, number];
  /** Digest of the training data. */
  readonly data: string;
  /** Where in the data update `step` begins. */
  position(step: number): DataPosition;
  /**
   * Makes update number `step`, counted from 0. Throws TrainingError, with weights and optimizer
   * untouched, if loss or gradients aren't finite.
   */
  update(step: number): Promise<UpdateResult>;
  /** The samples of update `step`, which has just failed, in a form that a person can read. */
  failedBatch(step: number): Promise<FailedBatch>;
  /** Measures the model after `step` updates: numbers by name, by split. */
  evaluate(step: number): Promise<Splits>;
  /** Draws what the model makes of some prompts, where the pace has samples. */
  drawSamples?(): Promise<DrawnSamples>;
  /** All tensors that going on needs. */
  checkpointParts(): CheckpointParts;
  /**
   * Writes the model into a folder, ready for use: with the weights of a checkpoint, or as it is
   * now.
   */
  exportModel(folder: string, weights?: HeldTensors): Promise<void>;
  /**
   * True if `exportModel` reads more of the training than weights it is given, which must not
   * change then.
   */
  readonly exportNeedsPause?: boolean;
}
