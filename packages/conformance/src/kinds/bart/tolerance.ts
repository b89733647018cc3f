import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DalleBartConfig, ModelPlan } from '@easel/bart';
import type { Tolerance } from '../../checks.js';
import { readJson } from '../../golden.js';
import type { GoldenFolder } from '../../kind.js';

/** How far a model's numbers may be from the original's. */
export interface ModelTolerance {
  /**
   * Tolerance of hidden states. They stand before the last norm and are several times as large as
   * logits.
   */
  readonly states: Tolerance;
  readonly logits: Tolerance;
  readonly gradients: Tolerance;
  readonly loss: Tolerance;
}

/**
 * Rounding noise of the original: its float32 run beside its float64 run, as
 * `reference/noise/bart.py` measures it. Each number is the median over seeds of the largest
 * difference of a seed.
 */
interface Noise {
  /** Absolute. */
  readonly states: number;
  /** Absolute. */
  readonly logits: number;
  /** As a part of the largest number of the gradient's tensor. */
  readonly gradients: number;
  /** Absolute. */
  readonly loss: number;
}

/**
 * A difference may be this many times the median noise of its configuration: 2 × 14. The noisiest
 * of twelve seeds had up to 14 × the median, at every depth and place of the norms (a soft maximum
 * near a tie, a norm near 0). The 2 stands for two programs that both round.
 */
const SPREAD = 28;

/**
 * The same for gradients through cosine attention: 2 × 58. The noisiest of twelve seeds had 58 ×
 * the median.
 */
const COSINE_SPREAD = 116;

/**
 * A difference may be this many times the original's own noise in the same case, if `cases.json`
 * beside its folder has that noise.
 */
const OWN_NOISES = 10;

/** A gradient that is 0 in exact arithmetic (a key's bias) is pure rounding in both programs. */
const GRADIENT_FLOOR = 1e-6;

/**
 * Returns the tolerances of a model, by its config, and by the original's noise in the case itself
 * if that is known.
 */
export function toleranceOf(plan: ModelPlan, folder: GoldenFolder): ModelTolerance {
  const {
    noise,
    spread = SPREAD,
    reason,
  } = plan.version === 2 ? noiseOf(plan.config) : normedNoise(layersOf(plan));
  const own = ownNoise(folder);
  const allowed = (typical: number, measured: number | undefined, factor = SPREAD): number =>
    Math.max(factor * typical, OWN_NOISES * (measured ?? 0));
  return {
    states: { absolute: allowed(noise.states, own?.logits_max_abs), reason },
    logits: { absolute: allowed(noise.logits, own?.logits_max_abs), reason },
    gradients: {
      relative: allowed(noise.gradients, own?.grad_max_rel_to_tensor_max, spread),
      absolute: GRADIENT_FLOOR,
      reason,
    },
    loss: { absolute: allowed(noise.loss, own?.loss_abs), reason },
  };
}

interface ExplainedNoise {
  readonly noise: Noise;
  /** The factor of gradients, if it is not SPREAD. */
  readonly spread?: number;
  readonly reason: string;
}

/** Returns the noise of a model of the second version. */
export function noiseOf(config: DalleBartConfig): ExplainedNoise {
  const layers = Math.max(config.encoderLayers, config.decoderLayers);
  const usual = config.lnPositions === 'swinv2' ? swinV2Noise(layers) : normedNoise(layers);
  return config.useCosineAttention ? cosineNoise(usual.noise, config.tauInit) : usual;
}

/**
 * Returns the noise of models in which every layer norms its input (or the previous layer's
 * result). It grows with the number of layers. Medians of 12 seeds for 2 and 8 layers: states
 * 5.7e-6 and 3.2e-5, logits 3.8e-6 and 8.0e-6, gradients 4.4e-6 and 1.5e-5, loss 3.3e-7 and 3.5e-7
 * (normformer; postln and preln have less).
 */
function normedNoise(layers: number): ExplainedNoise {
  const depth = relativeDepth(layers);
  return {
    noise: {
      states: 6e-6 * depth,
      logits: 4e-6 * depth ** 0.5,
      gradients: 4.4e-6 * depth,
      loss: 3.5e-7,
    },
    reason: `float32: ${SPREAD} × the original's median noise for ${layers} layers`,
  };
}

/**
 * Returns the noise of Swin V2. Its layers read states that no norm has scaled. The states grow
 * from layer to layer, attention sharpens, and the noise grows with it. Medians of 12 seeds for 2,
 * 4, 7, 10 layers: states 8e-6, 2.8e-5, 8e-5, 2.6e-4; logits 4e-6, 7e-6, 3.5e-5, 7.5e-5; gradients
 * 5e-6, 2.5e-5, 1e-4, 3e-4; loss 3e-7, 2.3e-7, 5.8e-7, 9.2e-7. The largest of 12 seeds of
 * gradients: 2.2e-5, 6.8e-5, 1.4e-3, 3.4e-3.
 */
function swinV2Noise(layers: number): ExplainedNoise {
  const depth = relativeDepth(layers);
  return {
    noise: {
      states: 8e-6 * depth ** 2,
      logits: 4e-6 * depth ** 2,
      gradients: 5e-6 * depth ** 2.5,
      loss: 3.5e-7 * depth ** 0.5,
    },
    reason: `float32: ${SPREAD} × the original's median noise for ${layers} layers of Swin V2, which grows as their depth squared`,
  };
}

/** Returns the number of layers relative to the two of the shallowest models measured. */
function relativeDepth(layers: number): number {
  return Math.max(layers, 2) / 2;
}

/**
 * Returns the noise under cosine attention. Its scores are divided by tau and by the norms of
 * queries and keys, which may be near 0. Medians of 12 seeds for two layers of normformer with a
 * tau of 0.05 and 0.1: states 1.2e-4 and 4.1e-5, logits 5.3e-5 and 2.3e-5, gradients 1.5e-4 and
 * 6.4e-5, loss 5.6e-7 and 4.8e-7. The largest of 12 seeds of gradients: 8.7e-3 and 2.6e-3.
 */
function cosineNoise(noise: Noise, tau: number): ExplainedNoise {
  return {
    noise: {
      states: noise.states / tau,
      logits: noise.logits / tau,
      gradients: (1.7 * noise.gradients) / tau,
      loss: 1.6 * noise.loss,
    },
    spread: COSINE_SPREAD,
    reason: `float32: ${SPREAD} × the original's median noise under cosine attention with tau ${tau}; gradients ${COSINE_SPREAD} ×`,
  };
}

/** Returns the number of layers of the larger stack. */
export function layersOf(plan: ModelPlan): number {
  return plan.version === 1
    ? Math.max(plan.config.encoder.layers, plan.config.decoder.layers)
    : Math.max(plan.config.encoderLayers, plan.config.decoderLayers);
}

/**
 * The difference of the original's float32 run of a case from its float64 run, as in cases.json
 * beside the case's folder.
 */
interface OwnNoise {
  readonly logits_max_abs: number;
  readonly grad_max_rel_to_tensor_max: number;
  readonly loss_abs: number;
}

function ownNoise(folder: GoldenFolder): OwnNoise | undefined {
  const file = join(dirname(folder.path), 'cases.json');
  if (!existsSync(file)) return undefined;
  return readJson<Record<string, { noise?: OwnNoise }>>(file)[folder.name]?.noise;
}
