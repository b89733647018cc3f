import type { WeightRule } from '@easel/core';
import {
  type AdversarialMetrics,
  adversarialStep,
  type GanLoss,
  Lpips,
  PatchDiscriminator,
  parseVqganConfig,
  tamingAdam,
  Vqgan,
} from '@easel/vqgan';
import { discriminatorRules, lpipsRules, VGG16_WIDTHS, vqganRulesForTaming } from '@easel/vqgan/internals';
import * as tf from '@tensorflow/tfjs';
import type { Checks, Tolerance } from '../../checks.js';
import { GoldenArrays } from '../../golden.js';
import type { Case } from '../../kind.js';
import { fillPlain, flaxWeight, GAIN, theirLayout, thinned } from './weights.js';

/** taming's names of a step's results → our names. */
const LOGGED: Readonly<Record<string, keyof AdversarialMetrics>> = {
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
};

interface LossSettings {
  readonly disc_start: number;
  readonly disc_weight: number;
  readonly codebook_weight: number;
  readonly disc_ndf: number;
  readonly disc_num_layers: number;
  readonly disc_loss: GanLoss;
  readonly use_actnorm: boolean;
  readonly perceptual_weight: number;
}

/**
 * Compares whole batches of taming's training: an update of the VQGAN, then one of the
 * discriminator.
 */
export function trainingCase(file: string, name: string): Case {
  return {
    name,
    async run(checks) {
      const arrays = new GoldenArrays(file);
      const parts = open(arrays);
      try {
        await compareBatches(checks, arrays, parts);
      } finally {
        parts.model.dispose();
        parts.discriminator.dispose();
        parts.lpips.dispose();
        parts.generatorOptimizer.dispose();
        parts.discriminatorOptimizer.dispose();
      }
    },
  };
}

function open(arrays: GoldenArrays) {
  const setting = <T>(key: string): T => arrays.setting<T>(key) as T;
  const loss = setting<LossSettings>('loss');
  const seed = setting<number>('seed');
  const model = new Vqgan(
    parseVqganConfig({
      ...setting<object>('vqgan'),
      n_embed: setting('n_embed'),
      embed_dim: setting('embed_dim'),
      pixel_range: 'signed',
    }),
  );
  for (const [path, variable] of model.namedWeights()) {
    const values = flaxWeight(path.replaceAll('.', '/'), variable.shape, seed);
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
  const discriminator = new PatchDiscriminator({
    width: loss.disc_ndf,
    layers: loss.disc_num_layers,
    actNorm: loss.use_actnorm,
  });
  const judged = discriminator.namedWeights();
  fillPlain(judged, discriminatorRules(judged.keys()), seed + 1, GAIN.discriminator);
  const lpips = new Lpips(VGG16_WIDTHS.map((width) => width / 8));
  const compared = lpips.namedWeights();
  fillPlain(compared, lpipsRules(compared.keys(), 'taming'), seed + 2, GAIN.lpips);
  const rate = setting<number>('learning_rate');
  return {
    model,
    discriminator,
    lpips,
    rate,
    generatorOptimizer: tamingAdam(rate),
    discriminatorOptimizer: tamingAdam(rate),
    config: {
      perceptualWeight: loss.perceptual_weight,
      codebookWeight: loss.codebook_weight,
      discWeight: loss.disc_weight,
      discStart: loss.disc_start,
      discLoss: loss.disc_loss,
    },
  };
}

async function compareBatches(
  checks: Checks,
  arrays: GoldenArrays,
  parts: ReturnType<typeof open>,
): Promise<void> {
  const { model, discriminator, rate } = parts;
  const networks = {
    generator: { weights: model.namedWeights(), rules: vqganRulesForTaming(model.namedWeights().keys()) },
    discriminator: {
      weights: discriminator.namedWeights(),
      rules: discriminatorRules(discriminator.namedWeights().keys()),
    },
  };
  const noisy = arrays.setting<object>('share_of_elements_off_by_5_percent_of_learning_rate') ?? {};
  const logged = arrays.setting<Record<string, number>[]>('logged') ?? [];
  for (const [batch, expected] of logged.entries()) {
    const first = batch === 0;
    const later: Tolerance = {
      absolute: 5e-5,
      reason:
        "float32, behind updates: ten times the original's own noise (4.8e-6 in gradients of the discriminator, 8e-7 in losses)",
    };
    const losses: Tolerance = first
      ? { absolute: 1e-5, relative: 1e-5, reason: 'float32 noise 1e-6' }
      : later;
    const gradients: Tolerance = first
      ? { absolute: 1e-5, reason: 'float32 beside float64: 1e-6 to 1e-5' }
      : later;
    const pixels = tf.tidy(() => tf.div(tf.add(arrays.tensor(`${batch}/batch`), 1), 2) as tf.Tensor4D);
    const compare = async (
      group: string,
      key: string,
      ours: tf.Tensor,
      rule: WeightRule,
      tolerance: Tolerance,
    ): Promise<void> => {
      if (!arrays.has(key)) return;
      const want = arrays.floats(key);
      checks.close(
        group,
        key,
        thinned(await theirLayout(ours, rule.transpose), want.length),
        want,
        tolerance,
      );
    };
    const label = first ? '' : ' of later batches';
    const kept: [keyof typeof networks, string, tf.Tensor][] = [];
    const metrics = await adversarialStep(model, pixels, batch, parts, {
      onGradients(network, grads) {
        for (const [weight, gradient] of grads) kept.push([network, weight, tf.keep(tf.clone(gradient))]);
      },
    });
    pixels.dispose();
    for (const [network, weight, gradient] of kept) {
      const rule = networks[network].rules.get(weight) as WeightRule;
      const isGenerator = network === 'generator';
      await compare(
        `gradients${isGenerator ? label : ' of the discriminator'}`,
        `${batch}/${network}_grad/${rule.source}`,
        gradient,
        rule,
        isGenerator ? gradients : later,
      );
      gradient.dispose();
    }
    for (const [key, loss, tolerance] of [
      [`${batch}/generator_loss`, metrics.totalLoss, losses],
      [`${batch}/discriminator_loss`, metrics.discriminatorLoss, later],
    ] as const)
      if (arrays.has(key)) checks.close(`losses${label}`, key, [loss], arrays.floats(key), tolerance);
    for (const [theirs, ours] of Object.entries(LOGGED)) {
      const want = expected[theirs];
      if (want === undefined) continue;
      const afterUpdate = /disc_loss|logits/.test(theirs);
      const group = first && !afterUpdate ? 'numbers logged' : 'numbers logged after an update';
      checks.close(
        group,
        `batch ${batch} ${theirs}`,
        [metrics[ours] as number],
        [want],
        first && !afterUpdate ? losses : later,
      );
    }
    for (const [network, { weights, rules }] of Object.entries(networks)) {
      for (const [weight, variable] of weights) {
        const rule = rules.get(weight) as WeightRule;
        const after = `${batch}/${network}_after/${rule.source}`;
        const sign = after in noisy || weight.endsWith('bias');
        await compare(sign ? 'weights with gradients near 0' : 'weights', after, variable, rule, {
          absolute: (sign ? 2 : 0.1) * rate * (batch + 1),
          reason: sign ? 'Adam goes by the sign of a gradient near 0: 2 × rate a step' : '0.1 × rate a step',
        });
        await compare('gathered statistics', `${batch}/buffer/${rule.source}`, variable, rule, {
          absolute: 5e-6,
          reason: "float32, behind updates: the original's own noise is up to 3.6e-7",
        });
      }
    }
  }
}
