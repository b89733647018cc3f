import {
  type Activation,
  activation,
  CompositeLayer,
  Dense,
  type FusableActivation,
  gatedActivation,
  type Key,
} from '@easel/core';
import { fusableActivation, singleInput } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';
import type { DropoutPlace } from './dropout-place.js';
import { makeNorm, NORM_PLACEMENTS, type Norm, normalize } from './norm-placement.js';
import type { LayerConfig, LayerDropouts } from './version.js';

/** A feed-forward block: float32 [B, T, D] → [B, T, D]. A `dropoutKey` switches dropout on. */
export type FeedForwardBlock = CompositeLayer & { forward(x: tf.Tensor3D, dropoutKey?: Key): tf.Tensor3D };

/** The common part of both blocks: the norms around the products, and the two places of dropout. */
abstract class FeedForwardBase extends CompositeLayer {
  private readonly preNorm: Norm | undefined;
  private readonly midNorm: Norm | undefined;
  private readonly postNorm: Norm | undefined;
  private readonly activationDropout: DropoutPlace;
  private readonly outputDropout: DropoutPlace;

  constructor(config: LayerConfig, ffnDim: number, dropouts: LayerDropouts) {
    super();
    const { pre, mid, post } = NORM_PLACEMENTS[config.lnPositions].feedForward;
    this.preNorm = pre && this.child('pre_norm', makeNorm(config, config.dModel, pre));
    this.midNorm = mid && this.child('mid_norm', makeNorm(config, ffnDim, mid));
    this.postNorm = post && this.child('post_norm', makeNorm(config, config.dModel, post));
    this.activationDropout = dropouts.activation;
    this.outputDropout = dropouts.feedForward;
  }

  /** [B, T, D] → [B, T, F]. */
  protected abstract expand(x: tf.Tensor3D): tf.Tensor3D;

  /** [B, T, F] → [B, T, D]. */
  protected abstract contract(x: tf.Tensor3D): tf.Tensor3D;

  /** x: float32 [B, T, D] → [B, T, D]. */
  forward(x: tf.Tensor3D, dropoutKey?: Key): tf.Tensor3D {
    return tf.tidy(() => {
      let h = this.expand(normalize(this.preNorm, x)); // [B, T, F]
      h = this.activationDropout.apply(normalize(this.midNorm, h), dropoutKey);
      const y = normalize(this.postNorm, this.contract(h)); // [B, T, D]
      return this.outputDropout.apply(y, dropoutKey);
    });
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return this.forward(singleInput(inputs, this) as tf.Tensor3D);
  }
}

const dense = (inputSize: number, outputSize: number, useBias: boolean, fused?: FusableActivation): Dense =>
  new Dense({
    inputSize,
    outputSize,
    useBias,
    kernelInitializer: 'zeros',
    ...(fused === undefined ? {} : { activation: fused }),
  });

/** Returns (gate, up) → act(gate)·up, computed in one pass where the activation can be fused. */
function gatedBy(act: Activation): <T extends tf.Tensor>(gate: T, up: T) => T {
  const fused = fusableActivation(act);
  return fused === undefined
    ? <T extends tf.Tensor>(gate: T, up: T) => tf.mul(act(gate), up) as T
    : (gate, up) => gatedActivation(gate, up, fused);
}

/**
 * out = post(mid(act(n·gate) * (n·up))·down), n = pre(x). The norm placement decides which of the
 * three norms exist.
 *
 * gate, up: [D, F]; down: [F, D]. Source: Shazeer 2020, arXiv:2002.05202; dalle-mini `modeling.py`,
 * GLU.
 */
export class Glu extends FeedForwardBase {
  static className = 'EaselGlu';

  private readonly gated: ReturnType<typeof gatedBy>;
  private readonly gate: Dense;
  private readonly up: Dense;
  private readonly down: Dense;

  constructor(config: LayerConfig, ffnDim: number, dropouts: LayerDropouts) {
    super(config, ffnDim, dropouts);
    this.gated = gatedBy(activation(config.activationFunction));
    this.gate = this.child('gate', dense(config.dModel, ffnDim, config.useBias));
    this.up = this.child('up', dense(config.dModel, ffnDim, config.useBias));
    this.down = this.child('down', dense(ffnDim, config.dModel, config.useBias));
  }

  protected override expand(x: tf.Tensor3D): tf.Tensor3D {
    return this.gated(this.gate.call(x), this.up.call(x)) as tf.Tensor3D;
  }

  protected override contract(x: tf.Tensor3D): tf.Tensor3D {
    return this.down.call(x) as tf.Tensor3D;
  }
}

/**
 * out = post(mid(act(n·up))·down), n = pre(x). up: [D, F]; down: [F, D]. Source: dalle-mini
 * `modeling.py`, FFN.
 */
export class FeedForward extends FeedForwardBase {
  static className = 'EaselFeedForward';

  /** The activation, unless the first product applies it itself (then the identity). */
  private readonly after: Activation;
  private readonly up: Dense;
  private readonly down: Dense;

  constructor(config: LayerConfig, ffnDim: number, dropouts: LayerDropouts) {
    super(config, ffnDim, dropouts);
    const act = activation(config.activationFunction);
    const fused = fusableActivation(act);
    this.after = fused === undefined ? act : (x) => x;
    this.up = this.child('up', dense(config.dModel, ffnDim, config.useBias, fused));
    this.down = this.child('down', dense(ffnDim, config.dModel, config.useBias));
  }

  protected override expand(x: tf.Tensor3D): tf.Tensor3D {
    return this.after(this.up.call(x)) as tf.Tensor3D;
  }

  protected override contract(x: tf.Tensor3D): tf.Tensor3D {
    return this.down.call(x) as tf.Tensor3D;
  }
}
