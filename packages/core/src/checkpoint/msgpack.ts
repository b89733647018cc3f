/**
 * Flax's msgpack files (flax.serialization.to_bytes): nested maps whose leaves are arrays. Keys are
 * text, or numbers where a tree has such (those of nnx), which become text.
 *
 * The indexer walks the structure and notes where each array's bytes lie; it never touches them. It
 * reads through `ByteSource`, so bytes in memory and files of any size are read in the same way.
 * Source: google/flax flax/serialization.py; the MessagePack specification.
 */
import { type Dtype, elementCount, toFloat32 } from 'safetensors-ts';
import { CheckpointError } from '../errors.js';
import { byteNumbers, isByteDtype } from './byte-dtypes.js';
import type { ByteSource, ReadInto } from './byte-source.js';
import { type FileIndex, type IndexedFormat, openIndexedBytes } from './indexed-format.js';
import { NUMPY_DTYPES } from './numpy-dtypes.js';
import {
  itemBytes,
  MAX_NAME_LENGTH,
  type SourceEntry,
  shapeToRead,
  type TensorSource,
} from './tensor-source.js';

/** A run of an array's bytes in the file. */
export interface Piece {
  readonly offset: number;
  readonly byteLength: number;
}

/**
 * A leaf of the file: what it is, and where its bytes lie, in order. It has several pieces if Flax
 * wrote it in chunks.
 */
export interface MsgpackEntry extends SourceEntry {
  readonly pieces: readonly Piece[];
  /** The value of a plain MessagePack number or boolean, which has no pieces. */
  readonly scalar?: number;
}

/** What a file holds; its metadata are leaves that are text. */
export type MsgpackIndex = FileIndex<MsgpackEntry>;

/**
 * The deepest nesting of maps that is read. Real trees have about ten levels; the limit keeps a
 * hostile file from exhausting the stack.
 */
const MAX_DEPTH = 32;

/**
 * The longest key, dtype name or text that is read, so that a length field cannot ask for
 * gigabytes.
 */
const MAX_TEXT_BYTES = 65_536;

/** The most axes of an array, which is NumPy's own limit. */
const MAX_RANK = 64;

/** The key of the map that stands for an array in chunks. */
export const CHUNK_MARK = '__msgpack_chunked_array__';

/** Flax's extension types. */
export const EXT_NDARRAY = 1;
const EXT_COMPLEX = 2;
const EXT_NUMPY_SCALAR = 3;

type Leaf = Omit<MsgpackEntry, 'name'>;
type Tree = ReadonlyMap<string, TreeNode>;
type TreeNode = Tree | Leaf | LeftOut | string | null;

/** A leaf that cannot be read, and what it is. */
class LeftOut {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

function isTree(node: TreeNode | undefined): node is Tree {
  return node instanceof Map;
}

function isLeaf(node: TreeNode | undefined): node is Leaf {
  return typeof node === 'object' && node !== null && !(node instanceof Map) && !(node instanceof LeftOut);
}

/** The first bytes of a MessagePack value: what it is, and if it has a body, how long that is. */
type Head =
  | { readonly type: 'map' | 'array' | 'string' | 'binary'; readonly length: number }
  | { readonly type: 'extension'; readonly length: number; readonly code: number }
  | { readonly type: 'number'; readonly value: number; readonly dtype: Dtype }
  | { readonly type: 'nil' };

const DAMAGED = 'Is it a Flax checkpoint? If it was downloaded or copied, fetch it again.';
const TRUNCATED = 'It is probably a partial download: fetch it again.';

/** Walks a file once, from its first byte to its last. */
class Indexer {
  private readonly source: ByteSource;
  /** Position of the next byte. */
  private at = 0;
  /** Keys that lead to the value being read. */
  private readonly path: string[] = [];

  constructor(source: ByteSource) {
    this.source = source;
  }

