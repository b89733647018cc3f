import { AdamW, type Optimizer, type Schedule, valueAndGrads } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { codebookLoss, straightThrough } from '../losses.js';
import type { Vqgan } from '../model.js';
import type { PatchDiscriminator } from './discriminator.js';
import { adaptiveWeight, discriminatorFactor, discriminatorLoss, type GanLoss } from './gan-losses.js';
import type { Lpips, LpipsOptions } from './lpips.js';

/** Weights of the parts of taming's loss; the defaults are its class's, but for discWeight, which its configs set to 0.8. */
export interface AdversarialLossConfig {
  /** Of LPIPS, added to each pixel's absolute difference (default 1). */
  readonly perceptualWeight?: number;
  /** Of the codebook's loss (default 1). */
  readonly codebookWeight?: number;
  /** Of the adversarial loss, beside the adaptive weight (default 0.8). */
  readonly discWeight?: number;
  /** Of both adversarial losses from `discStart` on (default 1). */
  readonly discFactor?: number;
  /** Batches before the adversarial losses count (default 0). */
  readonly discStart?: number;
  /** Default hinge. */
  readonly discLoss?: GanLoss;
}

/** Numbers of one batch, before its updates. */
export interface AdversarialMetrics {
  readonly totalLoss: number;
  /** Codebook loss, unweighted. */
  readonly quantLoss: number;
  /** Mean of absolute differences and weighted perceptual distance. */
  readonly nllLoss: number;
  readonly perceptualLoss: number;
  /** −mean of the discriminator's logits of drawn pictures. */
  readonly generatorLoss: number;
  /** Adaptive weight times discWeight. */
  readonly adaptiveWeight: number;
  readonly discFactor: number;
  readonly discriminatorLoss: number;
  readonly logitsReal: number;
  readonly logitsFake: number;
  /** What the batch chose, for codebook use: int32 tokens. */
  readonly indices: Int32Array;
}

/** What trains beside the VQGAN, and with what. */
export interface AdversarialParts {
  readonly discriminator: PatchDiscriminator;
  /** Without it the reconstruction is judged by absolute differences alone. */
  readonly lpips?: Lpips | undefined;
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

/** Gradients of one network by name, for a caller who wants to see or clip them; disposed after the update. */
export type GradientHook = (
  network: 'generator' | 'discriminator',
  grads: ReadonlyMap<string, tf.Tensor>,
  loss: number,
) => void;

/**
 * One batch of taming's training: an update of the VQGAN, then one of the discriminator on pictures that the new VQGAN draws.
 *
 *     rec = |x − x̂| + perceptualWeight·LPIPS(x, x̂)     nll = mean rec      g = −mean D(x̂)
 *     λ = discWeight·clamp(‖∂nll/∂W‖ / (‖∂g/∂W‖ + 1e-4), 0, 1e4), W = decoder.conv_out.kernel
 *     generator:      nll + λ·factor·g + codebookWeight·codebookLoss (its legacy form)
 *     discriminator:  factor·discriminatorLoss(D(x), D(x̂)), x̂ fixed
 *
 * pixels: [B, H, W, 3] in [0, 1]; the losses see them in [−1, 1], as taming does. `batch`: number of this batch from 0. The gradients of nll and
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
  { discriminator, lpips, generatorOptimizer, config = {} }: AdversarialParts,
  { keep, onGradients }: LpipsOptions & { readonly onGradients?: GradientHook },
): GeneratorMetrics {
  const {
    perceptualWeight = 1,
    codebookWeight = 1,
    discWeight = 0.8,
    discFactor = 1,
    discStart = 0,
  } = config;
  const factor = discriminatorFactor(discFactor, batch, discStart);
  const variables = model.namedWeights();
  const judged: Partial<JudgedPictures> = {};
  /** Of a picture in [−1, 1] by what the last convolution gives. */
  const slope = model.config.pixelRange === 'signed' ? 1 : 2;
  let last: tf.Tensor4D | undefined;

