/**
 * PyTorch checkpoints: the ZIP archives that torch.save has written since PyTorch 1.6
 * (torch-legacy.ts reads the form before). `NAME/data.pkl` is a pickle of nested containers.
 * Tensors in it are views (offset, sizes, strides) of storages, whose bytes are the files
 * `NAME/data/0`, `NAME/data/1` …
 *
 * Nothing of the pickle is run. Tensors, containers, numbers and text are read. Every other object
 * is skipped unbuilt, and listed by the name of its class. Tensors that are not views of numbers
 * (sparse, quantized, meta …) are left out and named. Source: pytorch torch/serialization.py,
 * torch/_utils.py.
 */
import { type Dtype, elementCount, toFloat32 } from 'safetensors-ts';
import { CheckpointError } from '../errors.js';
import type { ByteSource, ReadInto } from './byte-source.js';
import { type FileIndex, type IndexedFormat, openIndexedBytes } from './indexed-format.js';
import { gatherStrided, stridesOf } from './permute.js';
import {
  PickleGlobal,
  type PickleHost,
  PickleObject,
  PickleOpaque,
  type PickleValue,
  readPickle,
} from './pickle.js';
import {
  itemBytes,
  MAX_NAME_LENGTH,
  type SourceEntry,
  shapeToRead,
  type TensorSource,
} from './tensor-source.js';
import { readLegacyTorch, type StoragePlace } from './torch-legacy.js';
import { isLegacyTorch } from './torch-magic.js';
import { readZipDirectory, type ZipEntry } from './zip.js';

/** A tensor of a PyTorch file: a view of a storage. */
export interface TorchEntry extends SourceEntry {
  /** How many elements lie between one index and the next, on each axis. */
  readonly strides: readonly number[];
  /** The byte of its first element in the file. */
  readonly offset: number;
  /** Whether its numbers are the file's with the other sign (`torch._neg_view`). */
  readonly negative: boolean;
  /** Whether the file has the high byte of a number first. */
  readonly bigEndian: boolean;
}

/** What a file holds. */
export interface TorchIndex extends FileIndex<TorchEntry> {
  /** The classes and functions of the objects that were skipped, in order of first appearance. */
  readonly skipped: readonly string[];
}

/**
 * The deepest nesting of containers that is read. Optimizer states have about five levels; the
 * limit keeps a hostile file from exhausting the stack.
 */
const MAX_DEPTH = 32;

/** The most axes of a tensor, which is PyTorch's own limit. */
const MAX_RANK = 64;

/** The longest text beside the tensors that is kept. */
const MAX_METADATA_LENGTH = 65_536;

/**
 * A pickle describes a tensor in about 100 bytes. A larger pickle holds data, which tensors keep
 * elsewhere.
 */
const MAX_PICKLE_BYTES = 64 * 2 ** 20;

/**
 * The most elements of a tensor that has more elements than its storage (expanded, overlapping). A
 * few bytes of a file could ask for any amount of memory.
 */
const MAX_EXPANDED_ELEMENTS = 2 ** 26;

/** dtypes of the classes of storages. */
const STORAGE_DTYPES: ReadonlyMap<string, SourceEntry['dtype']> = new Map<string, SourceEntry['dtype']>([
  ['torch.FloatStorage', 'F32'],
  ['torch.HalfStorage', 'F16'],
  ['torch.BFloat16Storage', 'BF16'],
  ['torch.DoubleStorage', 'F64'],
  ['torch.CharStorage', 'I8'],
  ['torch.ShortStorage', 'I16'],
  ['torch.IntStorage', 'I32'],
  ['torch.LongStorage', 'I64'],
  ['torch.ByteStorage', 'U8'],
  ['torch.BoolStorage', 'BOOL'],
  ['torch.ComplexFloatStorage', 'C64'],
  ['torch.ComplexDoubleStorage', 'C128'],
]);

/** The dtypes without a class of storages. Their tensors name them, over a storage of bytes. */
const TENSOR_DTYPES: ReadonlyMap<string, SourceEntry['dtype']> = new Map<string, SourceEntry['dtype']>([
  ['torch.uint16', 'U16'],
  ['torch.uint32', 'U32'],
  ['torch.uint64', 'U64'],
  ['torch.float8_e4m3fn', 'F8_E4M3'],
  ['torch.float8_e5m2', 'F8_E5M2'],
  ['torch.float8_e4m3fnuz', 'F8_E4M3FNUZ'],
  ['torch.float8_e5m2fnuz', 'F8_E5M2FNUZ'],
  ['torch.float8_e8m0fnu', 'F8_E8M0'],
  ['torch.complex32', 'C32'],
]);

