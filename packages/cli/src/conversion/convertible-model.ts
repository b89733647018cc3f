import type { CompositeLayer, FlaxTensor, MatrixAxis, TensorSource, WeightRule } from '@easel/core';
import type * as tf from '@tensorflow/tfjs';

/** The kinds of models that a checkpoint may hold. */
export type ModelKind = 'text' | 'vqgan' | 'clip' | 'lpips';

/** The way to find the weights of a model in a checkpoint. */
export interface Reading {
  readonly rules: ReadonlyMap<string, WeightRule>;
  /** Whether a name in the checkpoint is not a weight. */
  readonly ignore?: (name: string) => boolean;
}

/** A model in the form of the original programs. */
export interface FlaxForm {
  /** The tensors of flax_model.msgpack. */
  readonly layout: readonly FlaxTensor[];
  /** The same model with the config of that form. */
  readonly model: ConvertibleModel;
}

/**
 * The facts about a model that a conversion needs. They follow from its config, without its
 * weights.
 */
export interface ConvertibleModel {
  readonly kind: ModelKind;
  /** Description of the model in words. */
  readonly description: string;
  /** Shapes of our weights by name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Its configs, by file name. */
  readonly configs: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** Other files that are copied if they are there. */
  readonly companions: readonly string[];
  /** Files that a folder of the original programs lacks, with the contents that Easel adds. */
  readonly additions: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /**
   * Says which weights are matrices that may be stored in 8 and 4 bits a number; undefined for a model
   * that has none.
   */
  readonly matrixAxis?: MatrixAxis;
  /** Returns the way to read a checkpoint of the model, under any program's names. */
  reading(source: Pick<TensorSource, 'entries'>): Reading;
  /**
   * Returns the model in the form of the original programs. `stacked` puts equal weights of all
   * layers into one tensor (default: as the config says). Throws ConfigError for a model that the
   * original programs cannot compute.
   */
  flax(stacked: boolean | undefined): FlaxForm;
  /** Builds the model with weights of zero. The caller disposes it. */
  build(): CompositeLayer;
  /** Computes the outputs of a model of `build` for a fixed input. The caller disposes them. */
  outputs(model: CompositeLayer): tf.Tensor[];
}

/** Returns a layout in which each weight is a tensor of the same name. */
export function plainLayout(names: Iterable<string>): FlaxTensor[] {
  return [...names].map((name) => ({ name, weights: [name], stacked: false }));
}

/** Returns fixed ids: 3, 10, 17, …, all below `below`. */
export function fixedIds(count: number, below: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => (7 * i + 3) % below);
}

/** Returns fixed numbers from 0 to 1 in the form of a slow wave. */
export function fixedPixels(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => 0.5 + 0.5 * Math.sin(0.1 * i));
}
