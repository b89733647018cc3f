import { foldInNames, type Key, split } from '@easel/core';
import type { DalleBartConfig } from './config.js';

/**
 * Where a module lives in the Flax model: its path, and for modules inside a stack of scanned
 * layers the layer's place in the stack. Names of parameters and keys of random numbers follow from
 * it.
 */
export interface FlaxPlace {
  readonly path: readonly string[];
  readonly stacked?: { readonly index: number; readonly count: number };
}

/** The place of `name` inside `place`. */
export function inside(place: FlaxPlace, ...names: string[]): FlaxPlace {
  return { ...place, path: [...place.path, ...names] };
}

/** The two stacks of layers. */
export type StackName = 'encoder' | 'decoder';

const LAYER_CLASS = { encoder: 'FlaxBartEncoderLayer', decoder: 'FlaxBartDecoderLayer' } as const;

/** The place of layer `index` of a stack: scanned layers share one path. */
export function layerPlace(config: DalleBartConfig, stack: StackName, index: number): FlaxPlace {
  const path = ['model', stack, 'layers'];
  if (!config.useScan) return { path: [...path, `${LAYER_CLASS[stack]}_${index}`] };
  const count = stack === 'encoder' ? config.encoderLayers : config.decoderLayers;
  return { path: [...path, `${LAYER_CLASS[stack]}s`], stacked: { index, count } };
}

/**
 * The key with which a module draws, as Flax folds it out of a root key.
 *
 * `draw` counts the draws of the module from 1. Scanned layers split the root first, and are traced
 * twice, so that their counts go on by `draws`, the draws of one trace.
 * Source: flax 0.6 core/scope.py; checked on parameters and dropout masks of the original.
 */
export function keyAt(root: Key, place: FlaxPlace, draw: number, draws: number): Key {
  if (!place.stacked) return foldInNames(root, [...place.path, draw]);
  const { index, count } = place.stacked;
  return foldInNames(split(root, count)[index] as Key, [...place.path, draws + draw]);
}
