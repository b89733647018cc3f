import { ShapeError } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { Lpips, LpipsOptions } from './lpips.js';
import type { Vqgan } from './model.js';
import { averagePool2x } from './resample.js';

/**
 * Weights of the parts of reconstructionLoss. Level 0 is the picture. Each further level halves it
 * by averaging 2×2 pixels.
 */
export interface ReconstructionWeights {
  /** Weight of the mean absolute difference at full size. */
  readonly l1: number;
  /** Weight of the mean squared difference at full size. */
  readonly mse: number;
  /**
   * Weights of the mean absolute difference of the steps between neighbouring pixels (down plus
   * across), for levels 0, 1, …
   */
  readonly gradient: readonly number[];
  /** Weights of the mean absolute difference of averaged pixels, for levels 1, 2, … */
  readonly pooledL1: readonly number[];
}

/**
 * Weights that favour colour over edges. At 64 px they are L1 + MSE + 0.2 · gradients at 64 and 32
 * px + L1 at 32 (0.5), 16 (0.5) and 8 px (1). On drawings they gave 0.7 dB more at equal steps than
 * L1 + 0.5 · gradients + 0.5 · L1 at 32 and 16 px, and colours came right earlier.
 */
export const COLOUR_WEIGHTED: ReconstructionWeights = {
  l1: 1,
  mse: 1,
  gradient: [0.2, 0.2],
  pooledL1: [0.5, 0.5, 1],
};

/**
 * Computes how far a drawn picture is from the real one, a scalar.
 *
 * pixels, decoded: float32 [B, H, W, C], pictures in [0, 1]. Differences are doubled, to the scale
 * [−1, 1] for which COLOUR_WEIGHTED was tuned, whatever range the network works in. Parts of weight
 * 0 cost nothing. The result is differentiable in both. Throws ShapeError if the shapes differ or a
 * level would have no pixel.
 */
export function reconstructionLoss(
  pixels: tf.Tensor4D,
  decoded: tf.Tensor4D,
  weights: ReconstructionWeights = COLOUR_WEIGHTED,
): tf.Scalar {
  if (pixels.rank !== 4 || `${pixels.shape}` !== `${decoded.shape}`) {
    throw new ShapeError(
      `reconstructionLoss: expected two tensors [B, H, W, C] of one shape, got [${pixels.shape}] and [${decoded.shape}]. Are height and width multiples of the VQGAN's downsampling factor?`,
    );
  }
  const levels = Math.max(weights.gradient.length, weights.pooledL1.length + 1);
  const side = Math.min(pixels.shape[1], pixels.shape[2]);
  if (Math.floor(side / 2 ** (levels - 1)) < (weights.gradient.length === levels ? 2 : 1)) {
    throw new ShapeError(
      `reconstructionLoss: expected pictures large enough for ${levels} levels, got [${pixels.shape}]. Leave out the last weights of gradient and pooledL1.`,
    );
  }
  return tf.tidy(() => {
    // Every part is a function of the difference alone, since averaging and stepping are linear.
    let difference: tf.Tensor4D = tf.mul(tf.sub(decoded, pixels), 2);
    const parts: tf.Tensor[] = [];
    const add = (weight: number, part: () => tf.Tensor): void => {
      if (weight !== 0) parts.push(tf.mul(part(), weight));
    };
    add(weights.l1, () => tf.mean(tf.abs(difference)));
    add(weights.mse, () => tf.mean(tf.square(difference)));
    for (let level = 0; level < levels; level++) {
      if (level > 0) difference = averagePool2x(difference);
      if (level > 0) add(weights.pooledL1[level - 1] ?? 0, () => tf.mean(tf.abs(difference)));
      add(weights.gradient[level] ?? 0, () => tf.add(meanStep(difference, 1), meanStep(difference, 2)));
    }
    return tf.addN([tf.scalar(0), ...parts]) as tf.Scalar;
  });
}

/** Mean absolute step between neighbours along an axis. */
function meanStep(x: tf.Tensor4D, axis: 1 | 2): tf.Tensor {
  const begin = [0, 0, 0, 0];
  begin[axis] = 1;
  const size = [...x.shape];
  size[axis] = (size[axis] as number) - 1;
  return tf.mean(tf.abs(tf.sub(tf.slice(x, begin, size), tf.slice(x, [0, 0, 0, 0], size))));
}

