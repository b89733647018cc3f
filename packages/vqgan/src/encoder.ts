import { CompositeLayer, type Conv2d, GroupNorm } from '@easel/core';
import { singleInput } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';
import { convolution, Level, MiddleBlock } from './blocks.js';
import type { VqganConfig } from './config.js';
import { Downsample } from './resample.js';

/**
 * The encoder: pixels [B, H, W, inChannels] → [B, h, w, zChannels] (2 · zChannels with doubleZ).
 * Every level but the last halves height and width, rounding down.
 *
 * Level i is named down_i, from full resolution to the smallest. All but the last end in a
 * Downsample. Source: taming `modules/diffusionmodules/model.py`, Encoder.
 */
export class Encoder extends CompositeLayer {
  private readonly convIn: Conv2d;
  private readonly levels: readonly Level[];
  private readonly mid: MiddleBlock;
  private readonly normOut: GroupNorm;
  private readonly convOut: Conv2d;

  constructor(config: VqganConfig) {
    super();
    const { ch, chMult, normGroups: groups } = config;
    const widths = chMult.map((factor) => ch * factor);
    const last = widths.at(-1) as number;
    this.convIn = this.child('conv_in', convolution(config.inChannels, ch, 3));
    this.levels = widths.map((outputChannels, i) => {
      const level = {
        inputChannels: widths[i - 1] ?? ch,
        outputChannels,
        blocks: config.numResBlocks,
        attention: config.attnResolutions.includes(Math.floor(config.resolution / 2 ** i)),
        groups,
      };
      const resample =
        i === widths.length - 1
          ? undefined
          : { name: 'downsample', layer: new Downsample(outputChannels, config.resampWithConv) };
      return this.child(`down_${i}`, new Level(level, resample));
    });
    this.mid = this.child('mid', new MiddleBlock(last, groups));
    this.normOut = this.child('norm_out', new GroupNorm({ channels: last, groups, swish: true }));
    this.convOut = this.child('conv_out', convolution(last, config.zChannels * (config.doubleZ ? 2 : 1), 3));
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor4D {
    return tf.tidy(() => {
      let h = this.convIn.call(singleInput(inputs, this));
      for (const level of this.levels) h = level.call(h);
      return this.convOut.call(this.normOut.call(this.mid.call(h)));
    });
  }
}
