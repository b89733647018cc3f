import { DTYPE_BITS, DTYPES, type Dtype, isDtype } from './dtypes.js';
import { quote, SafetensorsError, type SafetensorsErrorDetails } from './errors.js';
import { describeJson, JsonObject, JsonSyntaxError, type JsonValue, parseJson } from './json.js';

/** The bytes of the header's length, a little-endian u64 at the start of a file. */
export const LENGTH_BYTES = 8;

/**
 * The longest header that the format allows. Its authors set this limit against files made to
 * exhaust memory.
 */
export const MAX_HEADER_BYTES = 100_000_000;

/** The key of the header that holds text about the file and no tensor. */
export const METADATA_KEY = '__metadata__';

const U64_END = 2n ** 64n;

/** What a header says of one tensor. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  /**
   * The sizes of the axes in C order; [] is a scalar. A dimension beyond 2^53 can only stand behind
   * a 0, and is rounded to a double. The tensor then has no elements.
   */
  readonly shape: readonly number[];
  /** The first byte in the data buffer, which starts at `Header.dataStart`. */
  readonly begin: number;
  /** One past the last byte in the data buffer. */
  readonly end: number;
}

/**
 * A checked header. Every tensor lies inside of the file, and together they cover its data buffer
 * without holes.
 */
export interface Header {
  /** The tensors by name, in the order of their data. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
  /** The bytes before the data buffer: 8 plus the header's length. */
  readonly dataStart: number;
}

/**
 * The length of the header in bytes, from the first 8 bytes of a file of `fileBytes` bytes.
 *
 * Throws SafetensorsError: HeaderTooSmall (fewer than 8 bytes), HeaderTooLarge (over 100,000,000),
 * InvalidHeaderLength (the file ends inside of the header).
 */
export function parseHeaderLength(start: Uint8Array, fileBytes: number, file?: string): number {
  if (start.byteLength < LENGTH_BYTES || fileBytes < LENGTH_BYTES) {
    throw new SafetensorsError(
      'HeaderTooSmall',
      'not a safetensors file: it is shorter than the length of a header',
      {
        file,
        expected: `at least ${LENGTH_BYTES} bytes`,
        found: `${fileBytes}`,
      },
    );
  }
  const length = new DataView(start.buffer, start.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new SafetensorsError(
      'HeaderTooLarge',
      'not a safetensors file: its first 8 bytes are no plausible header length',
      {
        file,
        expected: `at most ${MAX_HEADER_BYTES} bytes`,
        found: `${length}`,
      },
    );
  }
  if (Number(length) + LENGTH_BYTES > fileBytes) {
    throw new SafetensorsError(
      'InvalidHeaderLength',
      'the file ends inside its header; it may be a partial download',
      {
        file,
        expected: `${Number(length) + LENGTH_BYTES} bytes or more`,
        found: `${fileBytes}`,
      },
    );
  }
  return Number(length);
}

/**
 * Parses the header in `headerBytes`: the JSON text, without the 8 bytes of its length, of a file
 * of `fileBytes` bytes in all.
 *
 * It accepts and refuses exactly what the Rust package does, oddities included: white space around
 * the object, unknown fields, a repeated name (the last counts), `null` metadata, a tensor as the
 * array [dtype, shape, offsets], and `{"F32": null}` as dtype. Throws SafetensorsError that names
 * file, tensor and field.
 */
export function parseHeader(headerBytes: Uint8Array, fileBytes: number, file?: string): Header {
  const dataStart = LENGTH_BYTES + headerBytes.byteLength;
  const root = parseText(headerBytes, file);
  if (!(root instanceof JsonObject)) {
    throw malformed('the header is not an object', {
      file,
      expected: 'an object',
      found: describeJson(root),
    });
  }
  const infos = new Map<string, RawInfo>();
  let metadata: ReadonlyMap<string, string> | undefined;
  for (const [key, value] of root.entries) {
    if (key === METADATA_KEY) {
      if (metadata !== undefined)
        throw malformed('the header has two of them', { file, field: METADATA_KEY });
      metadata = readMetadata(value, file);
    } else {
      infos.set(key, readInfo(key, value, file));
    }
  }
  const tensors = validate([...infos.values()], BigInt(fileBytes - dataStart), file);
  return { tensors, metadata: metadata ?? new Map(), dataStart };
}

/** A tensor as the JSON has it: integers in [0, 2^64), not yet checked against each other. */
interface RawInfo {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly bigint[];
  readonly begin: bigint;
  readonly end: bigint;
}

function malformed(problem: string, details: SafetensorsErrorDetails): SafetensorsError {
  return new SafetensorsError('InvalidHeaderDeserialization', problem, details);
}

function parseText(headerBytes: Uint8Array, file: string | undefined): JsonValue {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(headerBytes);
  } catch {
    throw new SafetensorsError('InvalidHeader', 'the header is not UTF-8', { file });
  }
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw malformed(`the header is not JSON: ${error.message}`, { file });
  }
}

function readMetadata(value: JsonValue, file: string | undefined): ReadonlyMap<string, string> {
  if (value === null) return new Map();
  if (!(value instanceof JsonObject)) {
    throw malformed('not a map of strings', {
      file,
      field: METADATA_KEY,
      expected: 'an object',
      found: describeJson(value),
    });
  }
  const metadata = new Map<string, string>();
  for (const [key, text] of value.entries) {
    if (typeof text !== 'string') {
      throw malformed(`the value of ${quote(key)} is not a string`, {
        file,
        field: METADATA_KEY,
        expected: 'a string',
        found: describeJson(text),
      });
    }
    metadata.set(key, text);
  }
  return metadata;
}

