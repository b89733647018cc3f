import { activation, attention, CompositeLayer, Dense, LayerNorm } from '@easel/core';
import { singleInput } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';
import type { TowerConfig } from './config.js';

/** Makes a projection whose weights are zeros until they are loaded. */
function projection(inputSize: number, outputSize: number): Dense {
  return new Dense({ inputSize, outputSize, kernelInitializer: 'zeros' });
}

/**
 * Self-attention: y = out(merge(softmax(q·kᵀ/√K + bias)·v)), all of one input. [B, T, D] → [B, T,
 * D]. Source: CLIPAttention of transformers.
 */
class SelfAttention extends CompositeLayer {
  static className = 'EaselClipAttention';

  private readonly heads: number;
  private readonly query: Dense;
  private readonly key: Dense;
  private readonly value: Dense;
  private readonly out: Dense;

  constructor({ width, heads }: TowerConfig) {
    super();
    this.heads = heads;
    this.query = this.child('q_proj', projection(width, width));
    this.key = this.child('k_proj', projection(width, width));
    this.value = this.child('v_proj', projection(width, width));
    this.out = this.child('out_proj', projection(width, width));
  }

  forward(x: tf.Tensor3D, bias: tf.Tensor4D | undefined): tf.Tensor3D {
    return tf.tidy(() => {
      const [q, k, v] = [this.query, this.key, this.value].map((p) => p.call(x) as tf.Tensor3D);
      const options = { heads: this.heads, ...(bias === undefined ? {} : { bias }) };
      const mixed = attention(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, options);
      return this.out.call(mixed) as tf.Tensor3D;
    });
  }
}

/** fc2(act(fc1(x))). [B, T, D] → [B, T, D], with width F between the products. */
class FeedForward extends CompositeLayer {
  static className = 'EaselClipFeedForward';

  private readonly up: Dense;
  private readonly act: ReturnType<typeof activation>;
  private readonly down: Dense;

  constructor(config: TowerConfig) {
    super();
    this.up = this.child('fc1', projection(config.width, config.ffnWidth));
    this.act = activation(config.activation);
    this.down = this.child('fc2', projection(config.ffnWidth, config.width));
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => this.down.call(this.act(this.up.call(singleInput(inputs, this)))));
  }
}

/** h = x + attention(norm1(x)); h + feedForward(norm2(h)). [B, T, D] → [B, T, D]. */
class TowerLayer extends CompositeLayer {
  static className = 'EaselClipLayer';

  private readonly norm1: LayerNorm;
  private readonly attention: SelfAttention;
  private readonly norm2: LayerNorm;
  private readonly feedForward: FeedForward;

  constructor(config: TowerConfig) {
    super();
    this.norm1 = this.child('layer_norm1', towerNorm(config));
    this.attention = this.child('self_attn', new SelfAttention(config));
    this.norm2 = this.child('layer_norm2', towerNorm(config));
    this.feedForward = this.child('mlp', new FeedForward(config));
  }

  forward(x: tf.Tensor3D, bias: tf.Tensor4D | undefined): tf.Tensor3D {
    return tf.tidy(() => {
      const h = tf.add(x, this.attention.forward(this.norm1.call(x) as tf.Tensor3D, bias));
      return tf.add(h, this.feedForward.call(this.norm2.call(h))) as tf.Tensor3D;
    });
  }
}

/** Makes a layer norm over a tower's width. */
export function towerNorm({ width, normEpsilon }: TowerConfig): LayerNorm {
  return new LayerNorm({ size: width, epsilon: normEpsilon });
}

/**
 * Called with each state inside a tower, [B, T, D]: the embeddings, then the result of each layer.
 * To keep a state, keep a clone of it (tf.keep).
 */
export type OnHidden = (state: tf.Tensor3D) => void;

/**
 * The layers of a tower: pre-norm transformer layers, one after another. Embeddings and the final
 * norm are not part of it. Source: Radford et al. 2021, arXiv:2103.00020; CLIPEncoder of
 * transformers.
 */
export class TowerLayers extends CompositeLayer {
  static className = 'EaselClipTowerLayers';

  private readonly layers: TowerLayer[];

  constructor(config: TowerConfig) {
    super();
    this.layers = Array.from({ length: config.layers }, (_, i) =>
      this.child(`layers.${i}`, new TowerLayer(config)),
    );
  }

  /** x: float32 [B, T, D]. bias, [1 or B, 1, 1 or T, T], is added to the scores. */
  forward(x: tf.Tensor3D, bias?: tf.Tensor4D, onHidden?: OnHidden): tf.Tensor3D {
    return tf.tidy(() => {
      onHidden?.(x);
      return this.layers.reduce((state, layer) => {
        const next = layer.forward(state, bias);
        onHidden?.(next);
        return next;
      }, x);
    });
  }
}
