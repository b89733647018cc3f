import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs';
import type { GpuBackend } from '../backend.js';

/** A kernel of this backend, before registration. */
export interface GpuKernel {
  readonly kernelName: string;
  readonly kernelFunc: KernelFunc;
}

/** What a kernel function receives. */
export interface KernelArguments<Inputs = Record<string, TensorInfo>, Attributes = Record<string, unknown>> {
  readonly inputs: Inputs;
  readonly backend: GpuBackend;
  readonly attrs: Attributes;
}

/** A kernel that tfjs does not define, with the types of its inputs, attributes and outputs. */
export interface FusedKernel<
  Name extends string = string,
  Inputs = never,
  Attributes = never,
  Outputs extends FusedOutputs = FusedOutputs,
> extends GpuKernel {
  readonly kernelName: Name;
  /** Carries the types; it is never set. */
  readonly signature?: (inputs: Inputs, attributes: Attributes) => Outputs;
}

type FusedOutputs = TensorInfo | readonly TensorInfo[];

/** Declares a kernel that tfjs defines. */
export function gpuKernel(
  kernelName: string,
  run: (args: KernelArguments) => TensorInfo | TensorInfo[],
): GpuKernel {
  return { kernelName, kernelFunc: run as unknown as KernelFunc };
}

/** Declares a fused kernel. Its types are those of the function's parameter and result. */
export function fusedKernel<
  const Name extends string,
  Inputs,
  Attributes,
  const Outputs extends TensorInfo | readonly [] | readonly [TensorInfo, ...(TensorInfo | undefined)[]],
>(
  kernelName: Name,
  run: (args: KernelArguments<Inputs, Attributes>) => Outputs,
): FusedKernel<Name, Inputs, Attributes, Outputs & FusedOutputs> {
  // tfjs passes no attributes where the caller gave none.
  const withAttributes = (args: KernelArguments<Inputs, Attributes>) =>
    run(args.attrs ? args : { ...args, attrs: {} as Attributes });
  return { kernelName, kernelFunc: withAttributes as unknown as KernelFunc };
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** Throws Error if a fused kernel's input is missing or not float32. */
export function requireFloat32(
  kernelName: string,
  inputs: Readonly<Record<string, TensorInfo | undefined>>,
  optional: Readonly<Record<string, TensorInfo | undefined>> = {},
): void {
  for (const [name, info] of Object.entries(inputs))
    if (info?.dtype !== 'float32')
      throw new Error(`${kernelName}: expected ${name} to be float32, got ${info?.dtype ?? 'none'}.`);
  for (const [name, info] of Object.entries(optional))
    if (info !== undefined && info !== null && info.dtype !== 'float32')
      throw new Error(`${kernelName}: expected ${name} to be float32, got ${info.dtype}.`);
}

/** Throws Error if an int32 input is missing or of another type or shape. */
export function requireInt32(
  kernelName: string,
  name: string,
  info: TensorInfo | undefined,
  shape: readonly number[],
): void {
  if (info?.dtype !== 'int32' || `${info.shape}` !== `${shape}`)
    throw new Error(
      `${kernelName}: expected ${name} int32 [${shape}], got ${info === undefined ? 'none' : `${info.dtype} [${info.shape}]`}.`,
    );
}

/** Throws Error if an input of a fused kernel is given and has another shape. */
export function requireShape(
  kernelName: string,
  name: string,
  info: TensorInfo | undefined,
  shape: readonly number[],
): void {
  if (info !== undefined && info !== null && `${info.shape}` !== `${shape}`)
    throw new Error(`${kernelName}: expected ${name} [${shape}], got [${info.shape}].`);
}
