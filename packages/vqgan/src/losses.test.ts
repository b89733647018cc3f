import { prngKey, ShapeError, valueAndGrads } from '@easel/core';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FAST_BACKEND } from '../testing/backends.js';
import { goldenModel, largestDifference, readGolden, toTensor } from '../testing/golden-case.js';
import { parseVqganConfig } from './config.js';
import { initializeVqgan } from './initialize.js';
import { autoencoderLoss, commitmentLoss, reconstructionLoss, straightThrough, vqganLoss } from './losses.js';
import { Vqgan } from './model.js';

beforeAll(async () => void (await tf.setBackend(FAST_BACKEND)));

const scalar = (x: tf.Tensor): number => x.dataSync()[0] as number;
const NOTHING = { l1: 0, mse: 0, gradient: [], pooledL1: [] };

describe('reconstructionLoss', () => {
  // Differences 0.5 at the first pixel of a 2×4 picture of one channel and -0.25 at the second: 1
  // and -0.5 on the scale [-1, 1].
  const pixels = tf.zeros([1, 2, 4, 1]) as tf.Tensor4D;
  const decoded = tf.tensor4d([0.5, -0.25, 0, 0, 0, 0, 0, 0], [1, 2, 4, 1]);

  test.each([
    ['l1: (1 + 0.5) / 8', { ...NOTHING, l1: 1 }, 0.1875],
    ['mse: (1 + 0.25) / 8', { ...NOTHING, mse: 1 }, 0.15625],
    // Down: |1| and |0.5| over 4 places. Across: |-1.5| and |0.5| over 6.
    ['gradient: 1.5/4 + 2/6', { ...NOTHING, gradient: [1] }, 1.5 / 4 + 2 / 6],
    // The first 2×2 field averages to 0.125, the second to 0.
    ['pooled: 0.125 / 2', { ...NOTHING, pooledL1: [1] }, 0.0625],
    ['weights', { l1: 2, mse: 4, gradient: [0], pooledL1: [8] }, 2 * 0.1875 + 4 * 0.15625 + 8 * 0.0625],
    ['nothing', NOTHING, 0],
  ])('%s', (_, weights, expected) => {
    expect(scalar(reconstructionLoss(pixels, decoded, weights))).toBeCloseTo(expected, 6);
  });

  test('the colour-weighted default is the sum of its eight parts', () => {
    const x = tf.randomUniform([2, 16, 24, 3], 0, 1, 'float32', 1) as tf.Tensor4D;
    const y = tf.randomUniform([2, 16, 24, 3], 0, 1, 'float32', 2) as tf.Tensor4D;
    const part = (weights: Partial<typeof NOTHING> | object): number =>
      scalar(reconstructionLoss(x, y, { ...NOTHING, ...weights }));
    const sum =
      part({ l1: 1 }) +
      part({ mse: 1 }) +
      0.2 * (part({ gradient: [1] }) + part({ gradient: [0, 1] })) +
      0.5 * (part({ pooledL1: [1] }) + part({ pooledL1: [0, 1] })) +
      part({ pooledL1: [0, 0, 1] });
    expect(scalar(reconstructionLoss(x, y))).toBeCloseTo(sum, 5);
  });

  test('gradient against finite differences', () => {
    const x = tf.randomUniform([1, 8, 8, 2], 0, 1, 'float32', 3) as tf.Tensor4D;
    const y = tf.randomUniform([1, 8, 8, 2], 0, 1, 'float32', 4) as tf.Tensor4D;
    const grad = tf
      .grad((decoded) => reconstructionLoss(x, decoded as tf.Tensor4D))(y)
      .dataSync();
    const values = y.dataSync();
    for (const at of [0, 17, 64, 127]) {
      const shifted = (by: number): number => {
        const copy = values.slice();
        copy[at] = (copy[at] as number) + by;
        return scalar(reconstructionLoss(x, tf.tensor4d(copy, [1, 8, 8, 2])));
      };
      expect(Math.abs((shifted(1e-3) - shifted(-1e-3)) / 2e-3 - (grad[at] as number))).toBeLessThan(2e-3);
    }
  });

  test('refuses different shapes and pictures that are too small for its levels', () => {
    expect(() => reconstructionLoss(pixels, tf.zeros([1, 2, 2, 1]) as tf.Tensor4D, NOTHING)).toThrow(
      ShapeError,
    );
    expect(() => reconstructionLoss(pixels, decoded)).toThrow(/large enough for 4 levels/);
    expect(() => reconstructionLoss(pixels, decoded, { ...NOTHING, gradient: [1, 1] })).toThrow(ShapeError);
  });
});

