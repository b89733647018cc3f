import { byteLength, DTYPES, type Dtype } from './dtypes.js';
import { SafetensorsError } from './errors.js';
import { type RawTensor, type TensorArray, typedArray } from './floats.js';
import {
  type Header,
  LENGTH_BYTES,
  MAX_HEADER_BYTES,
  METADATA_KEY,
  parseHeader,
  parseHeaderLength,
} from './header.js';

/** One tensor of a file in memory. */
export class TensorView implements RawTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** The data, a view of the file's bytes. */
  readonly bytes: Uint8Array;

  constructor(name: string, dtype: Dtype, shape: readonly number[], bytes: Uint8Array) {
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
    this.bytes = bytes;
  }

  /**
   * The elements: a view of the file's bytes where they are aligned, else a copy. See `typedArray`.
   */
  get data(): TensorArray {
    return typedArray(this);
  }
}

/**
 * The tensors of a whole file in memory, without copying: each `bytes` is a view of `file`.
 *
 * `fileName` is for messages. Throws SafetensorsError for whatever the Rust package refuses.
 */
export function deserialize(
  file: Uint8Array,
  fileName?: string,
): { header: Header; tensors: Map<string, TensorView> } {
  const headerBytes = parseHeaderLength(file, file.byteLength, fileName);
  const header = parseHeader(
    file.subarray(LENGTH_BYTES, LENGTH_BYTES + headerBytes),
    file.byteLength,
    fileName,
  );
  const tensors = new Map<string, TensorView>();
  for (const { name, dtype, shape, begin, end } of header.tensors.values()) {
    const bytes = file.subarray(header.dataStart + begin, header.dataStart + end);
    tensors.set(name, new TensorView(name, dtype, shape, bytes));
  }
  return { header, tensors };
}

/** What a writer must know of a tensor before it sees the data. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/**
 * A tensor to be written. `data` holds its elements in C order, little-endian. Elements below a
 * byte are packed from the low bits up.
 */
export interface TensorData extends TensorEntry {
  readonly data: ArrayBufferView;
}

/** Text to be stored beside the tensors. */
export type Metadata = ReadonlyMap<string, string> | Readonly<Record<string, string>>;

/**
 * A file before its data: the bytes up to the data buffer, then the entries in the order of their
 * data.
 */
export interface Layout<Entry extends TensorEntry> {
  /**
   * The header's length and the header, padded with spaces so that the data buffer starts at a
   * multiple of 8.
   */
  readonly start: Uint8Array;
  readonly entries: readonly Entry[];
  /** The size of the whole file in bytes. */
  readonly fileBytes: number;
}

/**
 * Lays out the tensors. They are ordered by dtype, from the last of the reference's enum to the
 * first, so that wide elements stay aligned; then by the UTF-8 bytes of the name.
 *
 * Throws SafetensorsError `InvalidTensorData` for a repeated name, the name `__metadata__`, half a
 * surrogate pair, or a dimension that is not a size.
 */
export function layOut<Entry extends TensorEntry>(
  entries: Iterable<Entry>,
  metadata?: Metadata,
): Layout<Entry> {
  const encoder = new TextEncoder();
  const sorted = [...entries].map((entry) => ({
    entry,
    rank: DTYPES.indexOf(entry.dtype),
    nameBytes: encoder.encode(entry.name),
  }));
  sorted.sort((a, b) => b.rank - a.rank || compareBytes(a.nameBytes, b.nameBytes));

  const names = new Set<string>();
  const texts: string[] = [];
  const pairs = metadata === undefined ? [] : [...pairsOf(metadata)];
  if (metadata !== undefined) {
    texts.push(`"${METADATA_KEY}":{${pairs.map(([key, value]) => `${jsonText(key)}:${jsonText(value)}`)}}`);
  }
  let offset = 0;
  for (const { entry, rank } of sorted) {
    const { name, dtype, shape } = entry;
    if (rank < 0) {
      throw new SafetensorsError('InvalidTensorData', 'unknown dtype', {
        tensor: name,
        field: 'dtype',
        expected: `one of ${DTYPES.join(', ')}`,
        found: `${dtype}`,
      });
    }
    if (name === METADATA_KEY || names.has(name)) {
      throw new SafetensorsError(
        'InvalidTensorData',
        name === METADATA_KEY ? 'the name is reserved for metadata' : 'two tensors have this name',
        { tensor: name },
      );
    }
    names.add(name);
    if (!shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) {
      throw new SafetensorsError('InvalidTensorData', 'the shape is not one', {
        tensor: name,
        field: 'shape',
        expected: 'integers of 0 or more',
        found: `[${shape}]`,
      });
    }
    const end = offset + byteLength(dtype, shape, name);
    texts.push(`${jsonText(name)}:{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${offset},${end}]}`);
    offset = end;
  }
  const text = encoder.encode(`{${texts.join(',')}}`);
  const headerBytes = Math.ceil(text.byteLength / 8) * 8;
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new SafetensorsError('HeaderTooLarge', 'too many tensors, or too much metadata, for one file', {
      expected: `a header of at most ${MAX_HEADER_BYTES} bytes`,
      found: `${headerBytes}`,
    });
  }
  const start = new Uint8Array(LENGTH_BYTES + headerBytes).fill(0x20);
  new DataView(start.buffer).setBigUint64(0, BigInt(headerBytes), true);
  start.set(text, LENGTH_BYTES);
  return { start, entries: sorted.map(({ entry }) => entry), fileBytes: start.byteLength + offset };
}

/** The bytes of a view, whatever its element type. */
export function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/**
 * Throws SafetensorsError `InvalidTensorData` unless `found` bytes are what the entry's dtype and
 * shape need.
 */
export function checkDataLength({ name, dtype, shape }: TensorEntry, found: number, file?: string): void {
  const expected = byteLength(dtype, shape, name);
  if (found === expected) return;
  throw new SafetensorsError('InvalidTensorData', 'the length of the data contradicts dtype and shape', {
    file,
    tensor: name,
    expected: `${expected} bytes for ${dtype} [${shape}]`,
    found: `${found}`,
  });
}

/**
 * A whole file in memory. It is byte for byte what the Rust package writes for these tensors and
 * this metadata. (The metadata's order is kept here and arbitrary there.)
 */
export function serialize(tensors: Iterable<TensorData>, metadata?: Metadata): Uint8Array {
  const { start, entries, fileBytes } = layOut(tensors, metadata);
  for (const entry of entries) checkDataLength(entry, entry.data.byteLength);
  const out = new Uint8Array(fileBytes);
  out.set(start);
  let at = start.byteLength;
  for (const { data } of entries) {
    out.set(bytesOf(data), at);
    at += data.byteLength;
  }
  return out;
}

function pairsOf(metadata: Metadata): Iterable<readonly [string, string]> {
  return metadata instanceof Map ? metadata : Object.entries(metadata);
}

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/**
 * The string as serde_json writes it. JSON.stringify writes the same, except for lone surrogates.
 */
function jsonText(text: string): string {
  if (typeof text !== 'string' || LONE_SURROGATE.test(text)) {
    throw new SafetensorsError('InvalidTensorData', 'names and metadata must be Unicode text', {
      expected: 'a string without lone surrogates',
      found: JSON.stringify(text) ?? `${text}`,
    });
  }
  return JSON.stringify(text);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
