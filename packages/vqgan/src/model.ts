import { CompositeLayer, type Conv2d, EaselError, normalizeL2, ShapeError } from '@easel/core';
import { singleInput } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';
import { convolution } from './blocks.js';
import { checkVqganConfig, type VqganConfig } from './config.js';
import { Decoder } from './decoder.js';
import { Encoder } from './encoder.js';
import { Quantizer } from './quantizer.js';

/** Options that say which half of a Vqgan is built. */
export interface VqganOptions {
  /**
   * Whether the weights that only encoding needs are left out (default false). Half of the weights
   * are enough to draw.
   */
  readonly decoderOnly?: boolean;
}

/**
 * The image tokenizer: pixels → a small map of tokens → pixels.
 *
 * Pixels are float32 [B, H, W, 3] in [0, 1], whatever range the network works in
 * (config.pixelRange). Height and width must be at least 2^(levels − 1). Drawn pictures have a
 * multiple of 2^(levels − 1) pixels a side. Drawn values are not clipped. Weights are zeros until
 * they are loaded (loadWeights with a table of weights.ts) or drawn (initializeVqgan). Source:
 * Esser et al. 2021, arXiv:2012.09841; vqgan-jax, which DALL·E mini uses.
 */
export class Vqgan extends CompositeLayer {
  readonly config: VqganConfig;
  readonly quantizer: Quantizer;
  private readonly front: { readonly encoder: Encoder; readonly quantConv: Conv2d } | undefined;
  private readonly postQuantConv: Conv2d;
  private readonly decoder: Decoder;

  /** Throws ConfigError if the config's widths do not fit together. */
  constructor(config: VqganConfig, { decoderOnly = false }: VqganOptions = {}) {
    super();
    checkVqganConfig(config, 'Vqgan');
    this.config = config;
    if (!decoderOnly) {
      const encoded = config.zChannels * (config.doubleZ ? 2 : 1);
      this.front = {
        encoder: this.child('encoder', new Encoder(config)),
        quantConv: this.child('quant_conv', convolution(encoded, config.embedDim, 1)),
      };
    }
    this.quantizer = this.child('quantize', new Quantizer(config.nEmbed, config.embedDim));
    this.postQuantConv = this.child('post_quant_conv', convolution(config.embedDim, config.zChannels, 1));
    this.decoder = this.child('decoder', new Decoder(config));
  }

  /** Whether this model can encode pictures. A model built with decoderOnly cannot. */
  get canEncode(): boolean {
    return this.front !== undefined;
  }

  /**
   * Encodes pixels [B, H, W, 3] to latents [B, h, w, embedDim], before codes are chosen. With
   * codebookNorm 'l2' they have length 1.
   */
  encodeToLatent(pixels: tf.Tensor4D): tf.Tensor4D {
    const { front } = this;
    if (front === undefined) {
      throw new EaselError(
        'Vqgan: expected the encoder to be there, but this model was built or saved with the decoder only. Open the full VQGAN to encode pictures.',
      );
    }
    const { inChannels, pixelRange, codebookNorm } = this.config;
    if (pixels.rank !== 4 || pixels.shape[3] !== inChannels) {
      throw new ShapeError(`Vqgan: expected pixels [B, H, W, ${inChannels}], got [${pixels.shape}].`);
    }
    return tf.tidy(() => {
      const x = pixelRange === 'signed' ? tf.sub(tf.mul(pixels, 2), 1) : pixels;
      const z = front.quantConv.call(front.encoder.call(x));
      return codebookNorm === 'l2' ? normalizeL2(z) : z;
    });
  }

  /** Encodes pixels [B, H, W, 3] to tokens, int32 [B, h·w], read row by row. */
  encode(pixels: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => this.quantizer.indices(this.encodeToLatent(pixels)));
  }

  /** Decodes codes or latents [B, h, w, embedDim] to pixels [B, h·f, w·f, 3]. */
  decodeLatent(latents: tf.Tensor4D): tf.Tensor4D {
    this.checkLatents(latents);
    return tf.tidy(() => this.toPixels(this.decoder.call(this.postQuantConv.call(latents))));
  }

  /**
   * The first part of decodeLatent: computes the input of the decoder's last convolution, [B, h·f,
   * w·f, ch · chMult[0]].
   */
  decoderFeatures(latents: tf.Tensor4D): tf.Tensor4D {
    this.checkLatents(latents);
    return tf.tidy(() => this.decoder.features(this.postQuantConv.call(latents)));
  }

  /** The second part of decodeLatent: applies the last convolution. */
  decodeFeatures(features: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => this.toPixels(this.decoder.finish(features)));
  }

  private checkLatents(latents: tf.Tensor4D): void {
    const { embedDim } = this.config;
    if (latents.rank !== 4 || latents.shape[3] !== embedDim) {
      throw new ShapeError(`Vqgan: expected latents [B, h, w, ${embedDim}], got [${latents.shape}].`);
    }
  }

  /**
   * Maps the network's result to pixels where 0 is black and 1 is white, whatever range the network
   * works in. The values are not clipped.
   */
  private toPixels(drawn: tf.Tensor4D): tf.Tensor4D {
    return this.config.pixelRange === 'signed' ? tf.add(tf.mul(drawn, 0.5), 0.5) : drawn;
  }

  /**
   * Decodes tokens int32 [B, n] of square maps to pixels [B, √n·f, √n·f, 3], where 0 is black and 1
   * is white. The values are not clipped: some lie a little below 0 or above 1.
   *
   * Throws ShapeError if n is not a square number, since a token row does not say the shape of its
   * map.
   */
  decodeCode(indices: tf.Tensor2D): tf.Tensor4D {
    const [batch, length] = indices.shape;
    const side = Math.floor(Math.sqrt(length ?? 0));
    if (indices.rank !== 2 || indices.dtype !== 'int32' || side * side !== length || side === 0) {
      throw new ShapeError(
        `Vqgan: expected int32 tokens [B, n] with n a square number, got ${indices.dtype} [${indices.shape}]. For maps that are not square call decodeLatent(quantizer.lookUp(tokens [B, h, w])).`,
      );
    }
    return tf.tidy(() => {
      const map = tf.reshape(indices, [batch, side, side]);
      return this.decodeLatent(this.quantizer.lookUp(map) as tf.Tensor4D);
    });
  }

  /** Encodes and decodes pictures: [B, H, W, 3] → [B, h·f, w·f, 3]. */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor4D {
    return tf.tidy(() => {
      const latents = this.encodeToLatent(singleInput(inputs, this) as tf.Tensor4D);
      return this.decodeLatent(this.quantizer.call(latents));
    });
  }

  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape {
    const [batch, height, width] = inputShape as [number | null, number | null, number | null];
    const { chMult, ch, givePreEnd, outCh } = this.config;
    const factor = 2 ** (chMult.length - 1);
    const side = (size: number | null): number | null => size && Math.floor(size / factor) * factor;
    return [batch, side(height), side(width), givePreEnd ? ch * (chMult[0] as number) : outCh];
  }
}
