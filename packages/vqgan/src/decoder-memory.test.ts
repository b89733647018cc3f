import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { TEST_BACKENDS } from '../testing/backends.js';
import { parseVqganConfig } from './config.js';
import { decoderBytes } from './decoder-memory.js';
import { tokensOfPicture } from './draw-tokens.js';
import { Vqgan } from './model.js';

const sizes = { z_channels: 6, embed_dim: 5, n_embed: 18, norm_groups: 4, ch: 8 };
const configs = [
  { ...sizes, ch_mult: [1, 1], num_res_blocks: 1, attn_resolutions: [4], resolution: 8 },
  { ...sizes, ch_mult: [1, 2, 4], num_res_blocks: 2, attn_resolutions: [6], resolution: 12 },
  { ...sizes, ch_mult: [2, 1, 3], num_res_blocks: 1, attn_resolutions: [8], resolution: 8 },
  {
    ...sizes,
    ch_mult: [1, 2],
    num_res_blocks: 3,
    attn_resolutions: [],
    resolution: 12,
    resamp_with_conv: false,
  },
];

test.each(TEST_BACKENDS)('on %s the prediction is what tfjs counts', async (backend) => {
  await tf.setBackend(backend);
  for (const json of configs) {
    const config = parseVqganConfig(json);
    const vqgan = new Vqgan(config, { decoderOnly: true });
    for (const pictures of [1, 3]) {
      const codes = tf.zeros<tf.Rank.R2>([pictures, tokensOfPicture(config)], 'int32');
      const before = tf.memory().numBytes;
      const { peakBytes, result } = await tf.profile(() => vqgan.decodeCode(codes));
      const fused = backend === 'native';
      const ratio = (pictures * decoderBytes(config, fused)) / (peakBytes - before);
      expect(ratio).toBeGreaterThan(fused ? 0.98 : 0.95);
      expect(ratio).toBeLessThan(fused ? 1.1 : 1.5);
      tf.dispose([result as unknown as tf.Tensor, codes]);
    }
    vqgan.dispose();
  }
});
