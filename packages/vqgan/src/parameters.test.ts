import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { parseVqganConfig, VQGAN_F16_16384 } from './config.js';
import { Vqgan } from './model.js';
import { vqganParameters } from './parameters.js';

const SMALL = {
  ...{ ch: 32, ch_mult: [1, 3, 2], num_res_blocks: 1, attn_resolutions: [4, 8], resolution: 16 },
  ...{ z_channels: 6, embed_dim: 5, n_embed: 17, in_channels: 3, out_ch: 4 },
};

test.each<[string, object]>([
  ['three levels', {}],
  ['a resolution that is no power of two', { resolution: 36, attn_resolutions: [9, 18] }],
  ['without convolutions between levels', { resamp_with_conv: false }],
  ['double latents, no end', { double_z: true, give_pre_end: true }],
])('%s: the table is what is built', async (_, change) => {
  await tf.setBackend('cpu');
  const config = parseVqganConfig({ ...SMALL, ...change });
  for (const decoderOnly of [false, true]) {
    const model = new Vqgan(config, { decoderOnly });
    const built = [...model.namedWeights()].map(([name, weight]) => [name, weight.shape]);
    model.dispose();
    expect([...vqganParameters(config, { decoderOnly })]).toEqual(built);
  }
});

test('the published model', () => {
  const sizes = [...vqganParameters(VQGAN_F16_16384).values()].map((shape) =>
    shape.reduce((a, b) => a * b, 1),
  );
  expect(sizes.reduce((a, b) => a + b)).toBe(76_073_859);
});
