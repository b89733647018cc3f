import * as tf from '@tensorflow/tfjs';
import type { NativeBackend } from '../backend.js';
import { countOnCpu } from '../kernel-counts.js';

/** A kernel of this backend, before registration. */
export interface NativeKernel {
  readonly kernelName: string;
  readonly kernelFunc: tf.KernelFunc;
}

/** What a kernel function receives. */
export interface KernelArguments {
  readonly inputs: Record<string, tf.TensorInfo>;
  readonly backend: NativeBackend;
  readonly attrs: Record<string, unknown>;
}

/**
 * Declares a kernel in this backend's own types. An optional input that the caller left out is
 * `undefined`, whatever the type says: read it as `inputs['scale'] as TensorInfo | undefined`.
 */
export function nativeKernel(
  kernelName: string,
  run: (args: KernelArguments) => tf.TensorInfo | tf.TensorInfo[],
): NativeKernel {
  return { kernelName, kernelFunc: run as unknown as tf.KernelFunc };
}

/** What the function of a fused kernel receives: inputs and attributes of its own types. */
export interface FusedArguments<Inputs, Attributes = Record<never, never>> {
  readonly inputs: Inputs;
  readonly backend: NativeBackend;
  readonly attrs: Attributes;
}

/** A kernel that tfjs does not define, with the types of its inputs, attributes and outputs. */
export interface FusedKernel<
  Name extends string = string,
  Inputs = never,
  Attributes = never,
  Outputs extends FusedOutputs = FusedOutputs,
> extends NativeKernel {
  readonly kernelName: Name;
  /** Carries the types; it is never set. */
  readonly signature?: (inputs: Inputs, attributes: Attributes) => Outputs;
}

type FusedOutputs = tf.TensorInfo | readonly tf.TensorInfo[];

/** Declares a fused kernel. Its types are those of the function's parameter and result. */
export function fusedKernel<
  const Name extends string,
  Inputs,
  Attributes,
  const Outputs extends tf.TensorInfo | readonly [] | readonly [tf.TensorInfo, ...tf.TensorInfo[]],
>(
  kernelName: Name,
  run: (args: FusedArguments<Inputs, Attributes>) => Outputs,
): FusedKernel<Name, Inputs, Attributes, Outputs> {
  // tfjs passes no attributes where the caller gave none.
  const withAttributes = (args: FusedArguments<Inputs, Attributes>) =>
    run(args.attrs ? args : { ...args, attrs: {} as Attributes });
  return { kernelName, kernelFunc: withAttributes as unknown as tf.KernelFunc };
}

/**
 * Runs the cpu backend's kernel of that name on our data, and counts the run. It serves dtypes and
 * cases that have no native form.
 */
export function runOnCpu(
  kernelName: string,
  args: KernelArguments,
  kernel: tf.KernelConfig | undefined = tf.getKernel(kernelName, 'cpu'),
): tf.TensorInfo {
  if (kernel === undefined) {
    const inputs = Object.values(args.inputs).map(({ dtype, shape }) => `${dtype} [${shape}]`);
    throw new Error(`${kernelName}: there is no form of it for ${inputs.join(', ')}.`);
  }
  const run = () => kernel.kernelFunc(args as unknown as Parameters<tf.KernelFunc>[0]) as tf.TensorInfo;
  const outputs = args.backend.borrow(run);
  countOnCpu(kernelName, args.inputs, outputs);
  return outputs;
}

/** Throws Error if an input of a fused kernel is given and has another shape. */
export function requireShape(
  kernelName: string,
  name: string,
  info: tf.TensorInfo | undefined,
  shape: readonly number[],
): void {
  if (info !== undefined && `${info.shape}` !== `${shape}`)
    throw new Error(`${kernelName}: expected ${name} [${shape}], got [${info.shape}].`);
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}
