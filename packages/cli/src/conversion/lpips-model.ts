import { CheckpointError, ConfigError, type TensorSource } from '@easel/core';
import { Lpips } from '@easel/vqgan';
import { lpipsParameters } from '@easel/vqgan/internals';
import { lpipsReading } from '@easel/vqgan/internals/node';
import * as tf from '@tensorflow/tfjs';
import { type ConvertibleModel, fixedPixels } from './convertible-model.js';

/**
 * LPIPS: VGG16's convolutions and five linear layers, from one file or from two that complete each
 * other.
 */
export function lpipsModel({ entries, description }: TensorSource): ConvertibleModel {
  const { widths } = lpipsReading(entries, description);
  if (!entries.has('lin0.kernel') && !entries.has('lin0.model.1.weight')) {
    throw new CheckpointError(
      `${description}: this is VGG16 without the linear weights of LPIPS. Give their file (vgg.pth) with --lpips.`,
    );
  }
  const shapes = lpipsParameters(widths);
  return {
    kind: 'lpips',
    description: 'LPIPS',
    shapes,
    configs: new Map([['config.json', { model_type: 'lpips', widths }]]),
    companions: [],
    additions: new Map(),
    reading: (source) => {
      const { rules, ignore } = lpipsReading(source.entries, description);
      return { rules: rules(shapes.keys()), ignore };
    },
    flax: () => {
      throw new ConfigError('LPIPS: there is no Flax form of it; it can be written as an Easel folder.');
    },
    build: () => new Lpips(widths),
    outputs: (built) => {
      const side = 32;
      const picture = (from: number): tf.Tensor4D =>
        tf.tensor4d(
          fixedPixels(side * side * 3 + from)
            .map((pixel) => 2 * pixel - 1)
            .slice(from),
          [1, side, side, 3],
        );
      return tf.tidy(() => (built as Lpips).parts(picture(0), picture(7)));
    },
  };
}
