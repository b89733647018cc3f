import { ConfigError, prngKey, ShapeError } from '@easel/core';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FAST_BACKEND } from '../testing/backends.js';
import { DEFAULT_VQGAN_CONFIG, parseVqganConfig, VQGAN_F16_16384 } from './config.js';
import { initializeVqgan } from './initialize.js';
import { Vqgan } from './model.js';

beforeAll(async () => void (await tf.setBackend(FAST_BACKEND)));

const json = {
  ch: 8,
  ch_mult: [1, 2],
  num_res_blocks: 1,
  attn_resolutions: [4],
  resolution: 8,
  z_channels: 6,
  embed_dim: 4,
  n_embed: 16,
  norm_groups: 4,
};

function model(settings: object = {}): Vqgan {
  const made = new Vqgan(parseVqganConfig({ ...json, ...settings }));
  initializeVqgan(made, prngKey(1));
  return made;
}

describe('Vqgan', () => {
  test("DALL·E mini's tokenizer has the published number of weights", () => {
    const weights = [...new Vqgan(VQGAN_F16_16384).namedWeights()];
    const count = (prefix: string): number =>
      weights.reduce((sum, [name, weight]) => sum + (name.startsWith(prefix) ? weight.size : 0), 0);
    expect(weights.length).toBe(343);
    expect(count('')).toBe(76_073_859);
    expect(count('encoder.')).toBe(29_298_176);
    expect(count('decoder.')).toBe(42_449_795);
    tf.dispose(weights.map(([, weight]) => weight));
  });

  test('pixel_range signed is the unit network on 2x − 1, read back by (y + 1) / 2', () => {
    const [unit, signed] = [model(), model({ pixel_range: 'signed' })];
    const pixels = tf.randomUniform([1, 8, 8, 3], 0, 1, 'float32', 1) as tf.Tensor4D;
    const shifted = tf.sub(tf.mul(pixels, 2), 1) as tf.Tensor4D;
    expect([...signed.encodeToLatent(pixels).dataSync()]).toEqual([
      ...unit.encodeToLatent(shifted).dataSync(),
    ]);
    const latents = unit.encodeToLatent(shifted);
    const expected = tf.div(tf.add(unit.decodeLatent(latents), 1), 2);
    expect(tf.max(tf.abs(tf.sub(signed.decodeLatent(latents), expected))).dataSync()[0]).toBeLessThan(1e-6);
  });

  test('codebook_norm l2 does not change the choice among codes of length 1', () => {
    const unit = model({ codebook_norm: 'l2' });
    const plain = model();
    plain.quantizer.codes.assign(unit.quantizer.codes);
    const pixels = tf.randomUniform([2, 8, 8, 3], 0, 1, 'float32', 2) as tf.Tensor4D;
    expect([...unit.encode(pixels).dataSync()]).toEqual([...plain.encode(pixels).dataSync()]);
    expect([...unit.encodeToLatent(pixels).dataSync()]).not.toEqual([
      ...plain.encodeToLatent(pixels).dataSync(),
    ]);
  });

  test('a picture does not depend on its neighbours in the batch', () => {
    const vqgan = model();
    const pixels = tf.randomUniform([3, 8, 8, 3], 0, 1, 'float32', 3) as tf.Tensor4D;
    const alone = vqgan.call(tf.slice(pixels, [1, 0, 0, 0], [1, -1, -1, -1]));
    const together = tf.slice(vqgan.call(pixels), [1, 0, 0, 0], [1, -1, -1, -1]);
    expect(tf.max(tf.abs(tf.sub(alone, together))).dataSync()[0]).toBeLessThan(1e-5);
  });

  test('is a layer: tf.model gives the same picture', () => {
    const vqgan = model();
    const input = tf.input({ shape: [8, 8, 3] });
    const wrapped = tf.model({ inputs: input, outputs: vqgan.apply(input) as tf.SymbolicTensor });
    const pixels = tf.randomUniform([1, 8, 8, 3], 0, 1, 'float32', 4) as tf.Tensor4D;
    expect([...(wrapped.predict(pixels) as tf.Tensor).dataSync()]).toEqual([
      ...vqgan.call(pixels).dataSync(),
    ]);
  });

  test.each([
    [
      'pixels of four channels',
      (m: Vqgan) => m.encode(tf.zeros([1, 8, 8, 4])),
      /pixels \[B, H, W, 3\], got \[1,8,8,4\]/,
    ],
    [
      'a picture without a batch',
      (m: Vqgan) => m.encode(tf.zeros([8, 8, 3]) as tf.Tensor as tf.Tensor4D),
      /got \[8,8,3\]/,
    ],
    ['a picture too small', (m: Vqgan) => m.encode(tf.zeros([1, 1, 8, 3])), /too small/],
    [
      'tokens that are no square',
      (m: Vqgan) => m.decodeCode(tf.zeros([1, 15], 'int32')),
      /n a square number, got int32 \[1,15\]/,
    ],
    ['no tokens', (m: Vqgan) => m.decodeCode(tf.zeros([1, 0], 'int32')), /\[1,0\]/],
    ['float tokens', (m: Vqgan) => m.decodeCode(tf.zeros([1, 16])), /got float32/],
    [
      'latents of another width',
      (m: Vqgan) => m.decodeLatent(tf.zeros([1, 4, 4, 5])),
      /latents \[B, h, w, 4\]/,
    ],
  ])('refuses %s', (_, call, message) => {
    const vqgan = model();
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      expect(() => call(vqgan)).toThrow(ShapeError);
      expect(() => call(vqgan)).toThrow(message);
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a config that was not parsed is checked, too', () => {
    expect(() => new Vqgan({ ...DEFAULT_VQGAN_CONFIG, ch: 40 })).toThrow(ConfigError);
  });
});
