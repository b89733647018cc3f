import { CompositeLayer, Dense, EaselError, normalizeL2 } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { ClipConfig } from './config.js';
import { type ImageStates, ImageTower } from './image-tower.js';
import { type ClipTextInputs, type TextStates, TextTower } from './text-tower.js';
import type { OnHidden } from './tower.js';

/**
 * How well pictures fit texts: both become vectors of one space, and what fits points the same way.
 *
 * Letters in shapes: I pictures, B texts, T tokens, S picture side, P projection width. Weights are
 * zeros until they are loaded (loadWeights with a table of weights.ts). Source: Radford et al.
 * 2021, arXiv:2103.00020; CLIPModel of transformers 4.25.1.
 */
export class Clip extends CompositeLayer {
  static className = 'EaselClip';

  readonly config: ClipConfig;
  private readonly textTower: TextTower;
  private readonly imageTower: ImageTower;
  private readonly textProjection: Dense;
  private readonly imageProjection: Dense;
  private readonly logScale: ReturnType<Clip['addWeight']>;

  constructor(config: ClipConfig) {
    super();
    this.config = config;
    const project = (inputSize: number): Dense =>
      new Dense({
        inputSize,
        outputSize: config.projectionWidth,
        useBias: false,
        kernelInitializer: 'zeros',
      });
    this.logScale = this.addWeight(
      'logit_scale',
      [],
      'float32',
      tf.initializers.constant({ value: config.logitScaleInit }),
    );
    this.textTower = this.child('text_model', new TextTower(config.text));
    this.imageTower = this.child('vision_model', new ImageTower(config.image));
    this.textProjection = this.child('text_projection', project(config.text.width));
    this.imageProjection = this.child('visual_projection', project(config.image.width));
  }

  /** States of the text tower; `onHidden` is shown those inside. */
  textStates(text: ClipTextInputs, onHidden?: OnHidden): TextStates {
    return this.textTower.forward(text, onHidden);
  }

  /** States of the image tower for float32 [I, S, S, 3]; `onHidden` is shown those inside. */
  imageStates(pixels: tf.Tensor4D, onHidden?: OnHidden): ImageStates {
    return this.imageTower.forward(pixels, onHidden);
  }

  /** int32 [B, T] → [B, P], of any length. */
  textFeatures(text: ClipTextInputs): tf.Tensor2D {
    return tf.tidy(() => this.textProjection.call(this.textStates(text).pooled) as tf.Tensor2D);
  }

  /** float32 [I, S, S, 3] → [I, P], of any length. */
  imageFeatures(pixels: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => this.imageProjection.call(this.imageStates(pixels).pooled) as tf.Tensor2D);
  }

  /** Texts as vectors of length 1: int32 [B, T] → [B, P]. */
  embedTexts(text: ClipTextInputs): tf.Tensor2D {
    return tf.tidy(() => normalizeL2(this.textFeatures(text), 0));
  }

  /** Pictures as vectors of length 1: float32 [I, S, S, 3] → [I, P]. */
  embedImages(pixels: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => normalizeL2(this.imageFeatures(pixels), 0));
  }

  /**
   * exp(logit_scale) · cosine of every picture with every text: embeddings [I, P] and [B, P] →
   * [I, B].
   */
  score(images: tf.Tensor2D, texts: tf.Tensor2D): tf.Tensor2D {
    return tf.tidy(() => tf.mul(tf.matMul(images, texts, false, true), tf.exp(this.logScale.read())));
  }

  /**
   * [pixels [I, S, S, 3], ids [B, T], mask [B, T] if any] → scores [I, B], transformers'
   * logits_per_image.
   */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor2D {
    const [pixels, ids, mask] = Array.isArray(inputs) ? inputs : [inputs];
    if (pixels === undefined || ids === undefined) {
      throw new EaselError('Clip: expected [pixels, ids] or [pixels, ids, mask], got one tensor.');
    }
    const text = { inputIds: ids as tf.Tensor2D, ...(mask && { attentionMask: mask as tf.Tensor2D }) };
    return tf.tidy(() => this.score(this.embedImages(pixels as tf.Tensor4D), this.embedTexts(text)));
  }
}
