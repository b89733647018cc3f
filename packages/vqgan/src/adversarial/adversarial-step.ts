import { AdamW, type Optimizer, type Schedule, valueAndGrads } from '@easel/core';
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
import type { Vqgan } from '../model.js';
import type { PatchDiscriminator } from './discriminator.js';
import { adaptiveWeight, discriminatorFactor, discriminatorLoss, type GanLoss } from './gan-losses.js';
import type { Lpips, LpipsOptions } from './lpips.js';

/** Weights of the parts of taming's loss; the defaults are its class's, but for discWeight, which its configs set to 0.8. */
export interface AdversarialLossConfig {
  /** What pixels are judged by; default ABSOLUTE_DIFFERENCE, as taming. */
  readonly reconstruction?: ReconstructionWeights;
  /** Of LPIPS, added to the reconstruction (default 1). */
  readonly perceptualWeight?: number;
  /** How latents and codes pull each other; default by taming's codebook loss, a gradient for both. */
  readonly quantization?: QuantizationLossOptions;
  /** Of that pull (default 1). */
  readonly codebookWeight?: number;
  /** Of the adversarial loss, beside the adaptive weight (default 0.8). */
  readonly discWeight?: number;
  /** Whether the adversarial loss has its adaptive weight λ (default true); else discWeight alone. */
  readonly adaptive?: boolean;
  /** Of both adversarial losses from `discStart` on (default 1). */
  readonly discFactor?: number;
  /** Batches before the adversarial losses count (default 0). */
  readonly discStart?: number;
  /** Default hinge. */
  readonly discLoss?: GanLoss;
}

/** The mean absolute difference of pixels and nothing else. */
export const ABSOLUTE_DIFFERENCE: ReconstructionWeights = { l1: 1, mse: 0, gradient: [], pooledL1: [] };

/** Numbers of one batch, before its updates. */
export interface AdversarialMetrics {
  readonly totalLoss: number;
  /** Codebook loss, unweighted. */
  readonly quantLoss: number;
  /** Reconstruction loss and weighted perceptual distance. */
  readonly nllLoss: number;
  readonly reconstructionLoss: number;
  readonly perceptualLoss: number;
  /** −mean of the discriminator's logits of drawn pictures. */
  readonly generatorLoss: number;
  /** Adaptive weight times discWeight: what generatorLoss is multiplied by from discStart on. */
  readonly adaptiveWeight: number;
  readonly discFactor: number;
  readonly discriminatorLoss: number;
  readonly logitsReal: number;
  readonly logitsFake: number;
  /** What the batch chose, for codebook use: int32 tokens [R], R = B·h·w. */
  readonly indices: Int32Array;
  /** The latents that chose them, [R·E]. */
  readonly latents: Float32Array;
}

/** What trains beside the VQGAN, and with what. */
export interface AdversarialParts {
  readonly discriminator: PatchDiscriminator;
  /** Without it pictures are judged by the reconstruction loss alone. */
  readonly lpips?: Lpips | undefined;
  /** Weights of the VQGAN that follow gradients; default all. Leave the codebook out where it follows moving averages. */
  readonly trained?: ReadonlyMap<string, tf.Variable>;
  /** For encoder, codebook and decoder. */
  readonly generatorOptimizer: Optimizer;
  readonly discriminatorOptimizer: Optimizer;
  readonly config?: AdversarialLossConfig;
}

/** Adam as taming has it for both networks: betas 0.5 and 0.9, no decay, and by default a constant rate. */
export function tamingAdam(learningRate: number | Schedule): AdamW {
  // Not whose very first rate is 0.
  const schedule = typeof learningRate === 'number' ? () => learningRate : learningRate;
  return new AdamW({ schedule, beta1: 0.5, beta2: 0.9 });
}

/**
 * Sees the gradients of one network by name before its update, and may return a factor for them (`clipFactor` gives one). They are disposed after
 * the update. What it throws stops the step; the network keeps its weights then.
 */