/** The bytes of an element of quantized tensors' storages, which are located and not read. */
const QUANTIZED_BYTES: ReadonlyMap<string, number> = new Map([
  ['torch.QInt8Storage', 1],
  ['torch.QUInt8Storage', 1],
  ['torch.QInt32Storage', 4],
  ['torch.QUInt4x2Storage', 1],
  ['torch.QUInt2x4Storage', 1],
]);

/** What functions make that rebuild other tensors than views of numbers. */
const OTHER_TENSORS: ReadonlyMap<string, string> = new Map([
  ['torch._utils._rebuild_sparse_tensor', 'a sparse tensor (save TENSOR.to_dense())'],
  ['torch._utils._rebuild_sparse_csr_tensor', 'a sparse tensor (save TENSOR.to_dense())'],
  ['torch._utils._rebuild_qtensor', 'a quantized tensor (save TENSOR.dequantize())'],
  ['torch._utils._rebuild_nested_tensor', 'a nested tensor (save TENSOR.to_padded_tensor(0))'],
  ['torch._utils._rebuild_meta_tensor_no_storage', 'a tensor of the device "meta", which has no numbers'],
  ['torch._utils._rebuild_mkldnn_tensor', 'a tensor in a layout of MKL-DNN (save TENSOR.to_dense())'],
  ['torch._utils._rebuild_wrapper_subclass', 'a tensor whose class keeps its numbers elsewhere'],
]);

const UNTYPED_STORAGE = 'torch.storage.UntypedStorage';

/** A storage: the bytes of one file in the archive, or of a stretch of an older file. */
class Storage extends PickleObject {
  /** Undefined for a storage of plain bytes. */
  readonly dtype: SourceEntry['dtype'] | undefined;
  readonly file: StoragePlace;

  constructor(dtype: Storage['dtype'], file: StoragePlace) {
    super();
    this.dtype = dtype;
    this.file = file;
  }
}

/** A tensor without its name. */
class StoredTensor extends PickleObject {
  readonly view: Omit<TorchEntry, 'name'>;

  constructor(view: Omit<TorchEntry, 'name'>) {
    super();
    this.view = view;
  }
}

/** A tensor that cannot be read, and what it is. */
class OtherTensor extends PickleObject {
  readonly reason: string;

  constructor(reason: string) {
    super();
    this.reason = reason;
  }
}

/**
 * What pickles of torch.save hold beside plain data. Its errors are reasons; the pickle's reader
 * adds the place.
 */
class TorchHost implements PickleHost {
  private readonly locate: (key: string) => StoragePlace | undefined;
  private readonly bigEndian: boolean;

  constructor(locate: (key: string) => StoragePlace | undefined, bigEndian: boolean) {
    this.locate = locate;
    this.bigEndian = bigEndian;
  }

  /**
   * Reads ('storage', class, key, device, element count). Before PyTorch 1.6 a last item follows:
   * null, or (key, first element, element count) of a part of the storage.
   */
  persistent(id: PickleValue): PickleValue {
    if (!Array.isArray(id) || id[0] !== 'storage' || !(id[1] instanceof PickleGlobal)) {
      throw new Error('expected the description of a storage, found something else');
    }
    const [, { name }, key] = id;
    const dtype = STORAGE_DTYPES.get(name);
    if (dtype === undefined && name !== UNTYPED_STORAGE) return new PickleOpaque(name);
    const file = typeof key === 'string' ? this.locate(key) : undefined;
    if (file === undefined) {
      throw new Error(`the storage ${describe(key)} is not in the archive`);
    }
    const count = size(id[4], 'the element count of a storage');
    const needed = count * (dtype === undefined ? 1 : itemBytes(dtype));
    if (needed > file.byteLength) {
      throw new Error(`the storage "${key}" should have ${needed} bytes, but has ${file.byteLength}`);
    }
    return new Storage(dtype, partOf(file, id[5], dtype === undefined ? 1 : itemBytes(dtype)));
  }

