/**
 * Where everything lies in a Flax msgpack file that is to be written. The bytes are those of
 * flax.serialization.to_bytes for a tree whose maps have sorted keys, as jax leaves them. Source:
 * google/flax flax/serialization.py; the MessagePack specification.
 */
import { elementCount } from 'safetensors-ts';
import { CheckpointError } from '../errors.js';
import { CHUNK_MARK, EXT_NDARRAY } from './msgpack.js';
import { NUMPY_DTYPES } from './numpy-dtypes.js';
import { itemBytes, type SourceEntry } from './tensor-source.js';

/**
 * Part of a file: bytes as they are, or the next `byteLength` bytes of a tensor's data
 * (little-endian, C order).
 */
export type MsgpackPart = Uint8Array | { readonly name: string; readonly byteLength: number };

/** Flax cuts larger arrays into pieces, since a MessagePack value holds less than 4 GiB. */
export const MAX_CHUNK_BYTES = 2 ** 30;

const DTYPE_NAMES = new Map([...NUMPY_DTYPES].map(([name, dtype]) => [dtype, name]));

type Tree = Map<string, Tree | SourceEntry>;

/**
 * The parts of a file that holds these tensors. Dots in names become nested maps. `emptyMaps` names
 * maps with nothing in them, which Flax writes for empty tuples.
 *
 * Throws CheckpointError for a dtype that NumPy has no name for, for a name that stands twice, or
 * for a name that is both a tensor's and a map's.
 */
export function layOutMsgpack(
  tensors: Iterable<SourceEntry>,
  maxChunkBytes = MAX_CHUNK_BYTES,
  emptyMaps: Iterable<string> = [],
): MsgpackPart[] {
  const root: Tree = new Map();
  for (const entry of tensors) addToTree(root, entry.name, entry);
  for (const name of emptyMaps) addToTree(root, name, new Map());
  const writer = new LayoutWriter(maxChunkBytes);
  writer.tree(root);
  return writer.parts();
}

function addToTree(root: Tree, name: string, node: Tree | SourceEntry): void {
  const path = name.split('.');
  const leaf = path.pop() as string;
  let tree = root;
  for (const key of path) {
    const next = tree.get(key) ?? new Map();
    if (!(next instanceof Map)) throw taken(name);
    tree.set(key, next);
    tree = next;
  }
  if (tree.has(leaf)) throw taken(name);
  tree.set(leaf, node);
}

function taken(name: string): CheckpointError {
  return new CheckpointError(
    `"${name}": in a Flax file a name is that of one tensor or of a map of tensors, and this one is taken. Rename one of them.`,
  );
}

class LayoutWriter {
  private readonly written: MsgpackPart[] = [];
  private readonly maxChunkBytes: number;
  private pending: number[] = [];

  constructor(maxChunkBytes: number) {
    this.maxChunkBytes = maxChunkBytes;
  }

  parts(): MsgpackPart[] {
    this.flush();
    return this.written;
  }

  tree(tree: Tree): void {
    this.map(tree.size);
    for (const key of [...tree.keys()].sort()) {
      this.text(key);
      const node = tree.get(key) as Tree | SourceEntry;
      if (node instanceof Map) this.tree(node);
      else this.array(node);
    }
  }

  private array(entry: SourceEntry): void {
    const { name, dtype, shape } = entry;
    const dtypeName = DTYPE_NAMES.get(dtype);
    if (dtypeName === undefined) {
      throw new CheckpointError(
        `"${name}": ${dtype} has no name in Flax's format; expected one of ${[...DTYPE_NAMES.keys()].join(', ')}.`,
      );
    }
    const width = itemBytes(dtype);
    const elements = elementCount(shape);
    if (elements * width <= this.maxChunkBytes) {
      this.extension(name, dtypeName, shape, elements * width);
      return;
    }
    const chunkElements = Math.max(1, Math.floor(this.maxChunkBytes / width));
    this.map(3);
    this.text(CHUNK_MARK);
    this.pending.push(0xc3); // true
    this.text('shape');
    this.map(shape.length);
    for (const [axis, dim] of shape.entries()) {
      this.text(`${axis}`);
      this.pending.push(...integer(dim));
    }
    this.text('chunks');
    this.map(Math.ceil(elements / chunkElements));
    for (let i = 0, from = 0; from < elements; i++, from += chunkElements) {
      const count = Math.min(chunkElements, elements - from);
      this.text(`${i}`);
      this.extension(name, dtypeName, [count], count * width);
    }
  }

  /** Adds an array: [shape, dtype name, data]. The caller writes the data. */
  private extension(name: string, dtypeName: string, shape: readonly number[], byteLength: number): void {
    const head = [0x93, ...sized(shape.length, 0x90, 15, undefined, 0xdc, 0xdd)];
    for (const dim of shape) head.push(...integer(dim));
    head.push(...text(dtypeName), ...sized(byteLength, undefined, 0, 0xc4, 0xc5, 0xc6));
    const length = head.length + byteLength;
    const fixed = FIXED_EXTENSIONS.get(length);
    this.pending.push(
      ...(fixed === undefined ? sized(length, undefined, 0, 0xc7, 0xc8, 0xc9) : [fixed]),
      EXT_NDARRAY,
      ...head,
    );
    if (byteLength === 0) return;
    this.flush();
    this.written.push({ name, byteLength });
  }

  private map(length: number): void {
    this.pending.push(...sized(length, 0x80, 15, undefined, 0xde, 0xdf));
  }

  private text(value: string): void {
    this.pending.push(...text(value));
  }

  private flush(): void {
    if (this.pending.length > 0) this.written.push(Uint8Array.from(this.pending));
    this.pending = [];
  }
}

/** The first byte of an extension whose length needs no number of its own. */
const FIXED_EXTENSIONS: ReadonlyMap<number, number> = new Map([
  [1, 0xd4],
  [2, 0xd5],
  [4, 0xd6],
  [8, 0xd7],
  [16, 0xd8],
]);

function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value);
  return [...sized(bytes.length, 0xa0, 31, 0xd9, 0xda, 0xdb), ...bytes];
}

/**
 * The shortest head of something with a length. Up to `most`, the length is in the first byte
 * itself; beyond, it follows a byte that tells its width.
 */
function sized(
  length: number,
  fix: number | undefined,
  most: number,
  of8: number | undefined,
  of16: number,
  of32: number,
): number[] {
  if (fix !== undefined && length <= most) return [fix | length];
  if (of8 !== undefined && length < 2 ** 8) return [of8, length];
  if (length < 2 ** 16) return [of16, ...bigEndian(length, 2)];
  return [of32, ...bigEndian(length, 4)];
}

/** The shortest form of an integer of 0 or more. */
function integer(value: number): number[] {
  if (value < 2 ** 7) return [value];
  if (value < 2 ** 8) return [0xcc, value];
  if (value < 2 ** 16) return [0xcd, ...bigEndian(value, 2)];
  if (value < 2 ** 32) return [0xce, ...bigEndian(value, 4)];
  return [0xcf, ...bigEndian(value, 8)];
}

function bigEndian(value: number, bytes: number): number[] {
  const out: number[] = [];
  for (let i = bytes - 1; i >= 0; i--) out.push(Math.floor(value / 2 ** (8 * i)) % 256);
  return out;
}