describe('codebook losses', () => {
  test('commitmentLoss by hand: squared distances summed over a code, averaged over places', () => {
    const latents = tf.tensor2d([
      [1, 2],
      [0, 0],
    ]);
    const codes = tf.tensor2d([
      [0, 0],
      [3, 0],
    ]);
    expect(scalar(commitmentLoss(latents, codes))).toBe((1 + 4 + 9) / 2);
    const grad = tf.grad((z) => commitmentLoss(z, codes))(latents);
    expect([...grad.dataSync()]).toEqual([1, 2, -3, 0]); // 2·(z − e) / 2 places
  });

  test('straightThrough: value of the codes, gradient of the latents, none for the codes', () => {
    const codes = tf.variable(tf.tensor1d([5, 7]));
    const latents = tf.variable(tf.tensor1d([1, 2]));
    const f = (): tf.Scalar =>
      tf.sum(tf.mul(straightThrough<tf.Tensor>(latents, codes), [3, 4])) as tf.Scalar;
    const { value, grads } = valueAndGrads(f, new Map(Object.entries({ latents, codes })), {
      allowUnused: true,
    });
    expect(scalar(value)).toBe(43);
    expect([...(grads.get('latents') as tf.Tensor).dataSync()]).toEqual([3, 4]);
    expect(grads.has('codes')).toBe(false);
  });
});

describe('vqganLoss', () => {
  test('two_levels: value and gradients of the recorded objective', () => {
    const model = goldenModel('two_levels');
    const io = readGolden('two_levels/io.safetensors');
    const golden = readGolden('two_levels/grads.safetensors');
    const pixels = toTensor(io.get('pixels')) as tf.Tensor4D;
    // A quarter, since differences count twice here.
    const reconstruction = { ...NOTHING, mse: 0.25 };
    const options = { reconstruction, codebookLoss: { commitment: 1, codebook: 0.25 } };
    const { value, outputs, grads } = valueAndGrads(
      () => vqganLoss(model, pixels, options),
      model.namedWeights(),
    );
    expect(scalar(value)).toBeCloseTo(io.get('loss').data[0] as number, 5);
    const { indices, latents, reconstruction: rec, quantization } = outputs as Record<string, tf.Tensor>;
    expect([...(indices as tf.Tensor).dataSync()]).toEqual([...io.get('indices').data]);
    expect(latents?.shape).toEqual([16, 4]);
    expect(scalar(rec as tf.Tensor) + scalar(quantization as tf.Tensor)).toBeCloseTo(scalar(value), 5);
    const wrong = [...grads].filter(([path, grad]) => {
      const norm = golden.get(`${path.replaceAll('.', '/')}#norm`).data[0] as number;
      return !(Math.abs(scalar(tf.norm(grad)) - norm) < 2e-5 + 1e-4 * norm);
    });
    expect(wrong.map(([path]) => path)).toEqual([]);
  });

  const config = parseVqganConfig({
    ...{ ch: 8, ch_mult: [1, 2], num_res_blocks: 1, attn_resolutions: [], resolution: 8, z_channels: 8 },
    ...{ embed_dim: 4, n_embed: 16, norm_groups: 4, pixel_range: 'signed', codebook_norm: 'l2' },
  });

  test('unit latents, and no tensor left over', () => {
    const model = new Vqgan(config);
    initializeVqgan(model, prngKey(3));
    const variables = model.namedWeights();
    variables.delete('quantize.embedding.embedding');
    const pixels = tf.randomUniform([2, 8, 8, 3], 0, 1, 'float32', 5) as tf.Tensor4D;
    const before = tf.memory().numTensors;
    const { value, outputs, grads } = valueAndGrads(() => vqganLoss(model, pixels), variables);
    const latents = outputs.latents as tf.Tensor;
    const lengths = tf.tidy(() => tf.sum(tf.square(latents), 1).dataSync());
    expect(largestDifference(lengths, new Array(32).fill(1))).toBeLessThan(1e-5);
    expect(tf.memory().numTensors).toBe(before + 1 + Object.keys(outputs).length + grads.size);
    tf.dispose([value, outputs, [...grads.values()]]);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('ten steps of gradient descent as an autoencoder lower the loss', () => {
    const model = new Vqgan(config);
    initializeVqgan(model, prngKey(4));
    const variables = model.namedWeights();
    variables.delete('quantize.embedding.embedding');
    const pixels = tf.randomUniform([2, 8, 8, 3], 0, 1, 'float32', 6) as tf.Tensor4D;
    const losses: number[] = [];
    for (let step = 0; step < 10; step++) {
      const { value, outputs, grads } = valueAndGrads(() => autoencoderLoss(model, pixels), variables);
      losses.push(scalar(value));
      tf.tidy(() => {
        for (const [name, variable] of variables) {
          variable.assign(tf.sub(variable, tf.mul(grads.get(name) as tf.Tensor, 0.01)));
        }
      });
      tf.dispose([value, outputs, [...grads.values()]]);
    }
    expect(losses.at(-1)).toBeLessThan(0.8 * (losses[0] as number));
  });
});
