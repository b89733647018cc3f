import { ConfigError } from '@easel/core';
import { Vqgan, type VqganConfig, vqganConfigToJson } from '@easel/vqgan';
import { vqganParameters, vqganReading } from '@easel/vqgan/internals';
import * as tf from '@tensorflow/tfjs';
import { type ConvertibleModel, fixedPixels, plainLayout } from './convertible-model.js';

/**
 * A VQGAN. `decoderOnly` means that its checkpoint has only the weights that drawing needs, as
 * min-dalle's has.
 */
export function vqganModel(config: VqganConfig, decoderOnly: boolean): ConvertibleModel {
  const shapes = vqganParameters(config, { decoderOnly });
  const model: ConvertibleModel = {
    kind: 'vqgan',
    description: 'VQGAN',
    shapes,
    configs: new Map([['config.json', vqganConfigToJson(config)]]),
    companions: [],
    additions: new Map(),
    reading: ({ entries }) => {
      const reading = vqganReading(entries.keys());
      return { rules: reading.rules(shapes.keys()), ignore: reading.ignore };
    },
    flax: (stacked) => {
      if (stacked) throw new ConfigError('Flax checkpoint: a VQGAN has no stacked layers.');
      const { normGroups, codebookNorm } = config;
      if (normGroups !== 32 || codebookNorm !== 'none') {
        throw new ConfigError(
          `Flax checkpoint: vqgan-jax computes with norm_groups 32 and codebook_norm "none" only; this VQGAN has ${normGroups} and "${codebookNorm}". It can be written as an Easel folder.`,
        );
      }
      return { layout: plainLayout(shapes.keys()), model };
    },
    build: () => new Vqgan(config, { decoderOnly }),
    outputs: (built) => picturesAndLatents(built as Vqgan),
  };
  return model;
}

/**
 * Computes the pixels of 4×4 tokens and, if the model can encode, the latents of a picture of the
 * same size.
 */
function picturesAndLatents(vqgan: Vqgan): tf.Tensor[] {
  const codes = Int32Array.from({ length: 16 }, (_, i) => (5 * i + 3) % vqgan.config.nEmbed);
  const drawn = tf.tidy(() => vqgan.decodeCode(tf.tensor2d(codes, [1, 16], 'int32')));
  if (!vqgan.canEncode) return [drawn];
  const [, height, width] = drawn.shape;
  const { inChannels } = vqgan.config;
  const pixels = fixedPixels(height * width * inChannels);
  const latents = tf.tidy(() => vqgan.encodeToLatent(tf.tensor4d(pixels, [1, height, width, inChannels])));
  return [drawn, latents];
}