export type GradientHook = (
  network: 'generator' | 'discriminator',
  grads: ReadonlyMap<string, tf.Tensor>,
  loss: number,
  // biome-ignore lint/suspicious/noConfusingVoidType: most hooks only look
) => number | void;

/**
 * One batch of taming's training: an update of the VQGAN, then one of the discriminator on pictures that the new VQGAN draws.
 *
 *     nll = reconstruction(x, x̂) + perceptualWeight·mean LPIPS(x, x̂)      g = −mean D(x̂)
 *     λ = discWeight·clamp(‖∂nll/∂W‖ / (‖∂g/∂W‖ + 1e-4), 0, 1e4), W = decoder.conv_out.kernel
 *     generator:      nll + λ·factor·g + codebookWeight·quantization
 *     discriminator:  factor·discriminatorLoss(D(x), D(x̂)), x̂ fixed
 *
 * pixels: [B, H, W, 3] in [0, 1]; LPIPS and D see them in [−1, 1], as taming does. `batch`: number of this batch from 0. The gradients of nll and
 * g are computed at the drawn pictures, so that λ costs two small products and no second pass through the decoder.
 * Source: Esser et al. 2021, arXiv:2012.09841; taming `models/vqgan.py` training_step, `modules/losses/vqperceptual.py`.
 */
export function adversarialStep(
  model: Vqgan,
  pixels: tf.Tensor4D,
  batch: number,
  parts: AdversarialParts,
  options: LpipsOptions & { readonly onGradients?: GradientHook } = {},
): AdversarialMetrics {
  const generator = generatorUpdate(model, pixels, batch, parts, options);
  const discriminator = discriminatorUpdate(model, pixels, batch, parts, options);
  return { ...generator, ...discriminator };
}

type GeneratorMetrics = Omit<AdversarialMetrics, 'discriminatorLoss' | 'logitsReal' | 'logitsFake'>;

function generatorUpdate(
  model: Vqgan,
  pixels: tf.Tensor4D,
  batch: number,
  { discriminator, lpips, generatorOptimizer, trained, config = {} }: AdversarialParts,
  { keep, onGradients }: LpipsOptions & { readonly onGradients?: GradientHook },
): GeneratorMetrics {
  const { perceptualWeight = 1, codebookWeight = 1, discWeight = 0.8, adaptive = true } = config;
  const { discFactor = 1, discStart = 0, reconstruction = ABSOLUTE_DIFFERENCE } = config;
  const { quantization: pull = { codebookLoss: LEGACY_CODEBOOK_LOSS } } = config;
  const factor = discriminatorFactor(discFactor, batch, discStart);
  const weights = model.namedWeights();
  const variables = trained ?? weights;
  const lastKernel = (weights.get('decoder.conv_out.kernel') as tf.Variable).shape;
  const judged: Partial<JudgedPictures> = {};
  /** Of a picture in [0, 1] by what the last convolution gives. */
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
    // Its value is told afterwards; its gradient comes from the losses at the drawn pictures.
    const picturesLoss = tf.customGrad((...args) => {
      const [x, save] = args as unknown as [tf.Tensor4D, tf.GradSaveFunc];
      save([x]);
      const gradFunc = (_: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
        const perceptual = lpips && { lpips, weight: perceptualWeight, ...(keep && { keep }) };
        const result = judge(pixels, saved[0] as tf.Tensor4D, discriminator, { reconstruction, perceptual });
        const norm = (gradient: tf.Tensor4D): number =>
          slope * filterGradientNorm(kept, gradient, lastKernel);
        const ratio = adaptive
          ? adaptiveWeight(norm(result.nllGradient), norm(result.adversarialGradient))
          : 1;
        const weight = discWeight * ratio;
        Object.assign(judged, { ...result.losses, adaptiveWeight: weight });
        return tf.add(result.nllGradient, tf.mul(result.adversarialGradient, weight * factor));
      };
      return { value: tf.scalar(0), gradFunc };
    });
    const drawn = model.decodeFeatures(features);
    const loss = tf.add(picturesLoss(drawn), tf.mul(quantization, codebookWeight)) as tf.Scalar;
    return { loss, quantization, indices, latents: rows };
  }, variables);
  last?.dispose();

  const found = judged as JudgedPictures;
  const quantLoss = scalar(outputs.quantization as tf.Tensor);
  const totalLoss =
    found.nllLoss + found.adaptiveWeight * factor * found.generatorLoss + codebookWeight * quantLoss;
  const indices = (outputs.indices as tf.Tensor).dataSync() as Int32Array;
  const latents = (outputs.latents as tf.Tensor).dataSync() as Float32Array;
  tf.dispose([value, ...Object.values(outputs)]);
  apply(generatorOptimizer, variables, grads, () => onGradients?.('generator', grads, totalLoss));
  return { ...found, totalLoss, quantLoss, discFactor: factor, indices, latents };
}

