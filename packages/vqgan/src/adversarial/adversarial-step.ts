import {
  AdamW,
  type Optimizer,
  type PendingUpdate,
  readTogether,
  type Schedule,
  updateScale,
  valueAndGrads,
} from '@easel/core';
import { normOf, sumsOfSquares } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';
import {
  LEGACY_CODEBOOK_LOSS,
  type PictureLossOptions,
  pictureLoss,
  type QuantizationLossOptions,
  quantizationLoss,
  type ReconstructionWeights,
  straightThrough,
  toRows,
  toSigned,
} from '../losses.js';
import type { Lpips, LpipsOptions } from '../lpips.js';
import type { Vqgan } from '../model.js';
import type { PatchDiscriminator } from './discriminator.js';
import {
  adaptiveWeight,
  adaptiveWeightOnDevice,
  discriminatorFactor,
  discriminatorLoss,
  type GanLoss,
} from './gan-losses.js';

/**
 * Weights of the parts of taming's loss. The defaults are those of taming's class, except
 * discWeight, which taming's configs set to 0.8.
 */
export interface AdversarialLossConfig {
  /** Parts of the reconstruction loss of pixels (default ABSOLUTE_DIFFERENCE, as in taming). */
  readonly reconstruction?: ReconstructionWeights;
  /** Weight of LPIPS, which is added to the reconstruction loss (default 1). */
  readonly perceptualWeight?: number;
  /**
   * The loss that pulls latents and codes together (default taming's codebook loss, with a gradient
   * for both).
   */
  readonly quantization?: QuantizationLossOptions;
  /** Weight of that loss (default 1). */
  readonly codebookWeight?: number;
  /** Weight of the adversarial loss, in addition to the adaptive weight (default 0.8). */
  readonly discWeight?: number;
  /**
   * Whether the adversarial loss has the adaptive weight λ (default true). Otherwise it has
   * discWeight alone.
   */
  readonly adaptive?: boolean;
  /** Factor of both adversarial losses from `discStart` on (default 1). */
  readonly discFactor?: number;
  /** Number of batches before the adversarial losses count (default 0). */
  readonly discStart?: number;
  /** The discriminator's loss (default hinge). */
  readonly discLoss?: GanLoss;
}

/** The mean absolute difference of pixels alone. */
export const ABSOLUTE_DIFFERENCE: ReconstructionWeights = { l1: 1, mse: 0, gradient: [], pooledL1: [] };

/** Results of one batch, computed before its updates. */
export interface AdversarialMetrics {
  readonly totalLoss: number;
  /** The quantization loss, unweighted. */
  readonly quantLoss: number;
  /** The sum of reconstruction loss and weighted perceptual distance. */
  readonly nllLoss: number;
  readonly reconstructionLoss: number;
  readonly perceptualLoss: number;
  /** −mean of the discriminator's logits of drawn pictures. */
  readonly generatorLoss: number;
  /** Adaptive weight times discWeight. From discStart on generatorLoss is multiplied by it. */
  readonly adaptiveWeight: number;
  readonly discFactor: number;
  readonly discriminatorLoss: number;
  readonly logitsReal: number;
  readonly logitsFake: number;
  /** The common norm of each network's gradients, before clipping. */
  readonly generatorGradientNorm: number;
  readonly discriminatorGradientNorm: number;
  /**
   * The network whose loss or gradients were not finite. It was not updated; if it is the
   * generator, the discriminator was not updated either. Null if both were updated.
   */
  readonly refused: 'generator' | 'discriminator' | null;
  /** The tokens that the batch chose, for statistics of code use: int32 [R], R = B·h·w. */
  readonly indices: Int32Array;
  /** The latents that chose these tokens, [R·E]. */
  readonly latents: Float32Array;
}

