import type { WeightRule } from '@easel/core';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { parseVqganConfig } from '../config.js';
import { Vqgan } from '../model.js';
import { FAST_BACKEND } from '../testing/backends.js';
import { formulaWeight, largestDifference, setWeights, toTensor } from '../testing/golden-case.js';
import { fillByFormula, readTamingLoss, theirLayout, thinned } from '../testing/taming-loss.js';
import { rulesForTaming } from '../weights.js';
import { type AdversarialLossConfig, adversarialStep, tamingAdam } from './adversarial-step.js';
import { isStatistic, PatchDiscriminator } from './discriminator.js';
import type { GanLoss } from './gan-losses.js';
import { Lpips, VGG16_WIDTHS } from './lpips.js';
import { discriminatorRules, lpipsRules } from './weights.js';

beforeAll(async () => void (await tf.setBackend(FAST_BACKEND)));

/** taming's names of the numbers that a step gives. */
const LOGGED = {
  'train/total_loss': 'totalLoss',
  'train/quant_loss': 'quantLoss',
  'train/nll_loss': 'nllLoss',
  'train/p_loss': 'perceptualLoss',
  'train/g_loss': 'generatorLoss',
  'train/d_weight': 'adaptiveWeight',
  'train/disc_factor': 'discFactor',
  'train/disc_loss': 'discriminatorLoss',
  'train/logits_real': 'logitsReal',
  'train/logits_fake': 'logitsFake',
} as const;

describe('whole steps of both networks as taming’s', () => {
  test.each(['train_hinge', 'train_vanilla_actnorm'])('%s', (name) => {
    const golden = readTamingLoss(name);
    const metadata = golden.metadata as Record<string, never>;
    const lossConfig = metadata.loss as unknown as Record<string, number | string | boolean>;
    const seed = metadata.seed as unknown as number;
    const model = new Vqgan(
      parseVqganConfig({
        ...(metadata.vqgan as object),
        n_embed: metadata.n_embed,
        embed_dim: metadata.embed_dim,
        pixel_range: 'signed',
      }),
    );
    setWeights(model, (path, shape) => formulaWeight(path, shape, seed));
    const discriminator = new PatchDiscriminator({
      width: lossConfig.disc_ndf as number,
      layers: lossConfig.disc_num_layers as number,
      actNorm: lossConfig.use_actnorm as boolean,
    });
    const judgeRules = discriminatorRules(discriminator.namedWeights().keys());
    fillByFormula(discriminator.namedWeights(), judgeRules, seed + 1, 3);
    const lpips = new Lpips(VGG16_WIDTHS.map((width) => width / 8));
    fillByFormula(lpips.namedWeights(), lpipsRules(lpips.namedWeights().keys(), 'taming'), seed + 2, 6);
    const rate = metadata.learning_rate as unknown as number;
    const config: AdversarialLossConfig = {
      perceptualWeight: lossConfig.perceptual_weight as number,
      codebookWeight: lossConfig.codebook_weight as number,
      discWeight: lossConfig.disc_weight as number,
      discStart: lossConfig.disc_start as number,
      discLoss: lossConfig.disc_loss as GanLoss,
    };
    const parts = {
      discriminator,
      lpips,
      generatorOptimizer: tamingAdam(rate),
      discriminatorOptimizer: tamingAdam(rate),
      config,
    };
    const generatorRules = rulesForTaming(model.namedWeights().keys());
    const logged = metadata.logged as unknown as Record<string, number>[];
    let compared = 0;
    let tensors = 0;
    logged.forEach((expected, batch) => {
      const pixels = tf.tidy(
        () => tf.div(tf.add(toTensor(golden.get(`${batch}/batch`)), 1), 2) as tf.Tensor4D,
      );
      const onGradients = (
        network: 'generator' | 'discriminator',
        grads: ReadonlyMap<string, tf.Tensor>,
        loss: number,
      ): void => {
        const recordedLoss = golden.get(`${batch}/${network}_loss`).data[0] as number;
        expect(Math.abs(loss - recordedLoss)).toBeLessThan(1e-4 * Math.max(1, Math.abs(recordedLoss)));
        const rules = network === 'generator' ? generatorRules : judgeRules;
        for (const [weight, grad] of grads) {
          const rule = rules.get(weight) as WeightRule;
          const key = `${batch}/${network}_grad/${rule.source}`;
          if (!golden.names.includes(key)) continue;
          const { data } = golden.get(key);
          const found = largestDifference(thinned(theirLayout(grad, rule), data.length), data);
          // Later batches stand on weights that Adam moved by the sign of gradients near 0.
          if (!(found <= (batch === 0 ? 1e-5 : 2e-3))) throw new Error(`${key}: off by ${found}`);
          compared++;
        }
      };
      const metrics = adversarialStep(model, pixels, batch, parts, { onGradients });
      pixels.dispose();
      for (const [theirs, ours] of Object.entries(LOGGED)) {
        const found = metrics[ours];
        const recorded = expected[theirs] as number;
        const tolerance =
          (batch === 0 && !theirs.includes('disc_loss') ? 1e-5 : 5e-3) * Math.max(1, Math.abs(recorded));
        if (!(Math.abs(found - recorded) <= tolerance))
          throw new Error(`batch ${batch} ${theirs}: ${found}, recorded ${recorded}`);
      }
      // Adam moves every element by about the rate in its first steps, whatever its gradient's size: those near 0 may go either way.
      const off = metadata.share_of_elements_off_by_5_percent_of_learning_rate as unknown as object;
      for (const [network, weights, rules] of [
        ['generator', model.namedWeights(), generatorRules],
        ['discriminator', discriminator.namedWeights(), judgeRules],
      ] as const) {
        for (const [weight, variable] of weights) {
          const rule = rules.get(weight) as WeightRule;
          const isGathered = isStatistic(weight);
          const key = isGathered
            ? `${batch}/buffer/${rule.source}`
            : `${batch}/${network}_after/${rule.source}`;
          if (!golden.names.includes(key)) continue;
          const { data } = golden.get(key);
          const found = largestDifference(thinned(theirLayout(variable, rule), data.length), data);
          const noisy = key in off || weight.endsWith('bias');
          const tolerance = isGathered ? 1e-4 : (noisy ? 2 : 0.1) * rate * (batch + 1);
          if (!(found <= tolerance)) throw new Error(`${key}: off by ${found}, allowed ${tolerance}`);
          compared++;
        }
      }
      const now = tf.memory().numTensors;
      if (batch > 0) expect(now).toBe(tensors);
      tensors = now;
    });
    expect(compared).toBeGreaterThan(100);
  });
});