  index(): MsgpackIndex {
    if (this.source.size === 0) throw this.error('the file is empty', TRUNCATED);
    const root = this.value();
    const rest = this.source.size - this.at;
    if (rest > 0) throw this.error(`${rest} bytes follow the end of the tree`);
    const entries = new Map<string, MsgpackEntry>();
    const metadata = new Map<string, string>();
    const leftOut = new Map<string, string>();
    this.flatten(root, { entries, metadata, leftOut });
    return { entries, metadata, leftOut };
  }

  private flatten(
    node: TreeNode,
    found: {
      readonly entries: Map<string, MsgpackEntry>;
      readonly metadata: Map<string, string>;
      readonly leftOut: Map<string, string>;
    },
  ): void {
    const { entries, metadata, leftOut } = found;
    const name = this.path.join('.');
    if (name.length > MAX_NAME_LENGTH) {
      throw this.error(`a name of ${name.length} characters; expected at most ${MAX_NAME_LENGTH}`);
    }
    if (isTree(node)) {
      for (const [key, child] of node) {
        this.path.push(key);
        this.flatten(child, found);
        this.path.pop();
      }
    } else if (isLeaf(node)) {
      if (entries.has(name)) throw this.error('two paths give this name');
      entries.set(name, { name, ...node });
    } else if (node instanceof LeftOut) {
      leftOut.set(name, node.reason);
    } else if (node !== null) {
      metadata.set(name, node);
    }
  }

  private error(problem: string, remedy = DAMAGED): CheckpointError {
    const where = this.path.length === 0 ? '' : `, at "${this.path.join('.')}"`;
    return new CheckpointError(`${this.source.description}${where}: ${problem} (byte ${this.at}). ${remedy}`);
  }

  /** Moves over `length` bytes, which must exist. Returns where they start. */
  private skip(length: number, what: string): number {
    const left = this.source.size - this.at;
    if (length > left) {
      throw this.error(
        `the file ends inside ${what}: expected ${length} more bytes, found ${left}`,
        TRUNCATED,
      );
    }
    const start = this.at;
    this.at += length;
    return start;
  }

  private data(length: number, what: string): DataView {
    const view = this.source.view(this.skip(length, what), length);
    return new DataView(view.buffer, view.byteOffset, length);
  }

  private text(length: number, what: string): string {
    if (length > MAX_TEXT_BYTES)
      throw this.error(`${what} of ${length} bytes; expected at most ${MAX_TEXT_BYTES}`);
    const view = this.data(length, what);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(view);
    } catch {
      throw this.error(`${what} is not UTF-8`);
    }
  }

  private length(bytes: 1 | 2 | 4): number {
    const view = this.data(bytes, 'a length');
    return bytes === 1 ? view.getUint8(0) : bytes === 2 ? view.getUint16(0) : view.getUint32(0);
  }