/** The networks and optimizers of a step, beside the VQGAN. */
export interface AdversarialParts {
  readonly discriminator: PatchDiscriminator;
  /** The perceptual loss. Without it pictures are judged by the reconstruction loss alone. */
  readonly lpips?: Lpips | undefined;
  /**
   * Weights of the VQGAN that follow gradients (default all). Leave the codebook out if it follows
   * moving averages.
   */
  readonly trained?: ReadonlyMap<string, tf.Variable>;
  /** The optimizer of encoder, codebook and decoder. */
  readonly generatorOptimizer: Optimizer;
  readonly discriminatorOptimizer: Optimizer;
  readonly config?: AdversarialLossConfig;
}

/**
 * Makes Adam as taming uses it for both networks: betas 0.5 and 0.9, and no decay. The learning
 * rate is constant or a schedule.
 */
export function tamingAdam(learningRate: number | Schedule): AdamW {
  // constantSchedule is not used here, because its first rate is 0.
  const schedule = typeof learningRate === 'number' ? () => learningRate : learningRate;
  return new AdamW({ schedule, beta1: 0.5, beta2: 0.9 });
}

/**
 * Called with the gradients of one network by name before its update. The update waits for it and
 * disposes the gradients afterwards. An error that it throws stops the step.
 */
export type GradientHook = (
  network: 'generator' | 'discriminator',
  grads: ReadonlyMap<string, tf.Tensor>,
) => void | Promise<void>;

/** Further options of a step. */
export interface AdversarialStepOptions extends LpipsOptions {
  /**
   * Largest common norm of each network's gradients. Gradients beyond it are clipped. Null (the
   * default) means no clipping.
   */
  readonly clipNorm?: number | null;
  readonly onGradients?: GradientHook;
}

/**
 * Trains on one batch as taming does. It updates the VQGAN, and then the discriminator on pictures
 * that the updated VQGAN draws.
 *
 *     nll = reconstruction(x, x̂) + perceptualWeight·mean LPIPS(x, x̂)      g = −mean D(x̂)
 *     λ = discWeight·clamp(‖∂nll/∂W‖ / (‖∂g/∂W‖ + 1e-4), 0, 1e4), W = decoder.conv_out.kernel
 *     generator:      nll + λ·factor·g + codebookWeight·quantization
 *     discriminator:  factor·discriminatorLoss(D(x), D(x̂)), x̂ fixed
 *
 * pixels: [B, H, W, 3] in [0, 1]. LPIPS and D see them in [−1, 1], as in taming. `batch` is the
 * number of this batch, from 0. The gradients of nll and g are computed at the drawn pictures, so
 * that λ costs two small products and no second pass through the decoder.
 *
 * Both updates are handed to the device before anything is read: λ, the clip factors and the
 * finiteness checks stay on the device. Then one read brings all numbers. The device refuses an
 * update whose losses or gradients are not finite (`refused`); weights and optimizer then stay as
 * they are. Source: Esser et al. 2021, arXiv:2012.09841; taming `models/vqgan.py` training_step,
 * `modules/losses/vqperceptual.py`.
 */
export async function adversarialStep(
  model: Vqgan,
  pixels: tf.Tensor4D,
  batch: number,
  parts: AdversarialParts,
  options: AdversarialStepOptions = {},
): Promise<AdversarialMetrics> {
  await parts.discriminator.start(() => toSigned(model.call(pixels)));
  const held: tf.Tensor[] = [];
  try {
    const generator = await generatorUpdate(model, pixels, batch, parts, options, held);
    const discriminator = await discriminatorUpdate(model, pixels, batch, parts, options, generator, held);
    const names = Object.keys({ ...generator.told, ...discriminator.told }) as ToldName[];
    const tensors: Readonly<Record<ToldName, tf.Tensor>> = { ...generator.told, ...discriminator.told };
    const values = await readTogether(names.map((name) => tensors[name]));
    const told = Object.fromEntries(names.map((name, i) => [name, values[i]])) as unknown as Told;
    const metrics = metricsOf(told, batch, parts.config ?? {});
    if (metrics.refused !== 'generator') await generator.update.finish();
    if (metrics.refused === null) await discriminator.update.finish();
    return metrics;
  } finally {
    tf.dispose(held);
  }
}

/**
 * Tensors that are read after the generator's and the discriminator's update. They are scalars
 * except squares, latents and indices.
 */