const FIELDS = ['dtype', 'shape', 'data_offsets'] as const;
type Field = (typeof FIELDS)[number];

function readInfo(name: string, value: JsonValue, file: string | undefined): RawInfo {
  const fields = new Map<Field, JsonValue>();
  if (value instanceof JsonObject) {
    for (const [key, fieldValue] of value.entries) {
      const field = FIELDS.find((candidate) => candidate === key);
      if (field === undefined) continue;
      if (fields.has(field)) throw malformed('the field stands there twice', { file, tensor: name, field });
      fields.set(field, fieldValue);
    }
  } else if (Array.isArray(value)) {
    if (value.length !== FIELDS.length) {
      throw malformed('not a description of a tensor', {
        file,
        tensor: name,
        expected: 'an object, or an array of 3',
        found: describeJson(value),
      });
    }
    FIELDS.forEach((field, i) => {
      fields.set(field, value[i] as JsonValue);
    });
  } else {
    throw malformed('not a description of a tensor', {
      file,
      tensor: name,
      expected: 'an object with dtype, shape and data_offsets',
      found: describeJson(value),
    });
  }
  for (const field of FIELDS) {
    if (!fields.has(field)) throw malformed('the field is missing', { file, tensor: name, field });
  }
  const [begin, end] = readIntegers(
    fields.get('data_offsets'),
    { file, tensor: name, field: 'data_offsets' },
    2,
  );
  return {
    name,
    dtype: readDtype(fields.get('dtype'), name, file),
    shape: readIntegers(fields.get('shape'), { file, tensor: name, field: 'shape' }),
    begin: begin as bigint,
    end: end as bigint,
  };
}

function readDtype(value: JsonValue | undefined, tensor: string, file: string | undefined): Dtype {
  const name = value instanceof JsonObject ? unitVariant(value) : value;
  if (typeof name === 'string' && isDtype(name)) return name;
  throw malformed('unknown dtype', {
    file,
    tensor,
    field: 'dtype',
    expected: `one of ${DTYPES.join(', ')}`,
    found: describeJson(value),
  });
}

/** serde's other spelling of an enum's variant: an object of one key whose value is null or {}. */
function unitVariant(value: JsonObject): string | undefined {
  const [entry, ...more] = value.entries;
  if (entry === undefined || more.length > 0) return undefined;
  const [name, payload] = entry;
  return payload === null || (payload instanceof JsonObject && payload.entries.length === 0)
    ? name
    : undefined;
}

function readIntegers(
  value: JsonValue | undefined,
  where: SafetensorsErrorDetails,
  length?: number,
): readonly bigint[] {
  if (!Array.isArray(value) || (length !== undefined && value.length !== length)) {
    throw malformed('not a list of integers', {
      ...where,
      expected: length === undefined ? 'an array of integers' : `an array of ${length} integers`,
      found: describeJson(value),
    });
  }
  return value.map((item) => {
    if (typeof item === 'bigint' && item >= 0n && item < U64_END) return item;
    throw malformed('not a size', { ...where, expected: 'integers in [0, 2^64)', found: describeJson(item) });
  });
}

/** Makes the reference's checks in its order, over tensors sorted by their data. */
function validate(infos: RawInfo[], dataBytes: bigint, file: string | undefined): Map<string, TensorInfo> {
  infos.sort((a, b) => compare(a.begin, b.begin) || compare(a.end, b.end));
  const tensors = new Map<string, TensorInfo>();
  let covered = 0n;
  for (const info of infos) {
    const { name, dtype, begin, end } = info;
    const offsets = { file, tensor: name, field: 'data_offsets', found: `[${begin}, ${end}]` };
    if (begin !== covered || end < begin) {
      throw new SafetensorsError('InvalidOffset', 'the data does not begin where the data before it ends', {
        ...offsets,
        expected: `[${covered}, ${covered} or more]`,
      });
    }
    covered = end;
    const bits = bitCount(info, file);
    const described = `${dtype} [${info.shape}]`;
    if (bits % 8n !== 0n) {
      throw new SafetensorsError('MisalignedSlice', 'the data does not fill whole bytes', {
        file,
        tensor: name,
        field: 'shape',
        expected: 'a multiple of 8 bits',
        found: `${bits} bits for ${described}`,
      });
    }
    if (end - begin !== bits / 8n) {
      throw new SafetensorsError('TensorInvalidInfo', 'the length of the data contradicts dtype and shape', {
        ...offsets,
        expected: `${bits / 8n} bytes for ${described}`,
        found: `${end - begin}`,
      });
    }
    tensors.set(name, { name, dtype, shape: info.shape.map(Number), begin: Number(begin), end: Number(end) });
  }
  if (covered !== dataBytes) {
    throw new SafetensorsError(
      'MetadataIncompleteBuffer',
      covered > dataBytes
        ? 'the file ends before its last tensor; it may be a partial download'
        : 'the file goes on after its last tensor',
      { file, expected: `${covered} bytes of data`, found: `${dataBytes}` },
    );
  }
  return tensors;
}

/**
 * count × bits. Each product, in the order of the axes, must be below 2^64, as in the reference.
 */
function bitCount({ name, dtype, shape }: RawInfo, file: string | undefined): bigint {
  let product = 1n;
  for (const factor of [...shape, BigInt(DTYPE_BITS[dtype])]) {
    product *= factor;
    if (product >= U64_END) {
      throw new SafetensorsError('ValidationOverflow', 'the size is beyond 64 bits', {
        file,
        tensor: name,
        field: 'shape',
        expected: 'fewer than 2^64 bits',
        found: `${dtype} [${shape}]`,
      });
    }
  }
  return product;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