  private head(): Head {
    const byte = this.data(1, 'a value').getUint8(0);
    if (byte <= 0x7f) return { type: 'number', value: byte, dtype: 'I64' };
    if (byte <= 0x8f) return { type: 'map', length: byte & 0x0f };
    if (byte <= 0x9f) return { type: 'array', length: byte & 0x0f };
    if (byte <= 0xbf) return { type: 'string', length: byte & 0x1f };
    if (byte >= 0xe0) return { type: 'number', value: byte - 256, dtype: 'I64' };
    const number = (bytes: number, dtype: Dtype, get: (view: DataView) => number | bigint): Head => {
      return { type: 'number', value: Number(get(this.data(bytes, 'a number'))), dtype };
    };
    switch (byte) {
      case 0xc0:
        return { type: 'nil' };
      case 0xc2:
        return { type: 'number', value: 0, dtype: 'BOOL' };
      case 0xc3:
        return { type: 'number', value: 1, dtype: 'BOOL' };
      case 0xc4:
        return { type: 'binary', length: this.length(1) };
      case 0xc5:
        return { type: 'binary', length: this.length(2) };
      case 0xc6:
        return { type: 'binary', length: this.length(4) };
      case 0xc7:
        return this.extensionHead(this.length(1));
      case 0xc8:
        return this.extensionHead(this.length(2));
      case 0xc9:
        return this.extensionHead(this.length(4));
      case 0xca:
        return number(4, 'F32', (view) => view.getFloat32(0));
      case 0xcb:
        return number(8, 'F64', (view) => view.getFloat64(0));
      case 0xcc:
        return number(1, 'I64', (view) => view.getUint8(0));
      case 0xcd:
        return number(2, 'I64', (view) => view.getUint16(0));
      case 0xce:
        return number(4, 'I64', (view) => view.getUint32(0));
      case 0xcf:
        return number(8, 'U64', (view) => view.getBigUint64(0));
      case 0xd0:
        return number(1, 'I64', (view) => view.getInt8(0));
      case 0xd1:
        return number(2, 'I64', (view) => view.getInt16(0));
      case 0xd2:
        return number(4, 'I64', (view) => view.getInt32(0));
      case 0xd3:
        return number(8, 'I64', (view) => view.getBigInt64(0));
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.extensionHead(2 ** (byte - 0xd4));
      case 0xd9:
        return { type: 'string', length: this.length(1) };
      case 0xda:
        return { type: 'string', length: this.length(2) };
      case 0xdb:
        return { type: 'string', length: this.length(4) };
      case 0xdc:
        return { type: 'array', length: this.length(2) };
      case 0xdd:
        return { type: 'array', length: this.length(4) };
      case 0xde:
        return { type: 'map', length: this.length(2) };
      case 0xdf:
        return { type: 'map', length: this.length(4) };
      default:
        throw this.error(`0x${byte.toString(16)} begins no MessagePack value`);
    }
  }

  private extensionHead(length: number): Head {
    return { type: 'extension', length, code: this.data(1, 'an extension type').getInt8(0) };
  }

  private value(): TreeNode {
    const head = this.head();
    switch (head.type) {
      case 'map':
        return this.map(head.length);
      case 'extension':
        return this.extension(head.code, head.length);
      case 'number':
        return { dtype: head.dtype, shape: [], pieces: [], scalar: head.value };
      case 'string':
        return this.text(head.length, 'a text');
      case 'nil':
        return null;
      case 'array':
        return this.list(head.length);
      case 'binary':
        this.skip(head.length, 'bytes');
        return new LeftOut(`${head.length} bytes without a dtype`);
    }
  }

  /** A list that Flax was given as it is: a map of the keys "0", "1" … */
  private list(length: number): TreeNode {
    if (this.path.length >= MAX_DEPTH) throw this.error(`lists are nested deeper than ${MAX_DEPTH}`);
    const map = new Map<string, TreeNode>();
    for (let i = 0; i < length; i++) {
      this.path.push(`${i}`);
      map.set(`${i}`, this.value());
      this.path.pop();
    }
    return map;
  }

  /** Text, or a number as text. */
  private key(): string {
    const head = this.head();
    if (head.type === 'string' || head.type === 'binary') return this.text(head.length, 'a key');
    if (head.type === 'number') return head.dtype === 'BOOL' ? `${head.value === 1}` : `${head.value}`;
    throw this.error(`expected a string or a number as key, found ${describe(head)}`);
  }

  private map(length: number): TreeNode {
    if (this.path.length >= MAX_DEPTH) throw this.error(`maps are nested deeper than ${MAX_DEPTH}`);
    const map = new Map<string, TreeNode>();
    for (let i = 0; i < length; i++) {
      const key = this.key();
      if (map.has(key)) throw this.error(`the key "${key}" stands twice in one map`);
      this.path.push(key);
      map.set(key, this.value());
      this.path.pop();
    }
    return map.has(CHUNK_MARK) ? this.joinChunks(map) : map;
  }

