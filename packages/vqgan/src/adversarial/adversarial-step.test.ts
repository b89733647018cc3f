import { prngKey } from '@easel/core';
import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FAST_BACKEND } from '../../testing/backends.js';
import { parseVqganConfig } from '../config.js';
import { initializeVqgan } from '../initialize.js';
import { codebookLoss } from '../losses.js';
import { Lpips } from '../lpips.js';
import { Vqgan } from '../model.js';
import { type AdversarialLossConfig, adversarialStep, tamingAdam } from './adversarial-step.js';
import { initializeDiscriminator, PatchDiscriminator } from './discriminator.js';

// Whole steps beside taming's are cases of the conformance runner; here is what they must be by
// themselves.

beforeAll(async () => void (await tf.setBackend(FAST_BACKEND)));

function small(config: AdversarialLossConfig = {}, rate = 1e-3) {
  const model = new Vqgan(
    parseVqganConfig({
      ...{ ch: 8, ch_mult: [1, 1], num_res_blocks: 1, attn_resolutions: [], resolution: 16 },
      ...{ z_channels: 6, embed_dim: 4, n_embed: 8, norm_groups: 4 },
    }),
  );
  initializeVqgan(model, prngKey(1));
  const discriminator = new PatchDiscriminator({ width: 4, layers: 1 });
  initializeDiscriminator(discriminator, prngKey(2));
  const lpips = new Lpips([2, 3, 4, 3, 2]);
  let seed = 1;
  for (const weight of lpips.namedWeights().values())
    tf.tidy(() => weight.assign(tf.abs(tf.randomNormal(weight.shape, 0, 0.5, 'float32', seed++))));
  return {
    model,
    parts: {
      discriminator,
      lpips,
      generatorOptimizer: tamingAdam(rate),
      discriminatorOptimizer: tamingAdam(rate),
      config,
    },
  };
}

const pictures = (): tf.Tensor4D => tf.randomUniform([2, 16, 16, 3], 0, 1, 'float32', 5);

test('the generator’s gradient is that of its loss, by differences at some weights', async () => {
  const { model, parts } = small({ discWeight: 0 });
  const pixels = pictures();
  const loss = (): number =>
    tf.tidy(() => {
      const latents = model.encodeToLatent(pixels);
      const codes = model.quantizer.call(latents);
      const [x, drawn] = [pixels, model.decodeLatent(codes)].map(
        (p) => tf.sub(tf.mul(p, 2), 1) as tf.Tensor4D,
      );
      const perceptual = tf.mean(parts.lpips.distance(x as tf.Tensor4D, drawn as tf.Tensor4D));
      const absolute = tf.mean(tf.abs(tf.sub(x as tf.Tensor4D, drawn as tf.Tensor4D)));
      return tf.addN([absolute, perceptual, codebookLoss(latents, codes)]).dataSync()[0] as number;
    });
  const weight = model.namedWeights().get('decoder.conv_out.kernel') as tf.Variable;
  const values = weight.dataSync().slice();
  const slopes = [0, 7, 50].map((at) => {
    const shifted = (by: number): number => {
      const copy = values.slice();
      copy[at] = (copy[at] as number) + by;
      tf.tidy(() => weight.assign(tf.tensor(copy, weight.shape)));
      return loss();
    };
    return (shifted(1e-2) - shifted(-1e-2)) / 2e-2;
  });
  tf.tidy(() => weight.assign(tf.tensor(values, weight.shape)));
  let found: number[] = [];
  const metrics = await adversarialStep(model, pixels, 0, parts, {
    onGradients(network, grads) {
      if (network !== 'generator') return;
      const gradient = (grads.get('decoder.conv_out.kernel') as tf.Tensor).dataSync();
      found = [0, 7, 50].map((at) => gradient[at] as number);
    },
  });
  expect(Math.abs(metrics.totalLoss - metrics.nllLoss - metrics.quantLoss)).toBeLessThan(1e-6);
  for (const [i, slope] of slopes.entries())
    expect(Math.abs(slope - (found[i] as number))).toBeLessThan(2e-2);
  tf.dispose([pixels]);
});

test('before discStart the discriminator stays as it is but for its statistics, and does not weigh', async () => {
  const { model, parts } = small({ discStart: 1 });
  const pixels = pictures();
  const before = new Map([...parts.discriminator.parameters()].map(([name, w]) => [name, [...w.dataSync()]]));
  const first = await adversarialStep(model, pixels, 0, parts);
  expect([first.discFactor, first.discriminatorLoss]).toEqual([0, 0]);
  for (const [name, weight] of parts.discriminator.parameters())
    expect([...weight.dataSync()]).toEqual(before.get(name));
  const second = await adversarialStep(model, pixels, 1, parts);
  expect(second.discFactor).toBe(1);
  expect(second.discriminatorLoss).toBeGreaterThan(0);
  const moved = [...parts.discriminator.parameters()].some(
    ([name, w]) => `${[...w.dataSync()]}` !== `${before.get(name)}`,
  );
  expect(moved).toBe(true);
  pixels.dispose();
});

test('steps on one batch draw it better, and leave no tensors', async () => {
  const { model, parts } = small({ discStart: 1000 }, 3e-3);
  const pixels = pictures();
  const first = (await adversarialStep(model, pixels, 0, parts)).nllLoss;
  const tensors = tf.memory().numTensors;
  let last = first;
  for (let batch = 1; batch < 12; batch++)
    last = (await adversarialStep(model, pixels, batch, parts)).nllLoss;
  expect(last).toBeLessThan(0.9 * first);
  expect(tf.memory().numTensors).toBe(tensors);
  pixels.dispose();
});
