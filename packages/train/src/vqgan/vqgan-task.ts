import {
  foldIn,
  foldInNames,
  type Key,
  type Optimizer,
  pictureGrid,
  prngKey,
  type Raster,
  split,
  toBytes,
  valueAndGrads,
} from '@easel/core';
import { eventLoopTurn, splitPictures } from '@easel/core/internals';
import {
  adversarialStep,
  autoencoderLoss,
  type CodebookTracker,
  codeUsage,
  type Lpips,
  type PictureLossOptions,
  type QuantizationLossOptions,
  type Vqgan,
  vqganLoss,
} from '@easel/vqgan';
import { toSigned } from '@easel/vqgan/internals';
import * as tf from '@tensorflow/tfjs';
import { reconstructionWeights, type SizedVqganConfig } from '../config/vqgan-config.js';
import { gatherPixels, type PictureCache } from '../decoded/picture-cache.js';
import type { DataPosition } from '../encoded/epoch-order.js';
import { pixelsToTensor } from '../encoding/encode.js';
import type { CheckpointParts } from '../run/checkpoint-store.js';
import type { FailedBatch } from '../run/failed-batch.js';
import { applyUpdate, type StepNumbers } from '../run/optimization.js';
import { requireFinite, TrainingError } from '../run/training-error.js';
import type { TrainingPace, TrainingTask, UpdateResult } from '../run/training-task.js';
import { type WeightStatistics, weightStatistics } from '../run/weight-statistics.js';
import type { Adversary } from './adversary.js';
import { psnr } from './reconstruction.js';
import { reconstructionGrid } from './reconstruction-grid.js';
import { trainedVqganWeights } from './trained-weights.js';
import type { TrainingPictures } from './training-pictures.js';

/** Some pictures of a cache. */
export interface PictureSplit {
  readonly cache: PictureCache;
  readonly rows: readonly number[];
}

/** The parts of a VqganTask. */
export interface VqganTaskParts {
  readonly config: SizedVqganConfig;
  readonly vqgan: Vqgan;
  readonly optimizer: Optimizer;
  readonly tracker: CodebookTracker;
  /** LPIPS, which judges pictures by their features, if the config asks for it. */
  readonly lpips?: Lpips;
  /** The discriminator that is trained against the VQGAN, if the config asks for one. */
  readonly adversary?: Adversary;
  readonly training: TrainingPictures;
  /** The pictures that are evaluated, with the name of their split. */
  readonly evaluated: PictureSplit & { readonly name: string };
  /** Saves a grid of evaluated pictures above their reconstructions. */
  readonly showGrid: (step: number, grid: Raster) => Promise<void>;
  readonly exportModel: TrainingTask['exportModel'];
  /**
   * Its updates are played through without being computed, so their numbers mean nothing and are
   * not looked at.
   */
  readonly rehearsed?: boolean;
}

/** Number of pictures that go through the model at a time if no gradient is needed. */
const PASS_SIZE = 25;

/**
 * The numbers of a batch, and the latents and indices that the codebook follows, once there is a
 * codebook.
 */
interface StepResult {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly statistics?: WeightStatistics | undefined;
  readonly chosen?: { readonly latents: Float32Array; readonly indices: Int32Array };
}

/**
 * Trains a VQGAN in up to three phases. The first trains a plain autoencoder. The second adds a
 * codebook, which k-means sets and which then follows moving averages of the latents that choose
 * each code, or its gradient. The third adds a discriminator, which is trained beside the VQGAN.
 * With `trainable: "decoder"` encoder and codebook stay as they are.
 */
export class VqganTask implements TrainingTask {
  readonly steps: number;
  readonly samplesPerStep: number;
  readonly pace: TrainingPace;
  readonly key: Key;
  readonly data: string;
  readonly exportModel: TrainingTask['exportModel'];
  private readonly parts: VqganTaskParts;
  /** All weights, and the weights that follow gradients. */
  private readonly weights: Map<string, tf.Variable>;
  private readonly trained: Map<string, tf.Variable>;
  private readonly pull: QuantizationLossOptions;

