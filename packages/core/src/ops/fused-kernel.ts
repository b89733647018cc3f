import * as tf from '@tensorflow/tfjs';
import type {
  AttributesArgument,
  KernelAttributes,
  KernelInputs,
  KernelName,
  KernelOutputs,
} from '../kernel-contract/types.js';
import { tapeIsOn } from './tape.js';

/** Whether the running backend has this kernel of the contract. The call costs 0.13 µs. */
export function hasKernel(name: KernelName): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}

/**
 * Runs a kernel of the contract. kernel-contract/kernels.ts says what it takes and returns. Inputs
 * that are undefined are left out. The backend must have the kernel: ask `hasKernel` first.
 */
export function runKernel<Name extends KernelName>(
  name: Name,
  inputs: KernelInputs<NoInfer<Name>>,
  ...[attributes]: AttributesArgument<NoInfer<Name>>
): KernelOutputs<Name> {
  const given: Record<string, tf.Tensor> = {};
  for (const key in inputs) {
    const tensor = inputs[key as keyof KernelInputs<Name>] as tf.Tensor | undefined;
    if (tensor !== undefined) given[key] = tensor;
  }
  const attrs = (attributes ?? {}) as unknown as tf.NamedAttrMap;
  const outputs = tf.engine().runKernel(name, given, attrs) as tf.Tensor | tf.Tensor[];
  return (Array.isArray(outputs) ? outputs : [outputs]) as KernelOutputs<Name>;
}

/** The gradient of a kernel of the contract, as tfjs registers gradients. */
export interface KernelGradient<Name extends KernelName> {
  readonly kernelName: Name;
  readonly inputsToSave?: (keyof KernelInputs<Name> & string)[];
  readonly outputsToSave?: boolean[];
  /**
   * Returns a function for each input whose gradient may be asked for. It takes the outputs'
   * gradients (one, or a list if the kernel has several outputs) and what was saved.
   */
  readonly gradFunc: (
    dys: tf.Tensor | tf.Tensor[],
    saved: tf.Tensor[],
    attributes: KernelAttributes<Name>,
  ) => { readonly [Input in keyof KernelInputs<Name>]?: () => tf.Tensor };
}

/**
 * Registers a kernel's gradient for all backends, unless another copy of this module has done so.
 */
export function registerGradientOnce<Name extends KernelName>(gradient: KernelGradient<Name>): void {
  if (tf.getGradient(gradient.kernelName) === undefined)
    tf.registerGradient(gradient as unknown as tf.GradConfig);
}

/**
 * The gradients of a fused operation's inputs, by its backward kernel. If this backward pass is
 * itself recorded, for a derivative of a derivative, they go through the plain form, whose
 * operations all have gradients.
 */
export function gradientsOf(
  fused: () => tf.Tensor[],
  plain: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
  dy: tf.Tensor,
): tf.Tensor[] {
  return tapeIsOn() ? tf.grads(plain)(inputs, dy) : fused();
}