  const { value, outputs, grads } = valueAndGrads(() => {
    const latents = model.encodeToLatent(pixels);
    const indices = model.quantizer.indices(latents);
    const codes = tf.reshape(model.quantizer.lookUp(indices), latents.shape);
    const quantization = codebookLoss(latents, codes);
    const features = model.decoderFeatures(straightThrough(latents, codes as tf.Tensor4D));
    const kept = tf.keep(tf.clone(features));
    last = kept;
    // Its value is told afterwards; its gradient comes from the losses at the drawn pictures.
    const picturesLoss = tf.customGrad((...args) => {
      const [x, save] = args as unknown as [tf.Tensor4D, tf.GradSaveFunc];
      save([x]);
      const gradFunc = (_: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
        const judges = { discriminator, lpips, perceptualWeight, ...(keep && { keep }) };
        const result = judge(toSigned(pixels), saved[0] as tf.Tensor4D, judges);
        const kernel = variables.get('decoder.conv_out.kernel') as tf.Variable;
        const norm = (gradient: tf.Tensor4D): number =>
          slope * filterGradientNorm(kept, gradient, kernel.shape);
        const adaptive = adaptiveWeight(norm(result.nllGradient), norm(result.adversarialGradient));
        const weight = discWeight * adaptive;
        Object.assign(judged, { ...result.losses, adaptiveWeight: weight });
        return tf.add(result.nllGradient, tf.mul(result.adversarialGradient, weight * factor));
      };
      return { value: tf.scalar(0), gradFunc };
    });
    const drawn = toSigned(model.decodeFeatures(features));
    const loss = tf.add(picturesLoss(drawn), tf.mul(quantization, codebookWeight)) as tf.Scalar;
    return { loss, quantization, indices };
  }, variables);
  last?.dispose();

  const { nllLoss, perceptualLoss, generatorLoss, adaptiveWeight: weight } = judged as JudgedPictures;
  const quantLoss = scalar(outputs.quantization as tf.Tensor);
  const totalLoss = nllLoss + weight * factor * generatorLoss + codebookWeight * quantLoss;
  const chosen = (outputs.indices as tf.Tensor).dataSync() as Int32Array;
  tf.dispose([value, ...Object.values(outputs)]);
  apply(generatorOptimizer, variables, grads, () => onGradients?.('generator', grads, totalLoss));
  return {
    totalLoss,
    quantLoss,
    nllLoss,
    perceptualLoss,
    generatorLoss,
    adaptiveWeight: weight,
    discFactor: factor,
    indices: chosen,
  };
}

interface JudgedPictures {
  readonly nllLoss: number;
  readonly perceptualLoss: number;
  readonly generatorLoss: number;
  readonly adaptiveWeight: number;
}

/** Both losses of drawn pictures and their gradients there. Call inside tidy. */
function judge(
  original: tf.Tensor4D,
  drawn: tf.Tensor4D,
  {
    discriminator,
    lpips,
    perceptualWeight,
    keep,
  }: Pick<AdversarialParts, 'discriminator' | 'lpips'> & LpipsOptions & { readonly perceptualWeight: number },
): {
  readonly losses: Omit<JudgedPictures, 'adaptiveWeight'>;
  readonly nllGradient: tf.Tensor4D;
  readonly adversarialGradient: tf.Tensor4D;
} {
  const pictures = tf.variable(drawn) as unknown as tf.Variable<tf.Rank.R4>;
  try {
    const at = new Map([['pictures', pictures]]) as unknown as ReadonlyMap<string, tf.Variable>;
    const nll = valueAndGrads(() => {
      const absolute = tf.mean(tf.abs(tf.sub(original, pictures)));
      const perceptual =
        lpips !== undefined && perceptualWeight !== 0
          ? tf.mean(lpips.distance(original, pictures, keep ? { keep } : {}))
          : tf.scalar(0);
      return { loss: tf.add(absolute, tf.mul(perceptual, perceptualWeight)) as tf.Scalar, perceptual };
    }, at);
    const adversarial = valueAndGrads(
      () => tf.neg(tf.mean(discriminator.judge(pictures, true))) as tf.Scalar,
      at,
    );
    return {
      losses: {
        nllLoss: scalar(nll.value),
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
  before: () => void,
): void {
  try {
    before();
    optimizer.apply(variables, grads);
  } finally {
    tf.dispose([...grads.values()]);
  }
}

/** Pixels of [0, 1] as [−1, 1]. */
function toSigned(pixels: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => tf.sub(tf.mul(pixels, 2), 1));
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