  private extension(code: number, length: number): Leaf | LeftOut {
    const end = this.at + length;
    if (end > this.source.size) this.skip(length, 'an array');
    const leaf =
      code === EXT_NDARRAY || code === EXT_NUMPY_SCALAR
        ? this.array(code)
        : code === EXT_COMPLEX
          ? this.complex()
          : undefined;
    if (leaf === undefined) {
      throw this.error(`unknown extension type ${code}; expected 1 (array), 2 (complex) or 3 (NumPy scalar)`);
    }
    if (this.at !== end)
      throw this.error(`an array's description ends ${this.at - end} bytes from where it should`);
    return leaf;
  }

  /** Reads [shape, dtype name, data] without touching the data. */
  private array(code: number): Leaf | LeftOut {
    this.expectArray(3, 'the description of an array');
    const rank = this.head();
    if (rank.type !== 'array' || rank.length > MAX_RANK) {
      throw this.error(`expected a shape of at most ${MAX_RANK} axes, found ${describe(rank)}`);
    }
    const shape: number[] = [];
    for (let i = 0; i < rank.length; i++) {
      const dim = this.head();
      if (dim.type !== 'number' || !Number.isSafeInteger(dim.value) || dim.value < 0) {
        throw this.error(`axis ${i} of a shape: expected an integer of 0 or more, found ${describe(dim)}`);
      }
      shape.push(dim.value);
    }
    if (code === EXT_NUMPY_SCALAR && shape.length > 0) {
      throw this.error(`a NumPy scalar has shape []; found [${shape}]`);
    }
    const dtypeHead = this.head();
    if (dtypeHead.type !== 'string' && dtypeHead.type !== 'binary') {
      throw this.error(`expected the name of a dtype, found ${describe(dtypeHead)}`);
    }
    const dtypeName = this.text(dtypeHead.length, 'a dtype');
    const dtype = NUMPY_DTYPES.get(dtypeName);
    const data = this.head();
    if (data.type !== 'binary') throw this.error(`expected an array's data, found ${describe(data)}`);
    if (dtype === undefined) {
      this.skip(data.length, "an array's data");
      return new LeftOut(`an array [${shape}] of the dtype ${JSON.stringify(dtypeName)}, which is unknown`);
    }
    const expected = elementCount(shape) * itemBytes(dtype);
    if (data.length !== expected) {
      throw this.error(`${dtypeName} [${shape}] takes ${expected} bytes, but its data has ${data.length}`);
    }
    const offset = this.skip(data.length, "an array's data");
    return { dtype, shape, pieces: [{ offset, byteLength: data.length }] };
  }

  private complex(): Leaf {
    this.expectArray(2, 'a complex number');
    for (const part of ['real', 'imaginary']) {
      const head = this.head();
      if (head.type !== 'number')
        throw this.error(`expected the ${part} part of a number, found ${describe(head)}`);
    }
    return { dtype: 'C128', shape: [], pieces: [] };
  }

  private expectArray(length: number, what: string): void {
    const head = this.head();
    if (head.type !== 'array' || head.length !== length) {
      throw this.error(`${what}: expected an array of ${length}, found ${describe(head)}`);
    }
  }