  /** Throws ConfigError if the pictures don't fill a batch. */
  constructor(parts: VqganTaskParts) {
    const { config, training } = parts;
    this.parts = parts;
    this.steps = config.steps;
    this.samplesPerStep = config.batchSize;
    this.pace = config;
    this.key = prngKey(config.seed);
    this.data = training.digest;
    this.exportModel = parts.exportModel;
    this.weights = parts.vqgan.namedWeights();
    const { learning, commitment, beta } = config.codebook;
    const byGradient = learning === 'gradient';
    this.trained = trainedVqganWeights(parts.vqgan, config);
    this.pull = byGradient
      ? { codebookLoss: { commitment: commitment ?? 1, codebook: beta } }
      : { commitment: commitment ?? 0.25 };
  }

  position(step: number): DataPosition {
    return this.parts.training.position(step);
  }

  async update(step: number): Promise<UpdateResult> {
    const { config, optimizer, tracker, training } = this.parts;
    if (config.init === null && step === config.codebook.startStep && config.codebook.kmeansLatents > 0)
      await this.startCodebook();
    const pixels = pixelsToTensor((await training.update(step)).pixels, training.size);
    const learningRate = optimizer.schedule(step);
    try {
      const { loss, metrics, statistics, chosen } = await this.compute(step, pixels);
      if (chosen === undefined || config.trainable === 'decoder')
        return { loss, learningRate, metrics, statistics };
      await this.followCodebook(step, chosen.latents, chosen.indices);
      const use = { perplexity: tracker.perplexity, restarts: tracker.restarts };
      return { loss, learningRate, metrics: { ...metrics, ...use }, statistics };
    } finally {
      pixels.dispose();
    }
  }

  /**
   * Makes the part of update `step` that changes weights by pictures [B, H, W, 3]. A codebook of
   * moving averages stays as it is.
   */
  compute(step: number, pixels: tf.Tensor4D): Promise<StepResult> {
    const { adversary } = this.parts;
    return adversary?.takesPart(step)
      ? this.adversarialUpdate(step, pixels, adversary)
      : this.plainUpdate(step, pixels);
  }

  /**
   * Makes an update by the pictures' loss and, once there is a codebook, by the codebook's loss.
   */
  private async plainUpdate(step: number, pixels: tf.Tensor4D): Promise<StepResult> {
    const { config, vqgan, optimizer } = this.parts;
    const quantizes = this.quantizes(step);
    const perceptual = this.perceptual(step, pixels);
    const options = { reconstruction: reconstructionWeights(config), perceptual };
    const { value, outputs, grads } = valueAndGrads(
      () =>
        quantizes
          ? vqganLoss(vqgan, pixels, { ...options, ...this.pull, codebookWeight: config.codebook.weight })
          : autoencoderLoss(vqgan, pixels, options),
      this.trained,
      { allowUnused: !quantizes }, // the codebook, which has no gradient yet
    );
    tf.dispose([...(perceptual?.keep ?? [])]);
    // A codebook that follows its gradient has no gradient before it begins. A gradient of zeros
    // gives it a place in the optimizer's state, so that checkpoints of all steps have the same
    // entries.
    for (const [name, weight] of this.trained) if (!grads.has(name)) grads.set(name, tf.zerosLike(weight));
    const names = ['reconstruction'];
    if (perceptual !== undefined) names.push('perceptual');
    if (quantizes) names.push('quantization', 'latents', 'indices');
    const tensors = { losses: [value], told: names.map((name) => outputs[name] as tf.Tensor) };
    try {
      const watched = await weightStatistics(config.log, step + 1, grads);
      const { losses, told, gradientNorm } = await applyUpdate(
        optimizer,
        this.trained,
        grads,
        tensors,
        config.clipNorm,
        (numbers) => this.requireFinite(step, lossOf(numbers), numbers.gradientNorm),
      );
      const statistics = await watched?.after(this.trained);
      const values = new Map(names.map((name, i) => [name, told[i] as Float32Array]));
      const { latents, indices, ...numbers } = Object.fromEntries(values);
      const metrics = {
        gradientNorm,
        ...Object.fromEntries(Object.entries(numbers).map(([name, [number]]) => [name, number as number])),
      };
      const loss = lossOf({ losses });
      if (!quantizes) return { loss, metrics, statistics };
      const chosen = { latents: latents as Float32Array, indices: Int32Array.from(indices as Float32Array) };
      return { loss, metrics, statistics, chosen };
    } finally {
      tf.dispose([value, ...Object.values(outputs)]);
    }
  }

