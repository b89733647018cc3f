/** Memory for a tensor that cannot be had: which kernel asked, for what shape, and how many bytes. */
export class AllocationError extends Error {
  /** Bytes asked for. */
  readonly bytes: number;
  /** Why there are none. */
  readonly reason: string;
  /** The kernel that asked, or what else did. */
  readonly op: string;
  /** Shapes of the tensor asked for, or of the kernel's inputs where only these are known. */
  readonly shape: string;

  constructor(bytes: number, reason: string, op = 'the native backend', shape = '') {
    const size = bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${bytes} bytes`;
    const whose = shape === '' ? '' : ` for ${shape}`;
    super(
      `${op}: no memory${whose} (${Number.isNaN(bytes) ? 'an unknown number of bytes' : size}): ${reason}. ` +
        'Dispose tensors that are done with (tf.tidy), take smaller batches, or call releaseMemory().',
    );
    this.name = 'AllocationError';
    this.bytes = bytes;
    this.reason = reason;
    this.op = op;
    this.shape = shape;
  }
}

/** What V8 says, in a RangeError, when a typed array does not fit into memory or into its own limits. */
const NO_ARRAY = /array buffer allocation failed|invalid (typed )?array (buffer )?length/i;

/** The error of a kernel, with the kernel's name and shapes if it is about memory; any other error as it is. */
export function namedAllocationError(
  error: unknown,
  op: string,
  inputs: Readonly<Record<string, { shape?: readonly number[] } | undefined>>,
): unknown {
  if (error instanceof AllocationError)
    return new AllocationError(error.bytes, error.reason, op, error.shape);
  const message = (error as Error | undefined)?.message;
  if (message === undefined || !NO_ARRAY.test(message)) return error;
  const shapes = Object.values(inputs).map((input) => `[${input?.shape ?? ''}]`);
  return new AllocationError(Number.NaN, message, op, `the result of inputs ${shapes.join(', ')}`);
}
