import type { TensorInfo } from '@tensorflow/tfjs';

/** A failure of the GPU: an invalid command, no memory, or a device that is gone. */
export class GpuError extends Error {
  override readonly name = 'GpuError';
  /** What failed. */
  readonly kind: 'validation' | 'out-of-memory' | 'internal' | 'lost' | 'synchronous-read' | 'limit';

  constructor(kind: GpuError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** A kernel that runs, for the text of an error. */
export interface RunningKernel {
  readonly kernelName: string;
  readonly inputs: Readonly<Record<string, TensorInfo | undefined>>;
}

/** A number of bytes as a person reads it. */
export function formatBytes(bytes: number): string {
  if (bytes < 2 ** 20) return `${bytes} bytes`;
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

/** Bytes of a tensor on the GPU: every element takes four, of complex64 eight. */
export function bytesOf({ shape, dtype }: TensorInfo): number {
  let size = dtype === 'complex64' ? 8 : 4;
  for (const extent of shape) size *= extent;
  return size;
}

/** Kernel name, and name, dtype, shape and bytes of each input. */
export function describeKernel({ kernelName, inputs }: RunningKernel): string {
  const given = Object.entries(inputs).flatMap(([name, info]) =>
    info === undefined || info === null
      ? []
      : [`${name} ${info.dtype} [${info.shape}] (${formatBytes(bytesOf(info))})`],
  );
  return given.length === 0 ? kernelName : `${kernelName} of ${given.join(', ')}`;
}
