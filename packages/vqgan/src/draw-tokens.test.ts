import { DataError, prngKey, toBytes } from '@easel/core';
import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { parseVqganConfig, VQGAN_F16_16384 } from './config.js';
import { decodeBatchOf, drawTokens, tokensOfPicture } from './draw-tokens.js';
import { initializeVqgan } from './initialize.js';
import { Vqgan } from './model.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const sizes = {
  ch: 4,
  ch_mult: [1, 1],
  num_res_blocks: 1,
  attn_resolutions: [],
  resolution: 6,
  z_channels: 3,
  embed_dim: 3,
  n_embed: 7,
  norm_groups: 2,
};
const config = parseVqganConfig(sizes);

test('each row of codes is one picture, as decodeCode draws it; nothing is left', async () => {
  const vqgan = new Vqgan(config);
  initializeVqgan(vqgan, prngKey(1));
  expect(tokensOfPicture(config)).toBe(9);
  const rows = [[0, 1, 2, 3, 4, 5, 6, 0, 1], Int32Array.of(6, 6, 6, 5, 5, 5, 0, 0, 0)];
  const before = tf.memory().numTensors;
  const drawn = await drawTokens(vqgan, rows);
  expect(tf.memory().numTensors).toBe(before);
  expect(drawn.map(({ width, height, data }) => [width, height, data.length])).toEqual([
    [6, 6, 108],
    [6, 6, 108],
  ]);
  for (const [i, row] of rows.entries()) {
    const alone = tf.tidy(() => vqgan.decodeCode(tf.tensor2d([...row], [1, 9], 'int32')).dataSync());
    expect(drawn[i]?.data).toEqual(toBytes(alone as Float32Array));
  }
  expect(await drawTokens(vqgan, [])).toEqual([]);
  vqgan.dispose();
});

test('a grid that is no square, and more rows than are decoded at a time', async () => {
  const vqgan = new Vqgan(config);
  initializeVqgan(vqgan, prngKey(1));
  const row = [0, 1, 2, 3, 4, 5];
  const [wide, tall] = [
    await drawTokens(vqgan, [row], { width: 3 }),
    await drawTokens(vqgan, [row], { width: 2 }),
  ];
  expect([wide, tall].map(([picture]) => [picture?.width, picture?.height])).toEqual([
    [6, 4],
    [4, 6],
  ]);
  const code = tf.tensor3d(row, [1, 2, 3], 'int32');
  const alone = tf.tidy(() => vqgan.decodeLatent(vqgan.quantizer.lookUp(code) as tf.Tensor4D).dataSync());
  expect(wide[0]?.data).toEqual(toBytes(alone as Float32Array));
  code.dispose();
  await expect(drawTokens(vqgan, [row], { width: 4 })).rejects.toThrow('a multiple of 4; row 0 has 6');
  vqgan.dispose();

  const large = parseVqganConfig({ ...sizes, resolution: 2048, ch: 4 });
  expect([config, large, VQGAN_F16_16384].map(decodeBatchOf)).toEqual([58_254, 1, 1]);
});

test.each([
  ['rows of different lengths', [[0], [0, 0, 0, 0]], /one square length, e\.g\. 9; row 1 has 4/],
  ['a length that is no square', [[0, 1]], /row 0 has 2/],
  ['a code beyond the codebook', [[7]], /row 0 holds 7 at place 0; the codebook has the codes 0 to 6/],
  ['a code below it', [[-1]], /holds -1/],
])('refused: %s', async (_, rows, message) => {
  const vqgan = new Vqgan(config);
  const failure = drawTokens(vqgan, rows);
  await expect(failure).rejects.toThrow(DataError);
  await expect(failure).rejects.toThrow(message);
  vqgan.dispose();
});
