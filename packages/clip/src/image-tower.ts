import { CompositeLayer, Conv2d, Embedding, type LayerNorm, ShapeError } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { ImageTowerConfig } from './config.js';
import { type OnHidden, TowerLayers, towerNorm } from './tower.js';

/** The result of the image tower. */
export interface ImageStates {
  /** States of the class token and each patch, before the final norm, [B, 1 + patches, D]. */
  readonly states: tf.Tensor3D;
  /** The class token's state after the final norm, [B, D]. */
  readonly pooled: tf.Tensor2D;
}

/**
 * Returns the number of patches along one side. A rest that the patch size does not divide is cut
 * off on the right and below, as by a convolution without padding.
 */
function patchesAcross({ imageSize, patchSize }: ImageTowerConfig): number {
  return Math.floor(imageSize / patchSize);
}

/**
 * Embeds pictures: one learnt vector for the whole picture (the class token), then the patches, row
 * by row. A learnt position is added to each.
 */
class ImageEmbeddings extends CompositeLayer {
  static className = 'EaselClipImageEmbeddings';

  private readonly width: number;
  private readonly classEmbedding: ReturnType<ImageEmbeddings['addWeight']>;
  private readonly patches: Conv2d;
  private readonly positions: Embedding;

  constructor(config: ImageTowerConfig) {
    super();
    const { width, channels, patchSize } = config;
    this.width = width;
    this.classEmbedding = this.addWeight('class_embedding', [width], 'float32', tf.initializers.zeros());
    this.patches = this.child(
      'patch_embedding',
      new Conv2d({
        inputChannels: channels,
        outputChannels: width,
        kernelSize: patchSize,
        stride: patchSize,
        padding: 'valid',
        useBias: false,
        kernelInitializer: 'zeros',
      }),
    );
    const entries = patchesAcross(config) ** 2 + 1;
    this.positions = this.child(
      'position_embedding',
      new Embedding({ entries, size: width, kernelInitializer: 'zeros' }),
    );
  }

  /** [B, S, S, C] → [B, 1 + patches, D]. */
  forward(pixels: tf.Tensor4D): tf.Tensor3D {
    return tf.tidy(() => {
      const rows = pixels.shape[0];
      const patches = tf.reshape(this.patches.call(pixels), [rows, -1, this.width]) as tf.Tensor3D;
      const whole = tf.tile(tf.reshape(this.classEmbedding.read(), [1, 1, this.width]), [rows, 1, 1]);
      return tf.add(tf.concat([whole as tf.Tensor3D, patches], 1), this.positions.weight) as tf.Tensor3D;
    });
  }
}

/**
 * The image tower: pixels → a state for each patch, and one for each picture.
 *
 * Pixels are float32 [B, S, S, C], as the image processor gives them. Source: CLIPVisionTransformer
 * of transformers 4.25.1.
 */
export class ImageTower extends CompositeLayer {
  static className = 'EaselClipImageTower';

  private readonly config: ImageTowerConfig;
  private readonly embeddings: ImageEmbeddings;
  private readonly preNorm: LayerNorm;
  private readonly encoder: TowerLayers;
  private readonly postNorm: LayerNorm;

  constructor(config: ImageTowerConfig) {
    super();
    this.config = config;
    this.embeddings = this.child('embeddings', new ImageEmbeddings(config));
    this.preNorm = this.child('pre_layrnorm', towerNorm(config)); // every checkpoint spells it so
    this.encoder = this.child('encoder', new TowerLayers(config));
    this.postNorm = this.child('post_layernorm', towerNorm(config));
  }

  /** Throws ShapeError for pixels of another shape. */
  forward(pixels: tf.Tensor4D, onHidden?: OnHidden): ImageStates {
    const { imageSize, channels, width } = this.config;
    if (pixels.rank !== 4 || `${pixels.shape.slice(1)}` !== `${[imageSize, imageSize, channels]}`) {
      throw new ShapeError(
        `ImageTower: expected pixels [B, ${imageSize}, ${imageSize}, ${channels}], got [${pixels.shape}]. The image processor makes them so.`,
      );
    }
    return tf.tidy(() => {
      const embedded = this.preNorm.call(this.embeddings.forward(pixels)) as tf.Tensor3D;
      const states = this.encoder.forward(embedded, undefined, onHidden);
      const first = tf.reshape(tf.slice(states, [0, 0, 0], [-1, 1, -1]), [pixels.shape[0], width]);
      return { states, pooled: this.postNorm.call(first) as tf.Tensor2D };
    });
  }
}