/**
 * The straight-through estimator. Forward, it returns the codes. Backward, it hands the codes'
 * gradient to the latents unchanged, since the choice of a code has no gradient. The codes
 * themselves get no gradient from it.
 *
 * latents, codes: float32 of one shape. Source: van den Oord et al. 2017, arXiv:1711.00937 §3.2.
 */
export function straightThrough<T extends tf.Tensor>(latents: T, codes: T): T {
  const pass = tf.customGrad(() => ({ value: tf.clone(codes), gradFunc: (dy: tf.Tensor) => tf.clone(dy) }));
  return pass(latents) as T;
}

/**
 * Pulls latents towards the codes that they chose: the mean over places of ‖z − e‖², with the codes
 * held fixed.
 *
 * latents, codes: float32 [.., E] of one shape. It is meant for codebooks that follow moving
 * averages (CodebookTracker).
 */
export function commitmentLoss(latents: tf.Tensor, codes: tf.Tensor): tf.Scalar {
  const places = latents.size / (latents.shape[latents.rank - 1] as number);
  const loss = tf.customGrad((...args) => {
    const [z, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc];
    const difference = tf.sub(z, codes);
    save([difference]);
    return {
      value: tf.div(tf.sum(tf.square(difference)), places),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(saved[0] as tf.Tensor, tf.mul(dy, 2 / places)),
    };
  });
  return loss(latents) as tf.Scalar;
}

/** Weights of the two halves of codebookLoss. */
export interface CodebookLossWeights {
  /** Weight of the pull on the latents. */
  readonly commitment: number;
  /** Weight of the pull on the codes. */
  readonly codebook: number;
}

/** taming's weights: its "legacy" form, in which beta = 0.25 weighs the codebook's half. */
export const LEGACY_CODEBOOK_LOSS: CodebookLossWeights = { commitment: 1, codebook: 0.25 };

/**
 * commitment · mean((z − sg(e))²) + codebook · mean((sg(z) − e)²), with means over all elements. It
 * is meant for codebooks that learn by gradient.
 *
 * latents, codes: float32 of one shape. Source: taming `modules/vqvae/quantize.py`,
 * VectorQuantizer2.
 */
export function codebookLoss(
  latents: tf.Tensor,
  codes: tf.Tensor,
  weights: CodebookLossWeights = LEGACY_CODEBOOK_LOSS,
): tf.Scalar {
  const { commitment, codebook } = weights;
  const { size } = latents;
  const loss = tf.customGrad((...args) => {
    const [z, e, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const difference = tf.sub(z, e);
    save([difference]);
    return {
      value: tf.mul(tf.sum(tf.square(difference)), (commitment + codebook) / size),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const pull = (factor: number): tf.Tensor =>
          tf.mul(saved[0] as tf.Tensor, tf.mul(dy, (2 * factor) / size));
        return [pull(commitment), pull(-codebook)];
      },
    };
  });
  return loss(latents, codes) as tf.Scalar;
}

/** Options of pictureLoss: the parts by which a drawn picture is judged. */
export interface PictureLossOptions {
  /** Weights of the reconstruction loss (default COLOUR_WEIGHTED). */
  readonly reconstruction?: ReconstructionWeights | undefined;
  /** LPIPS with its weight in the loss (default none). `keep` is the dropout of its last layers. */
  readonly perceptual?: (LpipsOptions & { readonly lpips: Lpips; readonly weight: number }) | undefined;
}

/** The results of pictureLoss. */
export type PictureLossResult = {
  /** reconstruction + weight · perceptual. */
  loss: tf.Scalar;
  reconstruction: tf.Scalar;
  /** Mean LPIPS distance, unweighted; 0 without LPIPS. */
  perceptual: tf.Scalar;
};

/**
 * Computes how far drawn pictures are from the real ones by pixels and, if asked for, by LPIPS.
 * Both are [B, H, W, 3] in [0, 1]. Call it inside tidy.
 */
export function pictureLoss(
  pixels: tf.Tensor4D,
  drawn: tf.Tensor4D,
  { reconstruction: weights, perceptual: judge }: PictureLossOptions = {},
): PictureLossResult {
  const reconstruction = reconstructionLoss(pixels, drawn, weights);
  if (judge === undefined || judge.weight === 0)
    return { loss: reconstruction, reconstruction, perceptual: tf.scalar(0) };
  const { lpips, weight, keep } = judge;
  const distances = lpips.distance(toSigned(pixels), toSigned(drawn), keep === undefined ? {} : { keep });
  const perceptual = tf.mean(distances) as tf.Scalar;
  return {
    loss: tf.add(reconstruction, tf.mul(perceptual, weight)) as tf.Scalar,
    reconstruction,
    perceptual,
  };
}

