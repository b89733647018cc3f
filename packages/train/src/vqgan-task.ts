import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { foldIn, foldInNames, type Key, type Optimizer, permutation, prngKey, valueAndGrads } from '@easel/core';
import { type CodebookTracker, reconstructionLoss, straightThrough, type Vqgan } from '@easel/vqgan';
import * as tf from '@tensorflow/tfjs';
import type { VqganTrainingConfig } from './config/vqgan-config.js';
import { pixelsToTensor } from './data/encode.js';
import { gatherPixels, type PictureCache } from './data/picture-cache.js';
import { type DataPosition, EpochOrder } from './epoch-order.js';
import { applyUpdate } from './optimization.js';
import { toBytes, writeReconstructionGrid } from './reconstruction-grid.js';
import type { CheckpointParts } from './run-folder.js';
import { requireFinite, type TrainingTask, type UpdateResult } from './training-loop.js';

/** Some pictures of a cache. */
export interface PictureSplit {
  readonly cache: PictureCache;
  readonly rows: readonly number[];
}

/** What a VqganTask trains and on what. */
export interface VqganTaskParts {
  readonly config: VqganTrainingConfig;
  readonly vqgan: Vqgan;
  readonly optimizer: Optimizer;
  readonly tracker: CodebookTracker;
  readonly training: PictureSplit;
  /** Name of the evaluated split, and its pictures. */
  readonly evaluated: PictureSplit & { readonly name: string };
  /** Folder of the reconstruction grids. */
  readonly gridFolder: string;
  readonly exportModel: (folder: string) => Promise<void>;
}

/** Path of the codebook among a Vqgan's weights: it follows moving averages, not gradients. */
export const codebookName = 'quantize.embedding.embedding';

/** Pictures that go through the model at a time where no gradient is needed. */
const evaluationBatch = 25;

/**
 * Training a VQGAN without a discriminator: reconstruction plus commitment loss. After some steps as a plain autoencoder the
 * codebook is set by k-means; from then on it follows moving averages of the latents that choose each code.
 */
export class VqganTask implements TrainingTask {
  readonly steps: number;
  readonly samplesPerStep: number;
  readonly logEvery: number;
  readonly evaluateEvery: number;
  readonly checkpointEvery: number;
  readonly checkpointsKept: number;
  readonly key: Key;
  readonly data: string;
  readonly exportModel: (folder: string) => Promise<void>;
  private readonly parts: VqganTaskParts;
  /** All weights, and those that follow gradients. */
  private readonly weights: Map<string, tf.Variable>;
  private readonly trained: Map<string, tf.Variable>;
  private readonly order: EpochOrder;
  /** Dead codes replaced since the run (or this sitting of it) began. */
  private restarts = 0;

  /** Throws ConfigError if the pictures don't fill a batch. */
  constructor(parts: VqganTaskParts) {
    const { config, training } = parts;
    this.parts = parts;
    this.steps = config.steps;
    this.samplesPerStep = config.batchSize;
    this.logEvery = config.log.every;
    this.evaluateEvery = config.evaluation.every;
    this.checkpointEvery = config.checkpoint.every;
    this.checkpointsKept = config.checkpoint.keep;
    this.key = prngKey(config.seed);
    this.data = training.cache.digest;
    this.exportModel = parts.exportModel;
    this.weights = parts.vqgan.namedWeights();
    this.trained = new Map([...this.weights].filter(([name]) => name !== codebookName));
    this.order = new EpochOrder(foldInNames(this.key, ['order']), training.rows.length, config.batchSize);
  }

  position(step: number): DataPosition {
    return this.order.position(step);
  }
}
