import { attention, CompositeLayer, Conv2d, GroupNorm } from '@easel/core';
import { singleInput } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';

/**
 * Makes a 3×3 or 1×1 convolution with bias that keeps the size. Its weights are zeros until they
 * are loaded or initialised.
 * [B, H, W, in] → [B, H, W, out].
 */
export function convolution(inputChannels: number, outputChannels: number, kernelSize: 1 | 3): Conv2d {
  return new Conv2d({ inputChannels, outputChannels, kernelSize, kernelInitializer: 'zeros' });
}

/**
 * x + conv2(swish(norm2(conv1(swish(norm1(x)))))), with x through a 1×1 convolution if the width
 * changes.
 *
 * [B, H, W, in] → [B, H, W, out]. Source: taming `modules/diffusionmodules/model.py`, ResnetBlock
 * without time embedding.
 */
export class ResBlock extends CompositeLayer {
  private readonly norm1: GroupNorm;
  private readonly conv1: Conv2d;
  private readonly norm2: GroupNorm;
  private readonly conv2: Conv2d;
  private readonly shortcut: Conv2d | undefined;

  constructor(inputChannels: number, outputChannels: number, groups: number) {
    super();
    this.norm1 = this.child('norm1', new GroupNorm({ channels: inputChannels, groups, swish: true }));
    this.conv1 = this.child('conv1', convolution(inputChannels, outputChannels, 3));
    this.norm2 = this.child('norm2', new GroupNorm({ channels: outputChannels, groups, swish: true }));
    this.conv2 = this.child('conv2', convolution(outputChannels, outputChannels, 3));
    if (inputChannels !== outputChannels) {
      this.shortcut = this.child('nin_shortcut', convolution(inputChannels, outputChannels, 1));
    }
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor4D {
    return tf.tidy(() => {
      const x = singleInput(inputs, this) as tf.Tensor4D;
      const h = this.conv1.call(this.norm1.call(x));
      return tf.add(this.shortcut?.call(x) ?? x, this.conv2.call(this.norm2.call(h)));
    });
  }
}

/**
 * x + proj_out(attention over all places of norm(x)), one head as wide as the channels.
 *
 * [B, H, W, C] → the same. Source: taming `modules/diffusionmodules/model.py`, AttnBlock.
 */
export class AttnBlock extends CompositeLayer {
  private readonly norm: GroupNorm;
  private readonly q: Conv2d;
  private readonly k: Conv2d;
  private readonly v: Conv2d;
  private readonly projOut: Conv2d;

  constructor(channels: number, groups: number) {
    super();
    this.norm = this.child('norm', new GroupNorm({ channels, groups }));
    this.q = this.child('q', convolution(channels, channels, 1));
    this.k = this.child('k', convolution(channels, channels, 1));
    this.v = this.child('v', convolution(channels, channels, 1));
    this.projOut = this.child('proj_out', convolution(channels, channels, 1));
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor4D {
    return tf.tidy(() => {
      const x = singleInput(inputs, this) as tf.Tensor4D;
      const [batch, height, width, channels] = x.shape;
      const n = this.norm.call(x);
      const rows = (projection: Conv2d): tf.Tensor3D =>
        tf.reshape(projection.call(n), [batch, height * width, channels]); // [B, H·W, C]
      const mixed = attention(rows(this.q), rows(this.k), rows(this.v), { heads: 1 });
      return tf.add(x, this.projOut.call(tf.reshape(mixed, [batch, height, width, channels])));
    });
  }
}

/**
 * block_1, attn_1 and block_2 at the smallest size. The attention is there whatever
 * attn_resolutions says. [B, h, w, C] → the same.
 */
export class MiddleBlock extends CompositeLayer {
  private readonly block1: ResBlock;
  private readonly attn1: AttnBlock;
  private readonly block2: ResBlock;

  constructor(channels: number, groups: number) {
    super();
    this.block1 = this.child('block_1', new ResBlock(channels, channels, groups));
    this.attn1 = this.child('attn_1', new AttnBlock(channels, groups));
    this.block2 = this.child('block_2', new ResBlock(channels, channels, groups));
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor4D {
    return tf.tidy(() => this.block2.call(this.attn1.call(this.block1.call(inputs))));
  }
}

/** Sizes of one level of the encoder or the decoder. */
export interface LevelConfig {
  readonly inputChannels: number;
  readonly outputChannels: number;
  readonly blocks: number;
  /** Whether an AttnBlock follows each residual block. */
  readonly attention: boolean;
  readonly groups: number;
}

/**
 * block_0, attn_0, block_1, … of one level, and then the layer that changes the size, if there is
 * one: [B, H, W, in] → [B, H', W', out].
 */
export class Level extends CompositeLayer {
  private readonly stack: readonly CompositeLayer[];

  constructor(config: LevelConfig, resample?: { readonly name: string; readonly layer: CompositeLayer }) {
    super();
    const { inputChannels, outputChannels, blocks, attention: hasAttention, groups } = config;
    const stack: CompositeLayer[] = [];
    for (let j = 0; j < blocks; j++) {
      const width = j === 0 ? inputChannels : outputChannels;
      stack.push(this.child(`block_${j}`, new ResBlock(width, outputChannels, groups)));
      if (hasAttention) stack.push(this.child(`attn_${j}`, new AttnBlock(outputChannels, groups)));
    }
    if (resample !== undefined) stack.push(this.child(resample.name, resample.layer));
    this.stack = stack;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor4D {
    return tf.tidy(() => {
      let h = singleInput(inputs, this);
      for (const layer of this.stack) h = layer.call(h, {}) as tf.Tensor;
      return h as tf.Tensor4D;
    });
  }
}
