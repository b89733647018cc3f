import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DalleBartConfig, ModelPlan } from '@easel/bart';
import type { Tolerance } from '../../checks.js';
import { readJson } from '../../golden.js';
import type { GoldenFolder } from '../../kind.js';

/** How far a model's numbers may be from the original's. */
export interface ModelTolerance {
  readonly values: Tolerance;
  readonly gradients: Tolerance;
  readonly loss: Tolerance;
}

/** What the original's own float32 run is from its float64 run; in cases.json beside the case's folder. */
interface Noise {
  readonly logits_max_abs: number;
  readonly grad_max_rel_to_tensor_max: number;
  readonly loss_abs: number;
}

/** A gradient that is 0 in exact arithmetic (a key's bias) is rounding in both. */
const GRADIENT_FLOOR = 1e-6;

/** Times the original's own float32 noise that a difference may be: ours has as much, and other orders of summation. */
const NOISES = 10;

/** Layers from which Swin V2's states, never normed before a layer, have grown enough to be noisy. */
const DEEP_SWIN = 6;

/** By the config, and by the measured noise of the original where it is known. */
export function toleranceOf(plan: ModelPlan, folder: GoldenFolder): ModelTolerance {
  const [values, gradients, reason] = plan.version === 2 ? byConfig(plan.config) : USUAL;
  const measured = noiseOf(folder);
  const more = (usual: number, noise: number | undefined): number => Math.max(usual, NOISES * (noise ?? 0));
  return {
    values: { absolute: more(values, measured?.logits_max_abs), reason },
    gradients: {
      relative: more(gradients, measured?.grad_max_rel_to_tensor_max),
      absolute: GRADIENT_FLOOR,
      reason,
    },
    loss: { absolute: more(1e-5, measured?.loss_abs), reason },
  };
}

const USUAL = [1e-4, 1e-4, "float32: 10 × the original's own noise"] as const;

function byConfig(config: DalleBartConfig): readonly [number, number, string] {
  if (config.useCosineAttention) {
    return [1e-3, 1e-2, `float32: cosine attention divides by tau ${config.tauInit}, and multiplies noise`];
  }
  if (config.lnPositions === 'swinv2' && Math.max(config.encoderLayers, config.decoderLayers) > DEEP_SWIN) {
    return [1e-3, 2e-3, 'float32: states of many Swin V2 layers grow, and their noise with them'];
  }
  return USUAL;
}

function noiseOf(folder: GoldenFolder): Noise | undefined {
  const file = join(dirname(folder.path), 'cases.json');
  if (!existsSync(file)) return undefined;
  return readJson<Record<string, { noise?: Noise }>>(file)[folder.name]?.noise;
}
