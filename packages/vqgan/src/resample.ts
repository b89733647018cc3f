import { CompositeLayer, Conv2d, ShapeError, upsampleNearest2x } from '@easel/core';
import { singleInput } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';
import { convolution } from './blocks.js';

/**
 * Averages each 2×2 field: [B, H, W, C] → [B, ⌊H/2⌋, ⌊W/2⌋, C]. An odd last row or column is
 * dropped.
 *
 * It uses reshape and mean. The gradient of tf.avgPool is a slow kernel on CPU backends, and some
 * backends lack it.
 */
export function averagePool2x(x: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => {
    const [batch, height, width, channels] = x.shape;
    const [h, w] = [Math.floor(height / 2), Math.floor(width / 2)];
    const even = height === 2 * h && width === 2 * w ? x : tf.slice(x, [0, 0, 0, 0], [-1, 2 * h, 2 * w, -1]);
    const rows = tf.mean(tf.reshape(even, [batch * h, 2, 2 * w * channels]), 1); // [B·h, W·C]
    return tf.reshape(tf.mean(tf.reshape(rows, [batch * h * w, 2, channels]), 1), [batch, h, w, channels]);
  });
}

/**
 * Halves height and width (odd sizes are rounded down), by a 3×3 convolution of stride 2 or by
 * averaging 2×2 pixels.
 *
 * The convolution sees one zero row below and one zero column to the right of the picture. Padding
 * on all sides, which most convolutions have, would shift the result by half a cell. [B, H, W, C] →
 * [B, ⌊H/2⌋, ⌊W/2⌋, C]. Throws ShapeError if a side is 1.
 */
export class Downsample extends CompositeLayer {
  private readonly conv: Conv2d | undefined;

  constructor(channels: number, withConv: boolean) {
    super();
    if (!withConv) return;
    const padding = [
      [0, 1],
      [0, 1],
    ] as const;
    const sizes = { inputChannels: channels, outputChannels: channels, kernelSize: 3, stride: 2 };
    this.conv = this.child('conv', new Conv2d({ ...sizes, padding, kernelInitializer: 'zeros' }));
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor4D {
    const x = singleInput(inputs, this) as tf.Tensor4D;
    if (x.shape[1] < 2 || x.shape[2] < 2) {
      throw new ShapeError(
        `Downsample: expected height and width of at least 2, got [${x.shape}]. Is the picture too small for this model?`,
      );
    }
    return this.conv === undefined ? averagePool2x(x) : this.conv.call(x);
  }
}

/**
 * Doubles height and width by repeating each pixel 2×2, and then may apply a 3×3 convolution: [B,
 * H, W, C] → [B, 2H, 2W, C].
 */
export class Upsample extends CompositeLayer {
  private readonly conv: Conv2d | undefined;

  constructor(channels: number, withConv: boolean) {
    super();
    if (withConv) this.conv = this.child('conv', convolution(channels, channels, 3));
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor4D {
    return tf.tidy(() => {
      const doubled = upsampleNearest2x(singleInput(inputs, this) as tf.Tensor4D);
      return this.conv?.call(doubled) ?? doubled;
    });
  }
}
