import * as tf from '@tensorflow/tfjs';
import { groupNorm } from '../ops/group-norm.js';
import { layerNorm, rmsNorm } from '../ops/norm.js';
import { CompositeLayer, singleInput } from './composite-layer.js';

/** Settings of a LayerNorm layer. */
export interface LayerNormConfig {
  /** D, the last axis. */
  readonly size: number;
  /** Default 1e-5. */
  readonly epsilon?: number;
  /** Default true. */
  readonly useScale?: boolean;
  /** Default true. */
  readonly useBias?: boolean;
  readonly name?: string;
}

/**
 * Layer norm over the last axis; the shape [.., size] stays. Weights: scale [size] (ones) and bias
 * [size] (zeros), each only if used.
 */
export class LayerNorm extends CompositeLayer {
  static className = 'EaselLayerNorm';
  private readonly config: Required<Omit<LayerNormConfig, 'name'>>;
  private readonly scale: ReturnType<LayerNorm['addWeight']> | undefined;
  private readonly bias: ReturnType<LayerNorm['addWeight']> | undefined;

  constructor({ name, size, epsilon = 1e-5, useScale = true, useBias = true }: LayerNormConfig) {
    super(name === undefined ? {} : { name });
    this.config = { size, epsilon, useScale, useBias };
    if (useScale) this.scale = this.addWeight('scale', [size], 'float32', tf.initializers.ones());
    if (useBias) this.bias = this.addWeight('bias', [size], 'float32', tf.initializers.zeros());
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return layerNorm(singleInput(inputs, this), this.scale?.read(), this.bias?.read(), this.config.epsilon);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.config };
  }
}
tf.serialization.registerClass(LayerNorm);

/** Settings of an RmsNorm layer. */
export type RmsNormConfig = Omit<LayerNormConfig, 'useBias'>;

/**
 * RMS norm over the last axis; the shape [.., size] stays. Weight: scale [size] (ones), if used.
 */
export class RmsNorm extends CompositeLayer {
  static className = 'EaselRmsNorm';
  private readonly config: Required<Omit<RmsNormConfig, 'name'>>;
  private readonly scale: ReturnType<RmsNorm['addWeight']> | undefined;

  constructor({ name, size, epsilon = 1e-5, useScale = true }: RmsNormConfig) {
    super(name === undefined ? {} : { name });
    this.config = { size, epsilon, useScale };
    if (useScale) this.scale = this.addWeight('scale', [size], 'float32', tf.initializers.ones());
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return rmsNorm(singleInput(inputs, this), this.scale?.read(), this.config.epsilon);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.config };
  }
}
tf.serialization.registerClass(RmsNorm);

/** Settings of a GroupNorm layer. */
export interface GroupNormConfig {
  /** C, the last axis; a multiple of groups. */
  readonly channels: number;
  /** Default 32. */
  readonly groups?: number;
  /** Default 1e-6. */
  readonly epsilon?: number;
  /** Applies silu to the result; default false. */
  readonly swish?: boolean;
  readonly name?: string;
}

/** Group norm of [B, .., channels]. Weights: scale [channels] (ones), bias [channels] (zeros). */
export class GroupNorm extends CompositeLayer {
  static className = 'EaselGroupNorm';
  private readonly config: Required<Omit<GroupNormConfig, 'name'>>;
  private readonly scale: ReturnType<GroupNorm['addWeight']>;
  private readonly bias: ReturnType<GroupNorm['addWeight']>;

  constructor({ name, channels, groups = 32, epsilon = 1e-6, swish = false }: GroupNormConfig) {
    super(name === undefined ? {} : { name });
    this.config = { channels, groups, epsilon, swish };
    this.scale = this.addWeight('scale', [channels], 'float32', tf.initializers.ones());
    this.bias = this.addWeight('bias', [channels], 'float32', tf.initializers.zeros());
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return groupNorm(singleInput(inputs, this), this.scale.read(), this.bias.read(), this.config);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.config };
  }
}
tf.serialization.registerClass(GroupNorm);