interface JudgedPictures {
  readonly nllLoss: number;
  readonly reconstructionLoss: number;
  readonly perceptualLoss: number;
  readonly generatorLoss: number;
  readonly adaptiveWeight: number;
}

/** Both losses of drawn pictures [0, 1] and their gradients there. Call inside tidy. */
function judge(
  original: tf.Tensor4D,
  drawn: tf.Tensor4D,
  discriminator: PatchDiscriminator,
  options: PictureLossOptions,
): {
  readonly losses: Omit<JudgedPictures, 'adaptiveWeight'>;
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
        nllLoss: scalar(nll.value),
        reconstructionLoss: scalar(nll.outputs.reconstruction as tf.Tensor),
        perceptualLoss: scalar(nll.outputs.perceptual as tf.Tensor),
        generatorLoss: scalar(adversarial.value),
      },
      nllGradient: nll.grads.get('pictures') as tf.Tensor4D,
      adversarialGradient: adversarial.grads.get('pictures') as tf.Tensor4D,
    };
  } finally {
    pictures.dispose();
  }
}

function discriminatorUpdate(
  model: Vqgan,
  pixels: tf.Tensor4D,
  batch: number,
  { discriminator, discriminatorOptimizer, config = {} }: AdversarialParts,
  { onGradients }: { readonly onGradients?: GradientHook },
): Pick<AdversarialMetrics, 'discriminatorLoss' | 'logitsReal' | 'logitsFake'> {
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
  const metrics = {
    discriminatorLoss: scalar(value),
    logitsReal: scalar(outputs.logitsReal as tf.Tensor),
    logitsFake: scalar(outputs.logitsFake as tf.Tensor),
  };
  tf.dispose([real, drawn, value, ...Object.values(outputs)]);
  apply(discriminatorOptimizer, variables, grads, () =>
    onGradients?.('discriminator', grads, metrics.discriminatorLoss),
  );
  return metrics;
}

function apply(
  optimizer: Optimizer,
  variables: ReadonlyMap<string, tf.Variable>,
  grads: ReadonlyMap<string, tf.Tensor>,
  // biome-ignore lint/suspicious/noConfusingVoidType: as GradientHook
  before: () => number | void | undefined,
): void {
  try {
    optimizer.apply(variables, grads, before() ?? 1);
  } finally {
    tf.dispose([...grads.values()]);
  }
}

/** ‖∂/∂kernel‖ of a 3×3 convolution that keeps the size, from its input and its output's gradient. */
function filterGradientNorm(input: tf.Tensor4D, gradient: tf.Tensor4D, kernelShape: number[]): number {
  return tf.tidy(() => {
    const convolve = (kernel: tf.Tensor): tf.Tensor => tf.conv2d(input, kernel as tf.Tensor4D, 1, 'same');
    const grad = tf.grad(convolve)(tf.zeros(kernelShape), gradient);
    return scalar(tf.norm(grad));
  });
}

function scalar(x: tf.Tensor): number {
  return x.dataSync()[0] as number;
}
