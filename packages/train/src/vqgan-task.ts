import {
  foldIn,
  foldInNames,
  type Key,
  type Optimizer,
  permutation,
  prngKey,
  split,
  toBytes,
  valueAndGrads,
} from '@easel/core';
import { autoencoderLoss, type CodebookTracker, codeUsage, type Vqgan, vqganLoss } from '@easel/vqgan';
import * as tf from '@tensorflow/tfjs';
import type { VqganTrainingConfig } from './config/vqgan-config.js';
import { pixelsToTensor } from './data/encode.js';
import { gatherPixels, type PictureCache } from './data/picture-cache.js';
import { type DataPosition, EpochOrder } from './epoch-order.js';
import { applyUpdate } from './optimization.js';
import { pictureGrid, reconstructionGrid } from './picture-grid.js';
import type { CheckpointParts, FailedBatch, Grid } from './run-folder.js';
import { requireFinite, type TrainingPace, type TrainingTask, type UpdateResult } from './training-loop.js';
import { weightStatistics } from './weight-statistics.js';

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
  /** Shows evaluated pictures above their reconstructions. */
  readonly showGrid: (step: number, grid: Grid) => Promise<void>;
  readonly exportModel: (folder: string) => Promise<void>;
}

/** Path of the codebook among a Vqgan's weights: it follows moving averages, not gradients. */
export const codebookName = 'quantize.embedding.embedding';

/** Pictures that go through the model at a time where no gradient is needed. */
const passSize = 25;

/**
 * Training a VQGAN without a discriminator: reconstruction plus commitment loss. After some steps as a plain autoencoder the
 * codebook is set by k-means; from then on it follows moving averages of the latents that choose each code.
 */
export class VqganTask implements TrainingTask {
  readonly steps: number;
  readonly samplesPerStep: number;
  readonly pace: TrainingPace;
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
    this.pace = config;
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

  async update(step: number): Promise<UpdateResult> {
    const { config, vqgan, optimizer } = this.parts;
    const { codebook, reconstruction } = config;
    if (config.init === null && step === codebook.startStep) await this.startCodebook();
    const pixels = this.pixels(this.order.batch(step));
    const { value, outputs, grads } = valueAndGrads(
      () =>
        this.quantizes(step)
          ? vqganLoss(vqgan, pixels, { commitment: codebook.commitment, reconstruction })
          : autoencoderLoss(vqgan, pixels, { reconstruction }),
      this.trained,
    );
    pixels.dispose();
    const read = async (name: string) => (await outputs[name]?.data()) as Float32Array | Int32Array;
    try {
      const loss = (await value.data())[0] as number;
      const learningRate = optimizer.schedule(step);
      const watched = weightStatistics(config.log, step + 1, grads);
      const gradientNorm = applyUpdate(optimizer, this.trained, grads, config.clipNorm, (norm) =>
        requireFinite(step, loss, norm),
      );
      const statistics = watched?.after(this.trained);
      if (!this.quantizes(step)) return { loss, learningRate, metrics: { gradientNorm }, statistics };
      const quantization = (await read('quantization'))[0] as number;
      const latents = (await read('latents')) as Float32Array;
      this.followCodebook(step, latents, (await read('indices')) as Int32Array);
      const metrics = { gradientNorm, quantization, restarts: this.restarts };
      return { loss, learningRate, metrics, statistics };
    } finally {
      tf.dispose([value, ...Object.values(outputs)]);
    }
  }

  /** The pictures by name, and as they went in. */
  async failedBatch(step: number): Promise<FailedBatch> {
    const { cache, rows } = this.parts.training;
    const pictures = Array.from(this.order.batch(step), (i) => rows[i] as number);
    return {
      about: { step: step + 1, seed: this.parts.config.seed },
      samples: pictures.map((picture) => ({ file: cache.files[picture] })),
      png: (await pictureGrid(gatherPixels(cache, pictures), cache.size)).png,
    };
  }

  /** Whether update `step` goes through the codebook; before, the model is a plain autoencoder. */
  private quantizes(step: number): boolean {
    const { config } = this.parts;
    return config.init !== null || step >= config.codebook.startStep;
  }

