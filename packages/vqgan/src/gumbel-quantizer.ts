import { CompositeLayer, Conv2d, ShapeError } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { straightThrough } from './losses.js';

/** Sizes of a GumbelQuantizer. */
export interface GumbelQuantizerConfig {
  /** Channels of the latents. */
  readonly inputChannels: number;
  /** Length of a code. */
  readonly embedDim: number;
  readonly nEmbed: number;
}

/** Options of `quantize`. */
export interface GumbelOptions {
  /**
   * Gumbel noise of the logits, [B, h, w, nEmbed]. Without noise (the default) the likeliest code
   * is taken.
   */
  readonly noise?: tf.Tensor4D;
  /** Logits and noise are divided by this (default 1). */
  readonly temperature?: number;
  /**
   * Whether the result is a single code with the mixture's gradient (default true), or the mixture
   * itself.
   */
  readonly hard?: boolean;
  /** Weight of the divergence from even use of the codes (default 5e-4). */
  readonly klWeight?: number;
}

/** The results of `quantize`. */
export interface GumbelQuantized {
  /** [B, h, w, embedDim]. */
  readonly quantized: tf.Tensor4D;
  /**
   * klWeight · mean over places of Σ q·ln(q·nEmbed + 1e-10). q has neither noise nor temperature.
   */
  readonly divergence: tf.Scalar;
  /** int32 [B, h, w]: the likeliest code under the noise. */
  readonly indices: tf.Tensor3D;
}

/**
 * Chooses codes at random: logits = proj(z), y = softmax((logits + noise)/temperature), quantized =
 * y·embed.
 *
 * Latents are [B, h, w, inputChannels]. The weights are `proj.kernel` [1, 1, C, nEmbed],
 * `proj.bias` and `embed` [nEmbed, embedDim]. They are zeros until they are set. Source: Jang et
 * al. 2016, arXiv:1611.01144; taming `modules/vqvae/quantize.py`, GumbelQuantize. No published
 * DALL·E mini model has one.
 */
export class GumbelQuantizer extends CompositeLayer {
  static className = 'EaselGumbelQuantizer';
  private readonly proj: Conv2d;
  private readonly embed: ReturnType<GumbelQuantizer['addWeight']>;
  private readonly nEmbed: number;

  constructor({ inputChannels, embedDim, nEmbed }: GumbelQuantizerConfig) {
    super();
    this.nEmbed = nEmbed;
    const sizes = { inputChannels, outputChannels: nEmbed, kernelSize: 1 };
    this.proj = this.child('proj', new Conv2d({ ...sizes, kernelInitializer: 'zeros' }));
    this.embed = this.addWeight('embed', [nEmbed, embedDim], 'float32', tf.initializers.zeros());
  }

  /**
   * Quantizes latents. Throws ShapeError if the noise does not have the logits' shape. Call it
   * inside tidy, or dispose the three results.
   */
  quantize(
    latents: tf.Tensor4D,
    { noise, temperature = 1, hard = true, klWeight = 5e-4 }: GumbelOptions = {},
  ): GumbelQuantized {
    const { nEmbed } = this;
    const [batch, height, width] = latents.shape;
    return tf.tidy(() => {
      const logits = this.proj.call(latents); // [B, h, w, n]
      if (noise !== undefined && `${noise.shape}` !== `${logits.shape}`) {
        throw new ShapeError(`GumbelQuantizer: expected noise [${logits.shape}], got [${noise.shape}].`);
      }
      const noisy = noise === undefined ? logits : tf.add(logits, noise);
      const rows = tf.reshape(tf.div(noisy, temperature), [-1, nEmbed]); // [R, n]
      const soft = tf.softmax(rows) as tf.Tensor2D;
      const indices = tf.argMax(rows, 1) as tf.Tensor1D;
      const chosen = hard
        ? straightThrough(soft, tf.oneHot(indices, nEmbed, 1, 0, 'float32') as tf.Tensor2D)
        : soft;
      const quantized = tf.matMul(chosen, this.embed.read() as tf.Tensor2D);
      const even = tf.softmax(tf.reshape(logits, [-1, nEmbed]));
      const terms = tf.mul(even, tf.log(tf.add(tf.mul(even, nEmbed), 1e-10)));
      return {
        quantized: tf.reshape(quantized, [batch, height, width, -1]) as tf.Tensor4D,
        divergence: tf.mul(tf.mean(tf.sum(terms, 1)), klWeight) as tf.Scalar,
        indices: tf.reshape(indices, [batch, height, width]) as tf.Tensor3D,
      };
    });
  }

  /** Replaces latents by their likeliest codes, without noise. */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor4D {
    return tf.tidy(() => this.quantize(inputs as tf.Tensor4D).quantized);
  }
}
