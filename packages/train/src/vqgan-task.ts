import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { foldIn, foldInNames, type Key, type Optimizer, permutation, prngKey, valueAndGrads } from '@easel/core';
import {
  type CodebookTracker,
  commitmentLoss,
  nearestCodes,
  reconstructionLoss,
  straightThrough,
  type Vqgan,
} from '@easel/vqgan';
import * as tf from '@tensorflow/tfjs';
import type { VqganTrainingConfig } from './config/vqgan-config.js';
import { pixelsToTensor } from './data/encode.js';
import { gatherPixels, type PictureCache } from './data/picture-cache.js';
import { type DataPosition, EpochOrder } from './epoch-order.js';
import { applyUpdate } from './optimization.js';
import { toBytes, writeReconstructionGrid } from './reconstruction-grid.js';
import type { CheckpointParts } from './run-folder.js';
import { requireFinite, type TrainingTask, type UpdateResult } from './training-loop.js';

/** Pictures to evaluate on: some of a cache. */
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
  readonly pictures: PictureCache;
  /** Pictures of the cache to train on. */
  readonly rows: readonly number[];
  readonly evaluation: { readonly name: string; readonly split: PictureSplit };
  /** Folder of the reconstruction grids. */
  readonly gridFolder: string;
  readonly exportModel: (folder: string) => Promise<void>;
}

/** Path of the codebook in a Vqgan: it follows moving averages, not gradients. */
export const codebookName = 'quantize.embedding.embedding';

/** Pictures that go through the model at a time where no gradient is needed. */
const evaluationBatch = 25;

/**
 * Training a VQGAN without a discriminator: reconstruction plus commitment loss; after some steps as a plain autoencoder the
 * codebook is set by k-means and from then on follows moving averages of the latents that choose each code.
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
  /** All weights but the codebook. */
  private readonly trained: Map<string, tf.Variable>;
  private readonly order: EpochOrder;
  private readonly codebookKey: Key;
}