  /**
   * Joins the flat chunks into which Flax cuts an array, since a MessagePack value holds less than
   * 4 GiB.
   */
  private joinChunks(map: Tree): Leaf | LeftOut {
    const mark = map.get(CHUNK_MARK);
    const [shapeMap, chunkMap] = [map.get('shape'), map.get('chunks')];
    if (!isLeaf(mark) || mark.scalar !== 1 || !isTree(shapeMap) || !isTree(chunkMap) || map.size !== 3) {
      throw this.error(
        `a chunked array: expected "${CHUNK_MARK}": true, "shape" and "chunks", found ${[...map.keys()]}`,
      );
    }
    const shape = this.numbered(shapeMap, 'shape').map((dim, i) => {
      const value = dim.scalar;
      if (value === undefined || !Number.isSafeInteger(value) || value < 0) {
        throw this.error(`axis ${i} of a chunked array: expected an integer of 0 or more`);
      }
      return value;
    });
    const unread = [...chunkMap.values()].find((chunk) => chunk instanceof LeftOut);
    if (unread !== undefined) return unread;
    const chunks = this.numbered(chunkMap, 'chunks');
    const [first] = chunks;
    if (first === undefined) throw this.error('a chunked array without chunks');
    for (const [i, chunk] of chunks.entries()) {
      if (chunk.shape.length !== 1)
        throw this.error(`chunk ${i}: expected one axis, found shape [${chunk.shape}]`);
      if (chunk.dtype !== first.dtype) {
        throw this.error(`chunk ${i}: expected dtype ${first.dtype} as in chunk 0, found ${chunk.dtype}`);
      }
    }
    const found = chunks.reduce((sum, chunk) => sum + (chunk.shape[0] ?? 0), 0);
    if (found !== elementCount(shape)) {
      throw this.error(
        `a chunked array of shape [${shape}] needs ${elementCount(shape)} elements, its chunks have ${found}`,
      );
    }
    return { dtype: first.dtype, shape, pieces: chunks.flatMap((chunk) => chunk.pieces) };
  }

  /** The leaves of a map with the keys "0", "1" …, which is how Flax writes a list. */
  private numbered(map: Tree, what: string): Leaf[] {
    return Array.from({ length: map.size }, (_, i) => {
      const node = map.get(`${i}`);
      if (!isLeaf(node)) {
        throw this.error(
          `${what} of a chunked array: expected the keys 0 to ${map.size - 1}, but ${i} is missing or no number`,
        );
      }
      return node;
    });
  }
}

function describe(head: Head): string {
  if (head.type === 'nil') return 'nil';
  if (head.type === 'number') return `the number ${head.value}`;
  return `MessagePack's ${head.type} of length ${head.length}`;
}

/**
 * What a Flax msgpack file holds, and where. Every rule of the format is checked. Tensor data is
 * not read.
 *
 * Throws CheckpointError that names file, place in the tree, byte, what was expected and what was
 * found.
 */
export function indexMsgpack(source: ByteSource): MsgpackIndex {
  return new Indexer(source).index();
}

/**
 * The numbers of an entry, or of one index of its leading axis. `readInto` reads them; no other
 * bytes are read.
 *
 * Throws CheckpointError if there is no such slice, or for complex numbers.
 */
async function readMsgpackEntry(
  entry: MsgpackEntry,
  slice: number | undefined,
  description: string,
  readInto: ReadInto,
): Promise<Float32Array> {
  const shape = shapeToRead(entry, slice, description);
  if (entry.scalar !== undefined) return Float32Array.of(entry.scalar);
  const bytes = new Uint8Array(elementCount(shape) * itemBytes(entry.dtype));
  let from = (slice ?? 0) * bytes.byteLength;
  let filled = 0;
  for (const { offset, byteLength } of entry.pieces) {
    if (filled === bytes.byteLength) break;
    if (from >= byteLength) {
      from -= byteLength;
      continue;
    }
    const length = Math.min(byteLength - from, bytes.byteLength - filled);
    await readInto(bytes.subarray(filled, filled + length), offset + from);
    filled += length;
    from = 0;
  }
  if (isByteDtype(entry.dtype)) return byteNumbers(entry.dtype, bytes);
  return toFloat32({ dtype: entry.dtype as Dtype, shape, bytes }); // shapeToRead refuses complex ones
}

/**
 * A Flax msgpack file in memory. `description` is for messages. Throws CheckpointError as
 * `indexMsgpack`.
 */
export function fromMsgpack(bytes: Uint8Array, description = 'msgpack'): TensorSource {
  return openIndexedBytes(msgpackFormat, bytes, description);
}

/** Flax's msgpack files. */
export const msgpackFormat: IndexedFormat<MsgpackEntry, MsgpackIndex> = {
  index: indexMsgpack,
  read: readMsgpackEntry,
};
