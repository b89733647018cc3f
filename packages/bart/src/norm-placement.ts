import { type CompositeLayer, LayerNorm, RmsNorm } from '@easel/core';
import type * as tf from '@tensorflow/tfjs';
import type { DalleBartConfig, LnPositions } from './config.js';
import type { LayerConfig } from './version.js';

/** A norm over the last axis: float32 [.., D] → [.., D]. */
export type Norm = CompositeLayer & { call(x: tf.Tensor): tf.Tensor };

/** 'scaled' norms always have a learnt scale, 'bare' ones only with force_ln_scale. */
export type NormScale = 'scaled' | 'bare';

/**
 * Which layers have a norm behind their last residual. 'each' gives every layer one; if the layers
 * are not stacked, that of the last layer is a 'bare' norm. 'every-sixth' gives one to every sixth
 * layer but the last layer.
 */
export type LastNorm = 'each' | 'every-sixth';

/**
 * The places and kinds of a layer's norms. A sub-block computes x → end(gain·x +
 * post(block(pre(x)))).
 */
export interface NormPlacement {
  readonly attention: {
    readonly preEncoderSelf?: NormScale;
    readonly preDecoderSelf?: NormScale;
    readonly preCross?: NormScale;
    /** Norm between the merged heads and the output projection of self-attention. */
    readonly mid?: NormScale;
    readonly post?: NormScale;
    readonly end?: NormScale;
  };
  readonly feedForward: {
    /** Norm of width D before the products. */
    readonly pre?: NormScale;
    /** Norm of width F before the output product. */
    readonly mid?: NormScale;
    /** Norm of width D behind the output product. */
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
  // The original forgets the decoder's norms before attention in this variant. Trained models rely
  // on that, so they stay left out.
  subln: { attention: { preEncoderSelf: 'bare', mid: 'scaled' }, feedForward: { pre: 'bare', mid: 'bare' } },
};

/**
 * Returns the kind of norm behind the last residual of layer `index` of `count`, if there is one.
 */
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

/**
 * Makes a norm of width `size`: layer norm, which always has a bias, or RMS norm, which never has
 * one.
 */
export function makeNorm(config: LayerConfig, size: number, kind: NormScale): Norm {
  const useScale = hasScale(config, kind);
  const { epsilon } = config.version;
  const norm =
    config.lnType === 'rmsnorm'
      ? new RmsNorm({ size, useScale, epsilon })
      : new LayerNorm({ size, useScale, epsilon });
  return norm as Norm;
}

/** Returns norm(x), or x if there is no norm. */
export function normalize<T extends tf.Tensor>(norm: Norm | undefined, x: T): T {
  return norm === undefined ? x : (norm.call(x) as T);
}