type GeneratorTold =
  | 'nllLoss'
  | 'reconstructionLoss'
  | 'perceptualLoss'
  | 'generatorLoss'
  | 'nllNorm'
  | 'adversarialNorm'
  | 'quantLoss'
  | 'generatorSquares'
  | 'generatorScale'
  | 'indices'
  | 'latents';
type DiscriminatorTold =
  | 'discriminatorLoss'
  | 'logitsReal'
  | 'logitsFake'
  | 'discriminatorSquares'
  | 'discriminatorScale';
type ToldName = GeneratorTold | DiscriminatorTold;
type Told = Readonly<Record<ToldName, Float32Array>>;

/** An update of one network that has been handed to the device. */
interface HandedOver<Name extends string> {
  readonly update: PendingUpdate;
  /** NaN if the update is refused. */
  readonly scale: tf.Scalar;
  readonly told: Readonly<Record<Name, tf.Tensor>>;
}

function metricsOf(told: Told, batch: number, config: AdversarialLossConfig): AdversarialMetrics {
  const { codebookWeight = 1, discWeight = 0.8, adaptive = true, discFactor = 1, discStart = 0 } = config;
  const number = (name: ToldName): number => told[name][0] as number;
  const factor = discriminatorFactor(discFactor, batch, discStart);
  const ratio = adaptive ? adaptiveWeight(number('nllNorm'), number('adversarialNorm')) : 1;
  const weight = discWeight * ratio;
  const [nllLoss, generatorLoss, quantLoss] = [
    number('nllLoss'),
    number('generatorLoss'),
    number('quantLoss'),
  ];
  const refusedDiscriminator = Number.isNaN(number('discriminatorScale')) ? 'discriminator' : null;
  return {
    totalLoss: nllLoss + weight * factor * generatorLoss + codebookWeight * quantLoss,
    quantLoss,
    nllLoss,
    reconstructionLoss: number('reconstructionLoss'),
    perceptualLoss: number('perceptualLoss'),
    generatorLoss,
    adaptiveWeight: weight,
    discFactor: factor,
    discriminatorLoss: number('discriminatorLoss'),
    logitsReal: number('logitsReal'),
    logitsFake: number('logitsFake'),
    generatorGradientNorm: normOf(told.generatorSquares),
    discriminatorGradientNorm: normOf(told.discriminatorSquares),
    refused: Number.isNaN(number('generatorScale')) ? 'generator' : refusedDiscriminator,
    indices: Int32Array.from(told.indices),
    latents: told.latents,
  };
}

