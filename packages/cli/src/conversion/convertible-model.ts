import type { CompositeLayer, FlaxTensor, TensorSource, WeightRule } from '@easel/core';
import type * as tf from '@tensorflow/tfjs';

/** What a checkpoint is of. */
export type ModelKind = 'text' | 'vqgan' | 'clip' | 'lpips';

/** How the weights of a model are found in a checkpoint. */
export interface Reading {
  readonly rules: ReadonlyMap<string, WeightRule>;
  /** Names in the checkpoint that are no weights. */
  readonly ignore?: (name: string) => boolean;
}

/** A model as the original programs keep it. */
export interface FlaxForm {
  /** The tensors of flax_model.msgpack. */
  readonly layout: readonly FlaxTensor[];
  /** The same model by the config that goes with it. */
  readonly model: ConvertibleModel;
}

/** A model by its config, without its weights: what a conversion must know of it. */
export interface ConvertibleModel {
  readonly kind: ModelKind;
  /** In words. */
  readonly description: string;
  /** Our weights by name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Its configs, by file name. */
  readonly configs: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** Other files that are copied if they are there. */
  readonly companions: readonly string[];
  /** Files that a folder of the original programs has no need of, and what they say then. */
  readonly additions: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** How a checkpoint of it is read, whosever names it has. */
  reading(source: Pick<TensorSource, 'entries'>): Reading;
  /** `stacked`: layers in one tensor each; default as the config says. Throws ConfigError for what the original programs cannot compute. */
  flax(stacked: boolean | undefined): FlaxForm;
  /** The model with zeros; the caller disposes it. */
  build(): CompositeLayer;
  /** What a model of `build` computes for a fixed input; the caller disposes it. */
  outputs(model: CompositeLayer): tf.Tensor[];
}

/** A layout with each weight in a tensor of its own name. */
export function plainLayout(names: Iterable<string>): FlaxTensor[] {
  return [...names].map((name) => ({ name, weights: [name], stacked: false }));
}

/** Ids that are the same on every day: 3, 10, 17, … below `below`. */
export function fixedIds(count: number, below: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => (7 * i + 3) % below);
}

/** Numbers from 0 to 1 that are the same on every day: a slow wave. */
export function fixedPixels(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => 0.5 + 0.5 * Math.sin(0.1 * i));
}
