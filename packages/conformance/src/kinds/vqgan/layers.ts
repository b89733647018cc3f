import { CompositeLayer } from '@easel/core';
import * as tf from '@tensorflow/tfjs';

/**
 * Runs `call` and returns the output of every layer below `model`, by its path. The caller disposes
 * the outputs.
 */
export function outputsOfLayers(model: CompositeLayer, call: () => tf.Tensor): Map<string, tf.Tensor> {
  const found = new Map<string, tf.Tensor>();
  const undo: (() => void)[] = [];
  for (const [path, layer] of layersBelow(model)) {
    const original = layer.call;
    layer.call = (...args) => {
      const output = original.apply(layer, args) as tf.Tensor;
      found.get(path)?.dispose();
      found.set(path, tf.keep(output.clone()));
      return output;
    };
    undo.push(() => {
      layer.call = original;
    });
  }
  try {
    tf.dispose(call());
  } finally {
    for (const restore of undo) restore();
  }
  return found;
}

function layersBelow(layer: tf.layers.Layer, prefix = ''): [string, tf.layers.Layer][] {
  if (!(layer instanceof CompositeLayer)) return [];
  const { children } = layer as unknown as { children: Map<string, tf.layers.Layer> };
  return [...children].flatMap(([name, child]): [string, tf.layers.Layer][] => [
    [`${prefix}${name}`, child],
    ...layersBelow(child, `${prefix}${name}.`),
  ]);
}