async function generatorUpdate(
  model: Vqgan,
  pixels: tf.Tensor4D,
  batch: number,
  { discriminator, lpips, generatorOptimizer, trained, config = {} }: AdversarialParts,
  { keep, clipNorm = null, onGradients }: AdversarialStepOptions,
  held: tf.Tensor[],
): Promise<HandedOver<GeneratorTold>> {
  const { perceptualWeight = 1, codebookWeight = 1, discWeight = 0.8, adaptive = true } = config;
  const { discFactor = 1, discStart = 0, reconstruction = ABSOLUTE_DIFFERENCE } = config;
  const { quantization: pull = { codebookLoss: LEGACY_CODEBOOK_LOSS } } = config;
  const factor = discriminatorFactor(discFactor, batch, discStart);
  const weights = model.namedWeights();
  const variables = trained ?? weights;
  const lastKernel = (weights.get('decoder.conv_out.kernel') as tf.Variable).shape;
  const judged: Partial<JudgedPictures> = {};
  /** The derivative of a picture in [0, 1] by the last convolution's result. */
  const slope = model.config.pixelRange === 'signed' ? 0.5 : 1;
  let last: tf.Tensor4D | undefined;

  const { value, outputs, grads } = valueAndGrads(() => {
    const latents = model.encodeToLatent(pixels);
    const rows = toRows(latents);
    const indices = model.quantizer.indices(latents);
    const codes = model.quantizer.lookUp(tf.reshape(indices, [rows.shape[0]]));
    const quantization = quantizationLoss(rows, codes, pull);
    const chosen = tf.reshape(straightThrough<tf.Tensor>(rows, codes), latents.shape) as tf.Tensor4D;
    const features = model.decoderFeatures(chosen);
    const kept = tf.keep(tf.clone(features));
    last = kept;
    // The value is computed afterwards; the gradient comes from the losses at the drawn pictures.
    const picturesLoss = tf.customGrad((...args) => {
      const [x, save] = args as unknown as [tf.Tensor4D, tf.GradSaveFunc];
      save([x]);
      const gradFunc = (_: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
        const perceptual = lpips && { lpips, weight: perceptualWeight, ...(keep && { keep }) };
        const result = judge(pixels, saved[0] as tf.Tensor4D, discriminator, { reconstruction, perceptual });
        const norm = (gradient: tf.Tensor4D): tf.Scalar =>
          tf.mul(filterGradientNorm(kept, gradient, lastKernel), slope);
        const nllNorm = adaptive ? norm(result.nllGradient) : tf.scalar(0);
        const adversarialNorm = adaptive ? norm(result.adversarialGradient) : tf.scalar(0);
        Object.assign(judged, { ...result.losses, nllNorm, adversarialNorm });
        for (const tensor of Object.values(judged)) tf.keep(tensor);
        const weight = adaptive
          ? adaptiveWeightOnDevice(nllNorm, adversarialNorm, discWeight * factor)
          : discWeight * factor;
        return tf.add(result.nllGradient, tf.mul(result.adversarialGradient, weight));
      };
      return { value: tf.scalar(0), gradFunc };
    });
    const drawn = model.decodeFeatures(features);
    const loss = tf.add(picturesLoss(drawn), tf.mul(quantization, codebookWeight)) as tf.Scalar;
    return { loss, quantization, indices, latents: rows };
  }, variables);
  last?.dispose();

  const found = judged as JudgedPictures;
  const { quantization, indices, latents } = outputs as Record<
    'quantization' | 'indices' | 'latents',
    tf.Tensor
  >;
  held.push(value, ...Object.values(found), ...Object.values(outputs));
  const losses = [found.nllLoss, found.generatorLoss, quantization];
  // λ is finite if neither norm is NaN, even if one norm is infinite.
  const ratio = tf.tidy(() => adaptiveWeightOnDevice(found.nllNorm, found.adversarialNorm, 1));
  held.push(ratio);
  const { squares, scale, update } = await handOver(generatorOptimizer, variables, grads, {
    clipNorm,
    finite: [...losses, ratio],
    look: () => onGradients?.('generator', grads),
    held,
  });
  const told = { ...found, quantLoss: quantization, indices, latents };
  return { update, scale, told: { ...told, generatorSquares: squares, generatorScale: scale } };
}

/**
 * Scalars of the drawn pictures. The norms are those of both losses' gradients at the decoder's
 * last kernel, or 0 if there is no adaptive weight.
 */
interface JudgedPictures {
  readonly nllLoss: tf.Scalar;
  readonly reconstructionLoss: tf.Scalar;
  readonly perceptualLoss: tf.Scalar;
  readonly generatorLoss: tf.Scalar;
  readonly nllNorm: tf.Scalar;
  readonly adversarialNorm: tf.Scalar;
}

/**
 * Computes both losses of drawn pictures in [0, 1], and the losses' gradients at these pictures.
 * Call it inside tidy.
 */
function judge(
  original: tf.Tensor4D,
  drawn: tf.Tensor4D,
  discriminator: PatchDiscriminator,
  options: PictureLossOptions,
): {
  readonly losses: Omit<JudgedPictures, 'nllNorm' | 'adversarialNorm'>;
  readonly nllGradient: tf.Tensor4D;
  readonly adversarialGradient: tf.Tensor4D;
} {
  const pictures = tf.variable(drawn) as unknown as tf.Variable<tf.Rank.R4>;
  try {
    const at = new Map([['pictures', pictures]]) as unknown as ReadonlyMap<string, tf.Variable>;
    const nll = valueAndGrads(() => pictureLoss(original, pictures, options), at);
    const adversarial = valueAndGrads(
      () => tf.neg(tf.mean(discriminator.judge(toSigned(pictures), true))) as tf.Scalar,
      at,
    );
    return {
      losses: {
        nllLoss: nll.value,
        reconstructionLoss: nll.outputs.reconstruction as tf.Scalar,
        perceptualLoss: nll.outputs.perceptual as tf.Scalar,
        generatorLoss: adversarial.value,
      },
      nllGradient: nll.grads.get('pictures') as tf.Tensor4D,
      adversarialGradient: adversarial.grads.get('pictures') as tf.Tensor4D,
    };
  } finally {
    pictures.dispose();
  }
}

