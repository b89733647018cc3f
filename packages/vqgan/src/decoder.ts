import { CompositeLayer, type Conv2d, GroupNorm } from '@easel/core';
import { singleInput } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';
import { convolution, Level, MiddleBlock } from './blocks.js';
import type { VqganConfig } from './config.js';
import { Upsample } from './resample.js';

/**
 * The decoder: latents [B, h, w, zChannels] → pixels [B, h·f, w·f, outCh], f = 2^(levels − 1). The
 * values are not bounded. With givePreEnd the result is the features before the last norm, [B, h·f,
 * w·f, ch · chMult[0]].
 *
 * Levels are numbered as in the encoder, with up_0 at full resolution. They run from the last to
 * up_0. All but up_0 end in an Upsample. Source: taming `modules/diffusionmodules/model.py`,
 * Decoder.
 */
export class Decoder extends CompositeLayer {
  private readonly convIn: Conv2d;
  private readonly mid: MiddleBlock;
  /** The levels in order of use. */
  private readonly levels: readonly Level[];
  private readonly end: { readonly norm: GroupNorm; readonly conv: Conv2d } | undefined;

  constructor(config: VqganConfig) {
    super();
    const { ch, chMult, normGroups: groups } = config;
    const widths = chMult.map((factor) => ch * factor);
    const top = widths.length - 1;
    const first = widths[0] as number;
    const last = widths[top] as number;
    // The sides are counted up from the smallest level. For a resolution that is no power of two
    // they differ from the encoder's.
    const smallest = Math.floor(config.resolution / 2 ** top);
    this.convIn = this.child('conv_in', convolution(config.zChannels, last, 3));
    this.mid = this.child('mid', new MiddleBlock(last, groups));
    const levels = widths.map((outputChannels, i) => {
      const level = {
        inputChannels: widths[i + 1] ?? last,
        outputChannels,
        blocks: config.numResBlocks + 1,
        attention: config.attnResolutions.includes(smallest * 2 ** (top - i)),
        groups,
      };
      const resample =
        i === 0
          ? undefined
          : { name: 'upsample', layer: new Upsample(outputChannels, config.resampWithConv) };
      return this.child(`up_${i}`, new Level(level, resample));
    });
    this.levels = levels.reverse();
    if (config.givePreEnd) return;
    this.end = {
      norm: this.child('norm_out', new GroupNorm({ channels: first, groups, swish: true })),
      conv: this.child('conv_out', convolution(first, config.outCh, 3)),
    };
  }

  /**
   * Computes the input of the last convolution: latents → [B, h·f, w·f, ch · chMult[0]]. With
   * givePreEnd it is the result itself.
   */
  features(latents: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      let h = this.mid.call(this.convIn.call(latents));
      for (const level of this.levels) h = level.call(h);
      return (this.end?.norm.call(h) ?? h) as tf.Tensor4D;
    });
  }

  /** Computes the pixels from the result of `features`. */
  finish(features: tf.Tensor4D): tf.Tensor4D {
    return this.end?.conv.call(features) ?? (tf.clone(features) as tf.Tensor4D);
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor4D {
    return tf.tidy(() => this.finish(this.features(singleInput(inputs, this) as tf.Tensor4D)));
  }
}