  /** Moves the codes after the latents [R·E] that chose them, and dead codes onto some of these latents. */
  private followCodebook(step: number, latents: Float32Array, indices: Int32Array): void {
    const { config, tracker } = this.parts;
    const { restartEvery, restartUntil } = config.codebook;
    tracker.update(latents, indices);
    if (restartEvery > 0 && (step + 1) % restartEvery === 0 && step < restartUntil * config.steps)
      this.restarts += tracker.restartDead(latents, foldIn(foldInNames(this.key, ['restart']), step));
  }

  /** Sets the codebook by k-means over latents of random training pictures. */
  private async startCodebook(): Promise<void> {
    const { config, vqgan, tracker, training } = this.parts;
    const { kmeansLatents, kmeansRounds } = config.codebook;
    const [orderKey, codesKey] = split(foldInNames(this.key, ['k-means'])) as [Key, Key];
    const order = permutation(orderKey, training.rows.length);
    const found: number[] = [];
    for (
      let start = 0;
      start < order.length && found.length < kmeansLatents * vqgan.config.embedDim;
      start += passSize
    ) {
      const pixels = this.pixels(order.subarray(start, start + passSize));
      const latents = tf.tidy(() => vqgan.encodeToLatent(pixels));
      pixels.dispose();
      for (const value of await latents.data()) found.push(value);
      latents.dispose();
    }
    await tracker.startFromLatents(Float32Array.from(found), codesKey, { rounds: kmeansRounds });
  }

  /** Reconstructs the evaluated pictures: `psnr` in dB, the mean over pictures; codes used and their perplexity; a grid as PNG. */
  async evaluate(step: number): Promise<Record<string, Record<string, number>>> {
    const { config, vqgan, evaluated, showGrid } = this.parts;
    const { size } = evaluated.cache;
    const quantized = this.quantizes(step - 1); // as the last update was
    const pictureValues = size * size * 3;
    const counts = new Float64Array(vqgan.config.nEmbed);
    const shown: Uint8Array[] = [];
    let psnrSum = 0;
    for (let start = 0; start < evaluated.rows.length; start += passSize) {
      const originals = gatherPixels(evaluated.cache, evaluated.rows.slice(start, start + passSize));
      const tensors: Record<string, tf.Tensor> = tf.tidy(() => {
        const latents = vqgan.encodeToLatent(pixelsToTensor(originals, size));
        if (!quantized) return { drawn: vqgan.decodeLatent(latents) };
        const codes = vqgan.quantizer.indices(latents);
        return { drawn: vqgan.decodeLatent(vqgan.quantizer.call(latents)), codes };
      });
      const values = (await tensors.drawn?.data()) as Float32Array;
      for (const code of (await tensors.codes?.data()) ?? []) counts[code] = (counts[code] ?? 0) + 1;
      tf.dispose(tensors);
      for (let picture = 0; picture * pictureValues < values.length; picture++) {
        const from = picture * pictureValues;
        psnrSum += psnr(
          values.subarray(from, from + pictureValues),
          originals.subarray(from, from + pictureValues),
        );
      }
      shown.push(toBytes(values));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const gridRows = evaluated.rows.slice(0, config.evaluation.gridPictures);
    const grid = await reconstructionGrid(
      gatherPixels(evaluated.cache, gridRows),
      new Uint8Array(Buffer.concat(shown)).subarray(0, gridRows.length * pictureValues),
      size,
    );
    await showGrid(step, grid);
    const result: Record<string, number> = { psnr: psnrSum / evaluated.rows.length };
    if (quantized) {
      const { used, perplexity } = codeUsage(counts);
      Object.assign(result, { codesUsed: used, perplexity });
    }
    return { [evaluated.name]: result };
  }

  checkpointParts(): CheckpointParts {
    const { optimizer, tracker } = this.parts;
    return { model: this.weights, optimizer: optimizer.state(), codebook: tracker.state() };
  }

  /** Pixels of some of the training pictures; the caller disposes them. */
  private pixels(indices: ArrayLike<number>): tf.Tensor4D {
    const { cache, rows } = this.parts.training;
    return pixelsToTensor(
      gatherPixels(
        cache,
        Array.from(indices, (i) => rows[i] as number),
      ),
      cache.size,
    );
  }
}

/** Peak signal-to-noise ratio in dB of drawn pixels, cut off at 0 and 1, against bytes. */
function psnr(drawn: Float32Array, original: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < drawn.length; i++) {
    const difference = Math.min(1, Math.max(0, drawn[i] as number)) - (original[i] as number) / 255;
    sum += difference * difference;
  }
  return -10 * Math.log10(Math.max(sum / drawn.length, 1e-10));
}