async function discriminatorUpdate(
  model: Vqgan,
  pixels: tf.Tensor4D,
  batch: number,
  { discriminator, discriminatorOptimizer, config = {} }: AdversarialParts,
  { clipNorm = null, onGradients }: AdversarialStepOptions,
  generator: HandedOver<GeneratorTold>,
  held: tf.Tensor[],
): Promise<HandedOver<DiscriminatorTold>> {
  const { discFactor = 1, discStart = 0, discLoss = 'hinge' } = config;
  const factor = discriminatorFactor(discFactor, batch, discStart);
  const variables = discriminator.parameters();
  const real = toSigned(pixels);
  const drawn = tf.tidy(() => toSigned(model.call(pixels)));
  const { value, outputs, grads } = valueAndGrads(() => {
    const logitsReal = discriminator.judge(real, true);
    const logitsFake = discriminator.judge(drawn, true);
    const loss = tf.mul(discriminatorLoss(logitsReal, logitsFake, discLoss), factor) as tf.Scalar;
    return { loss, logitsReal: tf.mean(logitsReal), logitsFake: tf.mean(logitsFake) };
  }, variables);
  tf.dispose([real, drawn]);
  const { logitsReal, logitsFake } = outputs as Record<'logitsReal' | 'logitsFake', tf.Tensor>;
  held.push(value, logitsReal, logitsFake);
  const { squares, scale, update } = await handOver(discriminatorOptimizer, variables, grads, {
    clipNorm,
    finite: [value, generator.scale],
    look: () => onGradients?.('discriminator', grads),
    held,
  });
  const told = { discriminatorLoss: value, logitsReal, logitsFake };
  return { update, scale, told: { ...told, discriminatorSquares: squares, discriminatorScale: scale } };
}

/**
 * Hands the update of one network to the device, which refuses it unless `finite` and all gradients
 * are finite. Disposes the gradients.
 */
async function handOver(
  optimizer: Optimizer,
  variables: ReadonlyMap<string, tf.Variable>,
  grads: ReadonlyMap<string, tf.Tensor>,
  how: {
    readonly clipNorm: number | null;
    readonly finite: readonly tf.Tensor[];
    readonly look: () => void | Promise<void>;
    /** Collects tensors that the step disposes in the end. */
    readonly held: tf.Tensor[];
  },
): Promise<{ readonly squares: tf.Tensor1D; readonly scale: tf.Scalar; readonly update: PendingUpdate }> {
  try {
    await how.look();
    const squares = sumsOfSquares(grads.values());
    const scale = updateScale(squares, { maxNorm: how.clipNorm, finite: how.finite });
    how.held.push(squares, scale);
    const update = optimizer.begin(variables);
    for (const [name, gradient] of grads) update.take(name, gradient, scale);
    return { squares, scale, update };
  } finally {
    tf.dispose([...grads.values()]);
  }
}

/**
 * Computes ‖∂loss/∂kernel‖ of a 3×3 convolution that keeps the size, from its input and its
 * output's gradient.
 */
function filterGradientNorm(input: tf.Tensor4D, gradient: tf.Tensor4D, kernelShape: number[]): tf.Scalar {
  return tf.tidy(() => {
    const convolve = (kernel: tf.Tensor): tf.Tensor => tf.conv2d(input, kernel as tf.Tensor4D, 1, 'same');
    const grad = tf.grad(convolve)(tf.zeros(kernelShape), gradient);
    return tf.norm(grad) as tf.Scalar;
  });
}
