/**
 * There is no memory for a tensor. The error says which kernel asked, for what shape, and for how
 * many bytes.
 */
export class AllocationError extends Error {
  /** The bytes asked for. */
  readonly bytes: number;
  /** Why there are none. */
  readonly reason: string;
  /** The kernel, or other function, that asked. */
  readonly op: string;
  /**
   * The shape of the tensor asked for, or the shapes of the kernel's inputs where only these are
   * known.
   */
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

/**
 * V8's message, in a RangeError, for a typed array that does not fit into memory or into V8's
 * limits.
 */
const NO_ARRAY = /array buffer allocation failed|invalid (typed )?array (buffer )?length/i;

/**
 * The error that a kernel threw, completed: an error about memory gets the kernel's name and
 * shapes. Any other error is returned unchanged.
 */
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
