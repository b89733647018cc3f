import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DalleBartConfig, ModelPlan } from '@easel/bart';
import type { Tolerance } from '../../checks.js';
import { readJson } from '../../golden.js';
import type { GoldenFolder } from '../../kind.js';

/** How far a model's numbers may be from the original's. */
export interface ModelTolerance {
  /**
   * Of hidden states, which stand before the last norm and are several times as large as logits.
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
  /** Of the largest number of a gradient's tensor. */
  readonly gradients: number;
  /** Absolute. */
  readonly loss: number;
}

/**
 * How far above the median of its configuration's noise a difference may be: 2 × 14. The noisiest
 * of twelve seeds was up to 14 × the median, at every depth and place of the norms (a soft maximum
 * near a tie, a norm near 0). The 2 is for two programs that each round.
 */
const SPREAD = 28;

/**
 * The same of gradients through cosine attention, whose noisiest of twelve seeds was 58 × the
 * median: 2 × 58.
 */
const COSINE_SPREAD = 116;

/**
 * What the original's own noise in this very case may be multiplied by, where `cases.json` beside
 * its folder has it.
 */
const OWN_NOISES = 10;

/** A gradient that is 0 in exact arithmetic (a key's bias) is rounding in both. */
const GRADIENT_FLOOR = 1e-6;

/** By the config, and by the original's noise in the case itself where that is known. */
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
  /** Of gradients, where it is not SPREAD. */
  readonly spread?: number;
  readonly reason: string;
}

/** The noise of a model of the second version. */
export function noiseOf(config: DalleBartConfig): ExplainedNoise {
  const layers = Math.max(config.encoderLayers, config.decoderLayers);
  const usual = config.lnPositions === 'swinv2' ? swinV2Noise(layers) : normedNoise(layers);
  return config.useCosineAttention ? cosineNoise(usual.noise, config.tauInit) : usual;
}

/**
 * Noise where every layer norms what it reads (or what the layer before it gave): it grows with the
 * layers. Medians of 12 seeds for 2 and 8 layers: states 5.7e-6 and 3.2e-5, logits 3.8e-6 and
 * 8.0e-6, gradients 4.4e-6 and 1.5e-5, loss 3.3e-7 and 3.5e-7 (normformer; postln and preln have
 * less).
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
 * Noise of Swin V2, whose layers read states that no norm has seen: they grow from layer to layer,
 * attention sharpens, and noise with it. Medians of 12 seeds for 2, 4, 7, 10 layers: states 8e-6,
 * 2.8e-5, 8e-5, 2.6e-4; logits 4e-6, 7e-6, 3.5e-5, 7.5e-5; gradients 5e-6, 2.5e-5, 1e-4, 3e-4; loss
 * 3e-7, 2.3e-7, 5.8e-7, 9.2e-7. The largest of 12 seeds of gradients: 2.2e-5, 6.8e-5, 1.4e-3,
 * 3.4e-3.
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

/** Layers beside the two of the shallowest models measured. */
function relativeDepth(layers: number): number {
  return Math.max(layers, 2) / 2;
}

/**
 * Noise under cosine attention, whose scores are divided by tau and by the norms of queries and
 * keys, which may be near 0. Medians of 12 seeds for two layers of normformer with a tau of 0.05
 * and 0.1: states 1.2e-4 and 4.1e-5, logits 5.3e-5 and 2.3e-5, gradients 1.5e-4 and 6.4e-5, loss
 * 5.6e-7 and 4.8e-7. The largest of 12 seeds of gradients: 8.7e-3 and 2.6e-3.
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

/** Layers of the larger stack. */
export function layersOf(plan: ModelPlan): number {
  return plan.version === 1
    ? Math.max(plan.config.encoder.layers, plan.config.decoder.layers)
    : Math.max(plan.config.encoderLayers, plan.config.decoderLayers);
}

/**
 * What the original's own float32 run of a case is from its float64 run; in cases.json beside the
 * case's folder.
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
