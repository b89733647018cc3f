/**
 * What is wrong with a file, an index or a call. The first ten are the refusals of the Rust package
 * `safetensors` (its `SafeTensorError`), under the same names. The rest concern things that it
 * leaves to its caller.
 */
export type SafetensorsErrorKind =
  | 'HeaderTooSmall'
  | 'HeaderTooLarge'
  | 'InvalidHeaderLength'
  | 'InvalidHeader'
  | 'InvalidHeaderDeserialization'
  | 'InvalidOffset'
  | 'TensorInvalidInfo'
  | 'MetadataIncompleteBuffer'
  | 'ValidationOverflow'
  | 'MisalignedSlice'
  /** A name that the file does not hold. */
  | 'TensorNotFound'
  /** A byte range outside the tensor, or a slice outside its leading axis. */
  | 'InvalidRange'
  /**
   * Data to be written whose length contradicts dtype and shape, or a name that cannot be written.
   */
  | 'InvalidTensorData'
  /** A dtype that has no meaning for the call (complex numbers as float32). */
  | 'UnsupportedDtype'
  /** `model.safetensors.index.json` is malformed, or contradicts the files it names. */
  | 'InvalidIndex'
  /** The file ended while it was being read: it changed after it was opened. */
  | 'FileChanged';

/** Where a problem was found, and what should have been there. */
export interface SafetensorsErrorDetails {
  readonly file?: string | undefined;
  readonly tensor?: string | undefined;
  readonly field?: string | undefined;
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
}

const MAX_QUOTED_CHARS = 120;

/** A string from a file as JSON, shortened so that a message stays one paragraph. */
export function quote(text: string): string {
  return JSON.stringify(text.length <= MAX_QUOTED_CHARS ? text : `${text.slice(0, MAX_QUOTED_CHARS)}…`);
}

/**
 * Every refusal of this package. `kind` is for programs and the message for people; the parts of
 * the message are fields too.
 */
export class SafetensorsError extends Error {
  readonly kind: SafetensorsErrorKind;
  readonly file: string | undefined;
  readonly tensor: string | undefined;
  readonly field: string | undefined;
  readonly expected: string | undefined;
  readonly found: string | undefined;

  constructor(kind: SafetensorsErrorKind, problem: string, details: SafetensorsErrorDetails = {}) {
    const where = [
      details.file,
      details.tensor === undefined ? undefined : `tensor ${quote(details.tensor)}`,
      details.field === undefined ? undefined : `field ${quote(details.field)}`,
    ].filter((part) => part !== undefined);
    const wanted = details.expected === undefined ? '' : ` Expected ${details.expected}`;
    const got = details.found === undefined ? '' : `${wanted === '' ? ' Found' : ', found'} ${details.found}`;
    const end = wanted === '' && got === '' ? '' : '.';
    super(
      `${where.length === 0 ? 'safetensors' : where.join(', ')}: ${problem}.${wanted}${got}${end} [${kind}]`,
    );
    this.name = 'SafetensorsError';
    this.kind = kind;
    this.file = details.file;
    this.tensor = details.tensor;
    this.field = details.field;
    this.expected = details.expected;
    this.found = details.found;
  }
}