/** Maps pixels from [0, 1] to [−1, 1], the range of LPIPS and discriminators. */
export function toSigned(pixels: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => tf.sub(tf.mul(pixels, 2), 1));
}

/** Options of quantizationLoss. */
export interface QuantizationLossOptions {
  /**
   * Weight of commitmentLoss, for codes that follow moving averages (default 0.25). It is not used
   * with `codebookLoss`.
   */
  readonly commitment?: number;
  /** Weights with which the codebook learns by gradient, in place of moving averages. */
  readonly codebookLoss?: CodebookLossWeights | undefined;
}

/**
 * Computes the loss that pulls latents and their codes together: weighted commitmentLoss, or
 * codebookLoss. latents and codes have one shape.
 */
export function quantizationLoss(
  latents: tf.Tensor,
  codes: tf.Tensor,
  { commitment = 0.25, codebookLoss: weights }: QuantizationLossOptions = {},
): tf.Scalar {
  return tf.tidy(() =>
    weights === undefined
      ? (tf.mul(commitmentLoss(latents, codes), commitment) as tf.Scalar)
      : codebookLoss(latents, codes, weights),
  );
}

/** Options of vqganLoss. */
export interface VqganLossOptions extends PictureLossOptions, QuantizationLossOptions {
  /** Weight of quantizationLoss (default 1). */
  readonly codebookWeight?: number;
}

/**
 * The results of vqganLoss. `loss` is the sum of reconstruction, weighted perceptual distance and
 * weighted quantization.
 */
export type VqganLossResult = PictureLossResult & {
  /** quantizationLoss, not multiplied by codebookWeight. */
  quantization: tf.Scalar;
  /** Latents [R, E] of the R = B·h·w places, for CodebookTracker. */
  latents: tf.Tensor2D;
  /** Indices of the chosen codes, int32 [R]. */
  indices: tf.Tensor1D;
};

/**
 * Computes the loss of a batch of pictures [B, H, W, 3] in [0, 1], for valueAndGrads. It is the
 * picture loss of the reconstruction through the chosen codes, with the straight-through gradient,
 * plus the quantization loss.
 */
export function vqganLoss(
  model: Vqgan,
  pixels: tf.Tensor4D,
  options: VqganLossOptions = {},
): VqganLossResult {
  const { codebookWeight = 1 } = options;
  return tf.tidy(() => {
    const latents = model.encodeToLatent(pixels);
    const rows = toRows(latents);
    const indices = tf.reshape(model.quantizer.indices(latents), [rows.shape[0]]) as tf.Tensor1D;
    const codes = model.quantizer.lookUp(indices);
    const quantization = quantizationLoss(rows, codes, options);
    const chosen = tf.reshape(straightThrough<tf.Tensor>(rows, codes), latents.shape) as tf.Tensor4D;
    const judged = pictureLoss(pixels, model.decodeLatent(chosen), options);
    const loss = tf.add(judged.loss, tf.mul(quantization, codebookWeight)) as tf.Scalar;
    return { ...judged, loss, quantization, latents: rows, indices };
  });
}

/** The results of autoencoderLoss. */
export type AutoencoderLossResult = PictureLossResult & {
  /** Latents [R, E] of the R = B·h·w places, from which k-means starts. */
  latents: tf.Tensor2D;
};

/**
 * Computes the loss without a codebook: latents go to the decoder as they are. The first steps of a
 * training use it.
 */
export function autoencoderLoss(
  model: Vqgan,
  pixels: tf.Tensor4D,
  options: PictureLossOptions = {},
): AutoencoderLossResult {
  return tf.tidy(() => {
    const latents = model.encodeToLatent(pixels);
    return { ...pictureLoss(pixels, model.decodeLatent(latents), options), latents: toRows(latents) };
  });
}

/** Reshapes latents [B, h, w, E] to [B·h·w, E], row by row. */
export function toRows(latents: tf.Tensor4D): tf.Tensor2D {
  const [batch, height, width, size] = latents.shape;
  return tf.reshape(latents, [batch * height * width, size]) as tf.Tensor2D;
}