  private requireFinite(step: number, loss: number, norm: number): void {
    if (!this.parts.rehearsed) requireFinite(step, loss, norm);
  }

  /** Updates the VQGAN, then the discriminator, as taming does. */
  private async adversarialUpdate(
    step: number,
    pixels: tf.Tensor4D,
    { discriminator, optimizer: discriminatorOptimizer, settings }: Adversary,
  ): Promise<StepResult> {
    const { config, vqgan, optimizer, lpips } = this.parts;
    const perceptual = this.perceptual(step, pixels);
    let watched: Awaited<ReturnType<typeof weightStatistics>>;
    try {
      const result = await adversarialStep(
        vqgan,
        pixels,
        step,
        {
          discriminator,
          lpips,
          trained: this.trained,
          generatorOptimizer: optimizer,
          discriminatorOptimizer,
          config: {
            reconstruction: reconstructionWeights(config),
            perceptualWeight: config.perceptual.weight,
            quantization: this.pull,
            codebookWeight: config.codebook.weight,
            discWeight: settings.weight,
            adaptive: settings.adaptive,
            discStart: settings.startStep,
            discLoss: settings.loss,
          },
        },
        {
          ...(perceptual?.keep && { keep: perceptual.keep }),
          clipNorm: config.clipNorm,
          onGradients: async (network, grads) => {
            if (network === 'generator') watched = await weightStatistics(config.log, step + 1, grads);
          },
        },
      );
      if (result.refused === 'generator')
        this.requireFinite(step, result.totalLoss, result.generatorGradientNorm);
      if (result.refused === 'discriminator' && !this.parts.rehearsed)
        throw new TrainingError(
          `Training stopped at step ${step + 1}: the discriminator's loss is ${result.discriminatorLoss}, the norm of its gradients ${result.discriminatorGradientNorm}.`,
        );
      return {
        loss: result.totalLoss,
        metrics: {
          gradientNorm: result.generatorGradientNorm,
          reconstruction: result.reconstructionLoss,
          ...(perceptual && { perceptual: result.perceptualLoss }),
          quantization: result.quantLoss,
          generatorLoss: result.generatorLoss,
          adaptiveWeight: result.adaptiveWeight,
          discriminatorLoss: result.discriminatorLoss,
          logitsReal: result.logitsReal,
          logitsFake: result.logitsFake,
          discriminatorGradientNorm: result.discriminatorGradientNorm,
        },
        statistics: await watched?.after(this.trained),
        chosen: { latents: result.latents, indices: result.indices },
      };
    } finally {
      tf.dispose([...(perceptual?.keep ?? [])]);
    }
  }

  /** Returns the perceptual loss of update `step`. The caller disposes `keep`. */
  private perceptual(step: number, pixels: tf.Tensor4D): PictureLossOptions['perceptual'] {
    const { config, lpips } = this.parts;
    if (lpips === undefined) return undefined;
    const { weight, dropout } = config.perceptual;
    if (!dropout) return { lpips, weight };
    return {
      lpips,
      weight,
      keep: lpips.dropout(foldIn(foldInNames(this.key, ['lpips']), step), pixels.shape),
    };
  }

  /** Returns the pictures' names, and the pictures as the model saw them. */
  async failedBatch(step: number): Promise<FailedBatch> {
    const { config, training } = this.parts;
    const { files, pixels } = await training.update(step);
    const pictures = splitPictures(pixels, { height: training.size, width: training.size });
    return {
      about: { step: step + 1, seed: config.seed },
      samples: files.map((file) => ({ file })),
      picture: pictureGrid(pictures, Math.min(16, pictures.length)),
    };
  }

  /**
   * Whether update `step` goes through the codebook. Before that, the model is a plain autoencoder.
   */
  private quantizes(step: number): boolean {
    const { config } = this.parts;
    return config.init !== null || step >= config.codebook.startStep;
  }

  /**
   * Lets the codes, or only the statistics of their use, follow the latents [R·E] that chose them.
   * Moves dead codes onto some of these latents.
   */
  private async followCodebook(step: number, latents: Float32Array, indices: Int32Array): Promise<void> {
    const { config, tracker } = this.parts;
    const { restartEvery, restartUntil } = config.codebook;
    await tracker.update(latents, indices);
    if (restartEvery > 0 && (step + 1) % restartEvery === 0 && step < restartUntil * config.steps)
      await tracker.restartDead(latents, foldIn(foldInNames(this.key, ['restart']), step));
  }