  call(name: string, args: readonly PickleValue[]): PickleValue | undefined {
    switch (name) {
      case 'torch._utils._rebuild_tensor':
      case 'torch._utils._rebuild_tensor_v2':
        return tensor(args, undefined, args[6], this.bigEndian);
      case 'torch._utils._rebuild_tensor_v3': {
        const dtype = args[6];
        const known = dtype instanceof PickleGlobal ? TENSOR_DTYPES.get(dtype.name) : undefined;
        if (known === undefined)
          return new OtherTensor(`its dtype ${describe(dtype)} is not one that can be read`);
        return tensor(args, known, args[7], this.bigEndian);
      }
      case 'torch._utils._rebuild_parameter':
      case 'torch._utils._rebuild_parameter_with_state':
      case 'torch._utils._rebuild_device_tensor_from_cpu_tensor':
        return args[0] instanceof StoredTensor || args[0] instanceof OtherTensor ? args[0] : undefined;
      case 'torch._tensor._rebuild_from_type':
      case 'torch._tensor._rebuild_from_type_v2':
        return this.ofClass(args);
      case 'torch.Size':
        return args.length === 1 && Array.isArray(args[0]) ? args[0] : undefined;
      case 'collections.OrderedDict':
        return dictOf(args[0]);
      case 'collections.defaultdict':
        return new Map();
      default: {
        const other = OTHER_TENSORS.get(name);
        return other === undefined ? undefined : new OtherTensor(other);
      }
    }
  }

  /**
   * Reads (function, class, its arguments, state): a Buffer, or a tensor of somebody's class, whose
   * numbers are those of a plain tensor.
   */
  private ofClass([rebuild, , args]: readonly PickleValue[]): PickleValue | undefined {
    if (!(rebuild instanceof PickleGlobal) || !Array.isArray(args)) return undefined;
    const made = this.call(rebuild.name, args);
    return made instanceof StoredTensor || made instanceof OtherTensor ? made : undefined;
  }
}

/** The part of a storage that a view of it takes. */
function partOf(whole: StoragePlace, view: PickleValue | undefined, width: number): StoragePlace {
  if (view === undefined || view === null) return whole;
  if (!Array.isArray(view))
    throw new Error(`a part of a storage: expected three numbers, found ${describe(view)}`);
  const offset = size(view[1], 'the first element of a part of a storage') * width;
  const byteLength = size(view[2], 'the element count of a part of a storage') * width;
  if (offset + byteLength > whole.byteLength) throw new Error('a part of a storage reaches beyond its end');
  return { offset: whole.offset + offset, byteLength };
}

/** Reads OrderedDict() and OrderedDict([[key, value], …]). */
function dictOf(pairs: PickleValue | undefined): PickleValue {
  const dict = new Map<PickleValue, PickleValue>();
  if (pairs === undefined) return dict;
  if (!Array.isArray(pairs)) throw new Error('an ordered dict is not made of pairs');
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) throw new Error('an ordered dict is not made of pairs');
    dict.set(pair[0] as PickleValue, pair[1] as PickleValue);
  }
  return dict;
}

/**
 * Reads (storage, offset, sizes, strides, …). `ofTensor` is given where the tensor, and not its
 * storage, says the dtype. `metadata` holds the bits of torch's `get_tensor_metadata`.
 */
