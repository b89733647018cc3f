import { type PackedFormat, PackedMatrix } from '../packed-matrix.js';
import { type FusedArguments, fusedKernel } from './kernel.js';

type PackedArguments = FusedArguments<
  Record<never, never>,
  {
    format: PackedFormat;
    shape: number[];
    codes: Uint8Array;
    axis?: 0 | 1;
    group?: number;
    scales?: Uint16Array;
    offsets?: Uint16Array;
  }
>;

/**
 * A float32 tensor of packed values, which stays packed until something other than a native kernel
 * asks for its array. Linear multiplies by it and GatherV2 looks rows up as it is; other kernels are
 * lent the floats. The arrays are not copied: they must not change.
 */
export const packedTensor = fusedKernel('PackedTensor', ({ backend, attrs }: PackedArguments) =>
  backend.packed(new PackedMatrix(attrs), attrs.shape),
);

/** A float32 tensor of zeros, which take no memory until something reads them. */
export const deferredZeros = fusedKernel(
  'DeferredZeros',
  ({ backend, attrs }: FusedArguments<Record<never, never>, { shape: number[] }>) =>
    backend.zerosLater(attrs.shape),
);