  /** Sets the codebook by k-means over the latents of random training pictures. */
  private async startCodebook(): Promise<void> {
    const { config, vqgan, tracker, training } = this.parts;
    const { kmeansLatents, kmeansRounds } = config.codebook;
    const [orderKey, codesKey] = split(foldInNames(this.key, ['k-means'])) as [Key, Key];
    const found: number[] = [];
    for await (const some of training.sample(orderKey, PASS_SIZE)) {
      const pixels = pixelsToTensor(some, training.size);
      const latents = tf.tidy(() => vqgan.encodeToLatent(pixels));
      pixels.dispose();
      for (const value of await latents.data()) found.push(value);
      latents.dispose();
      if (found.length >= kmeansLatents * vqgan.config.embedDim) break;
    }
    await tracker.startFromLatents(Float32Array.from(found), codesKey, { rounds: kmeansRounds });
  }

  /**
   * Reconstructs the evaluated pictures. Returns the means of `psnr` (in dB) and `lpips` over
   * pictures, the number of codes used and their perplexity, and saves a grid.
   */
  async evaluate(step: number): Promise<Record<string, Record<string, number>>> {
    const { config, vqgan, lpips, evaluated, showGrid } = this.parts;
    const { size } = evaluated.cache;
    const quantized = this.quantizes(step - 1); // as the last update was
    const pictureValues = size * size * 3;
    const counts = new Float64Array(vqgan.config.nEmbed);
    const shown: Uint8Array[] = [];
    let [psnrSum, lpipsSum] = [0, 0];
    for (let start = 0; start < evaluated.rows.length; start += PASS_SIZE) {
      const originals = gatherPixels(evaluated.cache, evaluated.rows.slice(start, start + PASS_SIZE));
      const tensors: Record<string, tf.Tensor> = tf.tidy(() => {
        const pixels = pixelsToTensor(originals, size);
        const latents = vqgan.encodeToLatent(pixels);
        const drawn = vqgan.decodeLatent(quantized ? vqgan.quantizer.call(latents) : latents);
        return {
          drawn,
          ...(quantized && { codes: vqgan.quantizer.indices(latents) }),
          ...(lpips && { distances: lpips.distance(toSigned(pixels), toSigned(drawn)) }),
        };
      });
      const values = (await tensors.drawn?.data()) as Float32Array;
      for (const code of (await tensors.codes?.data()) ?? []) counts[code] = (counts[code] ?? 0) + 1;
      for (const distance of (await tensors.distances?.data()) ?? []) lpipsSum += distance;
      tf.dispose(tensors);
      for (let picture = 0; picture * pictureValues < values.length; picture++) {
        const from = picture * pictureValues;
        psnrSum += psnr(
          values.subarray(from, from + pictureValues),
          originals.subarray(from, from + pictureValues),
        );
      }
      shown.push(toBytes(values));
      await eventLoopTurn();
    }
    const gridRows = evaluated.rows.slice(0, config.evaluation.gridPictures);
    const pictures = (pixels: Uint8Array) => splitPictures(pixels, { height: size, width: size });
    const drawn = pictures(Buffer.concat(shown)).slice(0, gridRows.length);
    await showGrid(step, reconstructionGrid(pictures(gatherPixels(evaluated.cache, gridRows)), drawn));
    const result: Record<string, number> = { psnr: psnrSum / evaluated.rows.length };
    if (lpips !== undefined) result.lpips = lpipsSum / evaluated.rows.length;
    if (quantized) {
      const { used, perplexity } = codeUsage(counts);
      Object.assign(result, { codesUsed: used, perplexity });
    }
    return { [evaluated.name]: result };
  }

  checkpointParts(): CheckpointParts {
    const { optimizer, tracker, adversary } = this.parts;
    const own = { model: this.weights, optimizer: optimizer.state(), codebook: tracker.state() };
    return { ...own, ...adversary?.checkpointParts() };
  }
}

/** Returns the loss among a plain update's numbers. */
function lossOf({ losses }: Pick<StepNumbers, 'losses'>): number {
  return losses[0]?.[0] as number;
}