function tensor(
  args: readonly PickleValue[],
  ofTensor: SourceEntry['dtype'] | undefined,
  metadata: PickleValue | undefined,
  bigEndian: boolean,
): StoredTensor | OtherTensor {
  const [storage, storageOffset] = args;
  if (storage instanceof PickleOpaque) return new OtherTensor(`a tensor over a ${storage.name}`);
  if (!(storage instanceof Storage)) throw new Error('a tensor has no storage');
  const dtype = ofTensor ?? storage.dtype;
  if (dtype === undefined) throw new Error('a tensor over bytes does not say its dtype');
  const first = size(storageOffset, "a tensor's offset");
  const shape = sizes(args[2], "a tensor's sizes");
  const strides = sizes(args[3], "a tensor's strides");
  if (strides.length !== shape.length)
    throw new Error(`a tensor has the sizes [${shape}], but the strides [${strides}]`);
  const width = itemBytes(dtype);
  const room = Math.floor(storage.file.byteLength / width);
  const elements = elementCount(shape);
  const last = shape.reduce((sum, dim, axis) => sum + (dim - 1) * (strides[axis] as number), first);
  if (elements > 0 && last >= room) {
    throw new Error(
      `a tensor of sizes [${shape}], strides [${strides}] and offset ${first} reaches element ${last} of a storage of ${room}`,
    );
  }
  if (!(elements <= Math.max(room, MAX_EXPANDED_ELEMENTS))) {
    return new OtherTensor(
      `a tensor of sizes [${shape}] expanded from the ${room} elements of its storage, of which at most ${MAX_EXPANDED_ELEMENTS} are read`,
    );
  }
  const bits = bitsOf(metadata);
  if (bits instanceof OtherTensor) return bits;
  const offset = storage.file.offset + first * width;
  return new StoredTensor({ dtype, shape, strides, offset, negative: bits.negative, bigEndian });
}

/**
 * What a tensor's metadata says of its numbers: `neg`, and `conj`, which only complex numbers have.
 * Any other key may change the meaning of the numbers, so such a tensor is left out.
 */
function bitsOf(metadata: PickleValue | undefined): { readonly negative: boolean } | OtherTensor {
  if (metadata === undefined || metadata === null) return { negative: false };
  if (!(metadata instanceof Map))
    return new OtherTensor(`its metadata is ${describe(metadata)}, expected a dict`);
  for (const [key, value] of metadata) {
    if ((key !== 'neg' && key !== 'conj') || typeof value !== 'boolean')
      return new OtherTensor(
        `its metadata has ${describe(key)}: ${describe(value)}; only "neg" and "conj" are known`,
      );
  }
  return { negative: metadata.get('neg') === true };
}

function sizes(value: PickleValue | undefined, what: string): number[] {
  if (!Array.isArray(value) || value.length > MAX_RANK) {
    throw new Error(`${what}: expected at most ${MAX_RANK} integers, found ${describe(value)}`);
  }
  return value.map((dim) => size(dim, what));
}

function size(value: PickleValue | undefined, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new Error(`${what}: expected an integer of 0 or more, found ${describe(value)}`);
  }
  return value;
}

function describe(value: PickleValue | undefined): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60));
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof Map) return 'a dict';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof PickleGlobal || value instanceof PickleOpaque) return value.name;
  return value instanceof PickleObject ? 'a tensor or storage' : String(value);
}

/** Gives the tensors of nested containers their names. */
class Flattener {
  readonly entries = new Map<string, TorchEntry>();
  readonly metadata = new Map<string, string>();
  readonly leftOut = new Map<string, string>();
  readonly skipped = new Set<string>();
  private readonly description: string;
  /**
   * How many more containers may be visited. Containers may be shared: without a limit, a few
   * hundred bytes could name one tensor in 2^32 ways.
   */
  private visitsLeft: number;

  constructor(description: string, pickleBytes: number) {
    this.description = description;
    this.visitsLeft = 1000 + 4 * pickleBytes;
  }

  /**
   * Scalars count as metadata where a dict names them. Lists of them are an optimizer's settings.
   */
  visit(value: PickleValue, path: readonly string[], inList: boolean): void {
    const name = path.join('.');
    if (path.length > MAX_DEPTH || name.length > MAX_NAME_LENGTH || this.visitsLeft-- === 0) {
      throw new CheckpointError(
        `${this.description}, at "${name.slice(0, 200)}": containers are nested deeper than ${MAX_DEPTH}, or names longer than ${MAX_NAME_LENGTH}. Save the state_dict alone: torch.save(model.state_dict(), PATH).`,
      );
    }
    if (value instanceof StoredTensor) {
      if (this.entries.has(name)) {
        throw new CheckpointError(
          `${this.description}: two tensors have the name "${name}". Save the state_dict alone.`,
        );
      }
      this.entries.set(name, { name, ...value.view });
    } else if (value instanceof OtherTensor) {
      this.leftOut.set(name, value.reason);
    } else if (value instanceof Map) {
      for (const [key, child] of value) {
        if (typeof key === 'string' || typeof key === 'number')
          this.visit(child, [...path, `${key}`], inList);
        else if (key !== null && typeof key !== 'boolean')
          this.leftOut.set([...path, describe(key)].join('.'), 'what has neither text nor a number as key');
      }
    } else if (Array.isArray(value)) {
      for (const [i, child] of value.entries()) this.visit(child, [...path, `${i}`], true);
    } else if (value instanceof PickleOpaque || value instanceof PickleGlobal) {
      this.skipped.add(value.name);
      if (value instanceof PickleOpaque)
        this.leftOut.set(name, `an object of ${value.name}, which is not built`);
    } else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      if (!inList && path.length > 0) this.metadata.set(name, `${value}`.slice(0, MAX_METADATA_LENGTH));
    }
  }
}

