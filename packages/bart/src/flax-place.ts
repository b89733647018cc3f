import { foldInNames, type Key, split } from '@easel/core';
import type { DalleBartConfig } from './config.js';

/**
 * The place of a module in the Flax model. `path` is its path of names. `stacked` is there for a
 * module inside scanned layers: the layer's index in the stack, and the number of layers. Names of
 * parameters and keys of random numbers follow from the place.
 */
export interface FlaxPlace {
  readonly path: readonly string[];
  readonly stacked?: { readonly index: number; readonly count: number };
}

/** Returns the place of the submodule with these names inside `place`. */
export function inside(place: FlaxPlace, ...names: string[]): FlaxPlace {
  return { ...place, path: [...place.path, ...names] };
}

/** The two stacks of layers. */
export type StackName = 'encoder' | 'decoder';

const LAYER_CLASS = { encoder: 'FlaxBartEncoderLayer', decoder: 'FlaxBartDecoderLayer' } as const;

/** Returns the place of layer `index` of a stack. Scanned layers share one path. */
export function layerPlace(config: DalleBartConfig, stack: StackName, index: number): FlaxPlace {
  const path = ['model', stack, 'layers'];
  if (!config.useScan) return { path: [...path, `${LAYER_CLASS[stack]}_${index}`] };
  const count = stack === 'encoder' ? config.encoderLayers : config.decoderLayers;
  return { path: [...path, `${LAYER_CLASS[stack]}s`], stacked: { index, count } };
}

/**
 * Returns the key with which a module draws, folded out of a root key as Flax does.
 *
 * `draw` is the number of the draw in the module, from 1. Scanned layers split the root key first.
 * Flax traces them twice, so their draws are counted on from `draws`, the number of draws of one
 * trace.
 * Source: flax 0.6 core/scope.py; checked on parameters and dropout masks of the original.
 */
export function keyAt(root: Key, place: FlaxPlace, draw: number, draws: number): Key {
  if (!place.stacked) return foldInNames(root, [...place.path, draw]);
  const { index, count } = place.stacked;
  return foldInNames(split(root, count)[index] as Key, [...place.path, draws + draw]);
}
