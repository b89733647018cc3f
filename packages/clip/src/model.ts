import { CompositeLayer, Dense, EaselError, normalizeL2 } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { ClipConfig } from './config.js';
import { type ImageStates, ImageTower } from './image-tower.js';
import { type ClipTextInputs, type TextStates, TextTower } from './text-tower.js';
import type { OnHidden } from './tower.js';

/**
 * CLIP says how well pictures fit texts. Both become vectors of one space; vectors of a picture and
 * a text that fit point the same way.
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

  /** Returns the states of the text tower. `onHidden` is called with the states inside it. */
  textStates(text: ClipTextInputs, onHidden?: OnHidden): TextStates {
    return this.textTower.forward(text, onHidden);
  }

  /**
   * Returns the states of the image tower for pixels float32 [I, S, S, 3]. `onHidden` is called
   * with the states inside it.
   */
  imageStates(pixels: tf.Tensor4D, onHidden?: OnHidden): ImageStates {
    return this.imageTower.forward(pixels, onHidden);
  }

  /**
   * Projects texts into the common space: ids int32 [B, T] → [B, P]. The vectors may have any
   * length.
   */
  textFeatures(text: ClipTextInputs): tf.Tensor2D {
    return tf.tidy(() => this.textProjection.call(this.textStates(text).pooled) as tf.Tensor2D);
  }

  /**
   * Projects pictures into the common space: pixels float32 [I, S, S, 3] → [I, P]. The vectors may
   * have any length.
   */
  imageFeatures(pixels: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => this.imageProjection.call(this.imageStates(pixels).pooled) as tf.Tensor2D);
  }

  /** Turns texts into vectors of length 1: ids int32 [B, T] → [B, P]. */
  embedTexts(text: ClipTextInputs): tf.Tensor2D {
    return tf.tidy(() => normalizeL2(this.textFeatures(text), 0));
  }

  /** Turns pictures into vectors of length 1: pixels float32 [I, S, S, 3] → [I, P]. */
  embedImages(pixels: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => normalizeL2(this.imageFeatures(pixels), 0));
  }

  /**
   * Scores every picture with every text: exp(logit_scale) · cosine. Embeddings [I, P] and [B, P] →
   * [I, B].
   */
  score(images: tf.Tensor2D, texts: tf.Tensor2D): tf.Tensor2D {
    return tf.tidy(() => tf.mul(tf.matMul(images, texts, false, true), tf.exp(this.logScale.read())));
  }

  /**
   * Maps [pixels [I, S, S, 3], ids [B, T], mask [B, T] if any] to scores [I, B], which are
   * transformers' logits_per_image.
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