/**
 * What a PyTorch file holds, and where. Directory and pickle are checked. Tensor data is not read.
 *
 * Throws CheckpointError for a damaged archive or pickle, a TorchScript program, big-endian data,
 * tensors outside of their storage, or a file without tensors.
 */
export function indexTorch(source: ByteSource): TorchIndex {
  const { description } = source;
  if (isLegacyTorch(source.view(0, Math.min(source.size, 16)))) {
    const { root, pickleBytes } = readLegacyTorch(source, {
      at: (places) => new TorchHost((key) => places.get(key), false),
      itemBytes: (name) => {
        const dtype = STORAGE_DTYPES.get(name);
        if (dtype !== undefined) return itemBytes(dtype);
        return name === UNTYPED_STORAGE ? 1 : QUANTIZED_BYTES.get(name);
      },
      maxPickleBytes: MAX_PICKLE_BYTES,
    });
    return namedTensors(root, pickleBytes, description);
  }
  const files = readZipDirectory(source);
  const pickles = [...files.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  const folder = pickles.length === 1 ? (pickles[0] as string).slice(0, -'/data.pkl'.length) : undefined;
  const pickle = folder === undefined ? undefined : files.get(`${folder}/data.pkl`);
  if (pickle === undefined) {
    throw new CheckpointError(
      `${description}: a ZIP archive, but not of torch.save: expected one NAME/data.pkl in it, found ${pickles.length}. If it is a packed folder, unpack it.`,
    );
  }
  if (files.has(`${folder}/constants.pkl`)) {
    throw new CheckpointError(
      `${description}: a TorchScript program and no checkpoint. In Python: torch.save(torch.jit.load(PATH).state_dict(), OUT).`,
    );
  }
  const order = files.get(`${folder}/byteorder`);
  const byteOrder = order === undefined ? 'little' : text(source, order);
  if (byteOrder !== 'little' && byteOrder !== 'big') {
    throw new CheckpointError(
      `${description}: its byte order is ${JSON.stringify(byteOrder)}; expected "little" or "big". If the file was downloaded or copied, fetch it again.`,
    );
  }
  if (pickle.byteLength > MAX_PICKLE_BYTES) {
    throw new CheckpointError(
      `${description}: its pickle has ${pickle.byteLength} bytes; expected at most ${MAX_PICKLE_BYTES}. Save the state_dict alone: torch.save(model.state_dict(), PATH).`,
    );
  }
  const bytes = source.view(pickle.offset, pickle.byteLength).slice();
  const host = new TorchHost((key) => files.get(`${folder}/data/${key}`), byteOrder === 'big');
  const root = readPickle(bytes, description, host);
  return namedTensors(root, bytes.byteLength, description);
}

/**
 * The tensors of an unpickled object by name. Throws CheckpointError if there are none, or if too
 * many paths lead to one.
 */
function namedTensors(root: PickleValue, pickleBytes: number, description: string): TorchIndex {
  const flattener = new Flattener(description, pickleBytes);
  flattener.visit(root, [], false);
  const { entries, metadata, leftOut } = flattener;
  const skipped = [...flattener.skipped];
  if (entries.size === 0) {
    const others = [...leftOut].filter(([, reason]) => !reason.startsWith('an object of '));
    const objects =
      others.length > 0
        ? ` that can be read: ${others
            .slice(0, 8)
            .map(([name, reason]) => `"${name}" is left out (${reason})`)
            .join(', ')}`
        : skipped.length === 0
          ? ''
          : `, only objects that are not built (${skipped.slice(0, 8).join(', ')})`;
    throw new CheckpointError(
      `${description}: there are no tensors in it${objects}. A whole model that was pickled needs its program: save its state_dict in Python.`,
    );
  }
  return { entries, metadata, leftOut, skipped };
}

function text(source: ByteSource, { offset, byteLength }: ZipEntry): string {
  return new TextDecoder('latin1').decode(source.view(offset, Math.min(byteLength, 16))).trim();
}

/**
 * The numbers of a tensor, or of one index of its leading axis. `readInto` reads only the span from
 * the first to the last element. Signs are those of the tensor: `negative` has been applied.
 *
 * Throws CheckpointError if there is no such slice, or for complex numbers.
 */
async function readTorchEntry(
  entry: TorchEntry,
  slice: number | undefined,
  description: string,
  readInto: ReadInto,
): Promise<Float32Array> {
  const dtype = entry.dtype as Dtype; // shapeToRead refuses the one that is none
  const shape = shapeToRead(entry, slice, description);
  const strides = slice === undefined ? entry.strides : entry.strides.slice(1);
  const width = itemBytes(dtype);
  const offset = entry.offset + (slice ?? 0) * (entry.strides[0] ?? 0) * width;
  const elements = elementCount(shape);
  if (elements === 0) return new Float32Array(0);
  const span = shape.reduce((last, dim, axis) => last + (dim - 1) * (strides[axis] as number), 1);
  const bytes = new Uint8Array(span * width);
  await readInto(bytes, offset);
  if (entry.bigEndian) swapBytes(bytes, width);
  if (entry.negative && isInteger(dtype)) negateIntegers(bytes, width);
  const values = toFloat32({ dtype, shape, bytes: gather(bytes, shape, strides, width) });
  if (entry.negative && !isInteger(dtype))
    for (let i = 0; i < values.length; i++) values[i] = -(values[i] as number);
  return values;
}

/** Whether numbers of this dtype are negated as integers, which wrap around. */
function isInteger(dtype: Dtype): boolean {
  return /^[IU]\d/.test(dtype);
}

/** Puts the low byte of each element first. */
function swapBytes(bytes: Uint8Array, width: number): void {
  if (width > 1) for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse();
}

/** Negates each element in two's complement, the low byte first. */
function negateIntegers(bytes: Uint8Array, width: number): void {
  for (let at = 0; at < bytes.length; at += width) {
    let carry = 1;
    for (let i = at; i < at + width; i++) {
      const byte = (~(bytes[i] as number) & 0xff) + carry;
      bytes[i] = byte;
      carry = byte >> 8;
    }
  }
}

/** The bytes of the elements in C order. */
function gather(
  bytes: Uint8Array,
  shape: readonly number[],
  strides: readonly number[],
  width: number,
): Uint8Array {
  if (isContiguous(shape, strides)) return bytes;
  const gathered = new Uint8Array(elementCount(shape) * width);
  if (width === 1) gatherStrided(bytes, shape, strides, gathered);
  else if (width === 2) gatherAs(Uint16Array, bytes, shape, strides, gathered);
  else if (width === 4) gatherAs(Uint32Array, bytes, shape, strides, gathered);
  else gatherAs(BigUint64Array, bytes, shape, strides, gathered);
  return gathered;
}

type WordArray = Uint16Array | Uint32Array | BigUint64Array;

function gatherAs<Words extends WordArray>(
  words: new (buffer: ArrayBufferLike) => Words,
  bytes: Uint8Array,
  shape: readonly number[],
  strides: readonly number[],
  out: Uint8Array,
): void {
  gatherStrided<WordArray>(new words(bytes.buffer), shape, strides, new words(out.buffer));
}

/**
 * Whether the elements follow each other in C order. The stride of an axis with one index does not
 * matter.
 */
function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  return stridesOf(shape).every((stride, axis) => shape[axis] === 1 || stride === strides[axis]);
}

/**
 * A PyTorch file in memory. `description` is for messages. Throws CheckpointError as `indexTorch`
 * does.
 */
export function fromTorch(bytes: Uint8Array, description = 'torch'): TensorSource {
  return openIndexedBytes(torchFormat, bytes, description);
}

/** PyTorch's files. Nothing of them is run. */
export const torchFormat: IndexedFormat<TorchEntry, TorchIndex> = { index: indexTorch, read: readTorchEntry };
