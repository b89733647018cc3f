import { type CompositeLayer, LayerNorm, RmsNorm } from '@easel/core';
import type * as tf from '@tensorflow/tfjs';
import type { DalleBartConfig, LnPositions } from './config.js';
import type { LayerConfig } from './version.js';

/** A norm over the last axis: float32 [.., D] → the same. */
export type Norm = CompositeLayer & { call(x: tf.Tensor): tf.Tensor };

/** 'scaled' norms always have a learnt scale, 'bare' ones only with force_ln_scale. */
export type NormScale = 'scaled' | 'bare';

/**
 * Which layers have a norm behind their last residual; 'each' leaves the last unstacked layer bare.
 */
export type LastNorm = 'each' | 'every-sixth';

/**
 * Where a layer has norms, and of what kind. Sub-blocks compute x → end(gain·x +
 * post(block(pre(x)))).
 */
export interface NormPlacement {
  readonly attention: {
    readonly preEncoderSelf?: NormScale;
    readonly preDecoderSelf?: NormScale;
    readonly preCross?: NormScale;
    /** Between the merged heads and the output projection of self-attention. */
    readonly mid?: NormScale;
    readonly post?: NormScale;
    readonly end?: NormScale;
  };
  readonly feedForward: {
    /** Width D, before the products. */
    readonly pre?: NormScale;
    /** Width F, before the output product. */
    readonly mid?: NormScale;
    /** Width D, behind the output product. */
    readonly post?: NormScale;
    readonly end?: LastNorm;
  };
}

const PRE = { preEncoderSelf: 'bare', preDecoderSelf: 'bare', preCross: 'bare' } as const;

/**
 * The six variants. Sources: NormFormer arXiv:2110.09456, Swin v2 arXiv:2111.09883, CogView
 * arXiv:2105.13290, post- and pre-norm arXiv:2002.04745, Sub-LN arXiv:2210.06423; their exact
 * places are those of dalle-mini `modeling.py`.
 */
export const NORM_PLACEMENTS: Readonly<Record<LnPositions, NormPlacement>> = {
  normformer: { attention: { ...PRE, post: 'scaled' }, feedForward: { pre: 'bare', mid: 'bare' } },
  swinv2: { attention: { post: 'scaled' }, feedForward: { post: 'scaled', end: 'every-sixth' } },
  cogview: { attention: { ...PRE, post: 'scaled' }, feedForward: { pre: 'bare', post: 'scaled' } },
  postln: { attention: { end: 'scaled' }, feedForward: { end: 'each' } },
  preln: { attention: PRE, feedForward: { pre: 'bare' } },
  // The original forgets the decoder's norms before attention here; trained models know it so.
  subln: { attention: { preEncoderSelf: 'bare', mid: 'scaled' }, feedForward: { pre: 'bare', mid: 'bare' } },
};

/** The kind of norm behind the last residual of layer `index` of `count`, if it has one. */
export function lastNorm(config: DalleBartConfig, index: number, count: number): NormScale | undefined {
  const end = NORM_PLACEMENTS[config.lnPositions].feedForward.end;
  const last = index === count - 1;
  if (end === 'every-sixth') return (index + 1) % 6 === 0 && !last ? 'scaled' : undefined;
  if (end === undefined) return undefined;
  return last && !config.useScan ? 'bare' : 'scaled';
}

/** Whether a norm of this kind has a scale under `config`. */
export function hasScale(config: DalleBartConfig, kind: NormScale): boolean {
  return kind === 'scaled' || config.forceLnScale;
}

/** A norm of width `size`: layer norm (always with bias) or RMS norm (never). */
export function makeNorm(config: LayerConfig, size: number, kind: NormScale): Norm {
  const useScale = hasScale(config, kind);
  const { epsilon } = config.version;
  const norm =
    config.lnType === 'rmsnorm'
      ? new RmsNorm({ size, useScale, epsilon })
      : new LayerNorm({ size, useScale, epsilon });
  return norm as Norm;
}

/** norm(x), or x where there is no norm. */
export function normalize<T extends tf.Tensor>(norm: Norm | undefined, x: T): T {
  return norm === undefined ? x : (norm.call(x) as T);
}
