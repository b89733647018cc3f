import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import { type backend_util, type DataType, engine, type TensorInfo, util } from '@tensorflow/tfjs';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import { addon } from './addon.js';
import { AllocationError } from './allocation-error.js';
import { BlockPool, type PoolUsage } from './block-pool.js';
import { moveComplex } from './complex-moves.js';
import { type DataEntry, DataStore } from './data-store.js';
import { HeldValues } from './held-values.js';
import { runsOnCpu } from './kernel-counts.js';
import { MappedFile } from './mapped-files.js';
import { NarrowTensors, type NarrowValues } from './narrow-tensors.js';
import { isNumericArray, type NumericArray } from './numeric-array.js';
import { PackedMatrix } from './packed-matrix.js';
import { stridedCopy } from './strided-copy.js';

/** A new tensor's description and the array to fill. */
export interface Output<T> {
  readonly info: TensorInfo;
  readonly values: T;
}

/** Element types that native kernels make. */
export type NativeDtype = 'float32' | 'int32' | 'bool';

type DataId = TensorInfo['dataId'];
type BackendTimingInfo = Awaited<ReturnType<MathBackendCPU['time']>>;

/**
 * How long the thread computes before an awaited result lets the event loop turn. A turn costs
 * microseconds; a frame is 16 ms.
 */
const TURN_AFTER_MS = 4;

/** Values of this size or more are copied by the addon, on all threads. */
const LARGE_BYTES = 1 << 16;

/**
 * An array of this size or more that is handed out gets huge pages, and memory that malloc keeps
 * when it is freed. Page faults would take longer than the copy.
 */
const LARGE_READ_BYTES = 4 << 20;

/**
 * Elements of one piece in which such an array is written. The piece is too small to be written
 * past the caches, since the pages that the system has just cleared lie in them.
 */
const FRESH_PIECE = 1 << 22;

/** to = from. Both have one type and one length. */
function copyValues(to: NumericArray, from: NumericArray): void {
  if (from.byteLength < LARGE_BYTES) to.set(from);
  else stridedCopy(to, 0, [1], from, 0, [1], [from.length]);
}

/** copyValues to an array whose memory may be fresh from the system. */
function copyToFresh(to: NumericArray, from: NumericArray): void {
  for (let at = 0; at < from.length; at += FRESH_PIECE)
    stridedCopy(to, at, [1], from, at, [1], [Math.min(FRESH_PIECE, from.length - at)]);
}

/**
 * Backend 'native'. It has the cpu backend's data model and kernels; its memory lies in recycled
 * aligned blocks, and the kernels that matter run in C++. Everything is synchronous.
 *
 * `write` copies what the caller uploads, and `readSync` copies what it hands out. `allocate` makes
 * the outputs of kernels; `makeTensorInfo` adopts an array. Kernels of the cpu backend may return
 * views of their inputs. A block therefore counts the data entries that lie on it, and is reused
 * when the last of them is disposed.
 *
 * A float32 tensor may be held in fewer than four bytes a value: see `narrow`, `packed` and
 * narrow-tensors.ts.
 */
export class NativeBackend extends MathBackendCPU {
  readonly pool = new BlockPool();
  /** The tensors that are held in fewer than four bytes a value. */
  readonly narrowTensors: NarrowTensors;
  private readonly store: DataStore;
  /** Files on whose bytes tensors lie. */
  private readonly mapped = new Set<MappedFile>();
  /** How many kernels of the cpu backend are running. What they read does not leave the backend. */
  private borrowing = 0;
  /** Values from which files are being written. */
  private readonly held = new Set<HeldValues>();
  /** The time, by performance.now(), at which `read` last let the event loop turn. */
  private lastTurn = performance.now();

  constructor() {
    super();
    this.store = new DataStore(this, engine());
    this.data = this.store;
    this.narrowTensors = new NarrowTensors({
      array: (size, dtype, shape) => this.array(size, dtype, shape),
      retain: (values) => this.retain(values),
      release: (values) => this.release(values),
    });
  }

  /** Stores a copy of the caller's values, so that neither side sees the other's later changes. */
  override write(values: backend_util.BackendValues, shape: number[], dtype: DataType): DataId {
    return this.add(isNumericArray(values) ? this.copy(values, shape) : values, dtype);
  }

  override move(
    dataId: DataId,
    values: backend_util.BackendValues,
    shape: number[],
    dtype: DataType,
    refCount: number,
  ): void {
    if (dtype === 'complex64') {
      moveComplex(this, dataId, values as Float32Array, shape, refCount);
      return;
    }
    const stored = isNumericArray(values) ? this.copy(values, shape) : values;
    this.retain(stored);
    super.move(dataId, stored, shape, dtype, refCount);
  }

  /**
   * Describes a kernel's output. The backend adopts `values` without a copy; they may be a view of
   * an input.
   */
  override makeTensorInfo(
    shape: number[],
    dtype: DataType,
    values?: backend_util.BackendValues | string[],
  ): TensorInfo {
    if (!isNumericArray(values)) return super.makeTensorInfo(shape, dtype, values);
    return { dataId: this.add(values, dtype), shape, dtype };
  }

  /**
   * A copy of a tensor's values, in V8's own memory.
   *
   * The alternative is to hand a block out and reuse it when the caller's array is collected. That
   * costs more, for three reasons. Node runs the finalizers of external memory only between turns
   * of the event loop, so that a loop which reads 16 MB at a time held 2 GB. Every new block brings
   * page faults. And such an array cannot be transferred to another thread.
   */
  override readSync(dataId: DataId): backend_util.BackendValues {
    const values = this.readUnchecked(dataId);
    // Afterwards, because a file may be cut while it is read.
    for (const file of this.mapped) file.check();
    return values;
  }

  private readUnchecked(dataId: DataId): backend_util.BackendValues {
    const narrow = this.narrowTensors.find(dataId);
    if (narrow !== undefined) {
      const values = this.unclearedArray(Float32Array, narrow.size) as Float32Array;
      narrow.widen(values);
      return values;
    }
    const { values } = this.data.get(dataId);
    const read = super.readSync(dataId);
    // This array is not ours: it was converted, or merged from a complex tensor's parts.
    if (read !== values || !isNumericArray(read) || this.borrowing > 0) return read;
    if (read.byteLength < LARGE_BYTES) return read.slice();
    const copy = this.unclearedArray(read.constructor as Float32ArrayConstructor, read.length);
    copyToFresh(copy, read);
    return copy;
  }

  /**
   * readSync, for `await tensor.data()`. If the thread has computed for a while, the event loop
   * gets a turn first, so that timers and sockets are served in a loop that awaits its results.
   */
  override async read(dataId: DataId): Promise<backend_util.BackendValues> {
    const values = this.readSync(dataId);
    if (performance.now() - this.lastTurn > TURN_AFTER_MS) {
      await turnOfEventLoop();
      this.lastTurn = performance.now();
    }
    return values;
  }

  /**
   * Runs a kernel of the cpu backend. It reads our arrays without a copy, because its reads end
   * with the kernel.
   */
  borrow<R>(kernel: () => R): R {
    this.borrowing += 1;
    try {
      return kernel();
    } finally {
      this.borrowing -= 1;
    }
  }

  override disposeData(dataId: DataId, force = false): boolean {
    const { narrowTensors } = this;
    const isNarrow = narrowTensors.count > 0 && narrowTensors.find(dataId) !== undefined;
    const values = !isNarrow && this.data.has(dataId) ? this.data.get(dataId).values : undefined;
    const gone = super.disposeData(dataId, force);
    if (gone) {
      if (isNarrow) narrowTensors.forget(dataId);
      this.release(values);
    }
    return gone;
  }

  override dispose(): void {
    this.pool.clear();
  }

  /** The numbers of the pool. tf.memory() passes `native` on. */
  override memory(): { unreliable: boolean; reasons: string[]; native: PoolUsage } {
    return { unreliable: false, reasons: [], native: this.pool.usage() };
  }

  /**
   * Times f, for tf.profile and tf.time. Each kernel of a profile says in `extraInfo` whether it
   * ran as 'native' or on 'cpu'.
   */
  override async time(f: () => void): Promise<BackendTimingInfo> {
    const onCpu = runsOnCpu();
    const start = performance.now();
    f();
    const kernelMs = performance.now() - start;
    const where = runsOnCpu() === onCpu ? 'native' : 'cpu';
    return { kernelMs, getExtraProfileInfo: () => where };
  }

  /**
   * Floating-point operations a second that this machine can do, measured in 40 ms: multiply-adds
   * of registers on all threads, each counted as two operations.
   */
  multiplyAddPeak(): number {
    return addon().multiplyAddPeak();
  }

  /** A new tensor with unspecified contents and the array to fill. */
  allocate(shape: number[], dtype: 'float32'): Output<Float32Array>;
  allocate(shape: number[], dtype: 'int32'): Output<Int32Array>;
  allocate(shape: number[], dtype: 'bool'): Output<Uint8Array>;
  allocate(shape: number[], dtype: 'float32' | 'int32'): Output<Float32Array | Int32Array>;
  allocate(shape: number[], dtype: NativeDtype): Output<NumericArray>;
  allocate(shape: number[], dtype: NativeDtype): Output<NumericArray> {
    let size = 1;
    for (const extent of shape) size *= extent;
    const values = this.array(size, dtype, shape);
    return { info: { dataId: this.add(values, dtype), shape, dtype }, values };
  }

  /**
   * A tensor's values as float32, without a copy if they are float32. The cpu backend casts to a
   * wider type by sharing the data, so a float32 tensor may lie on an Int32Array or a Uint8Array;
   * these are converted.
   */
  float32(info: TensorInfo): Float32Array {
    const { narrowTensors } = this;
    if (narrowTensors.count > 0) {
      const narrow = narrowTensors.find(info.dataId);
      if (narrow !== undefined && narrow.readOnce !== true) return narrowTensors.lend(narrow, info.shape);
    }
    const values = this.data.get(info.dataId).values;
    return values instanceof Float32Array ? values : Float32Array.from(values as Int32Array);
  }

  /** A tensor's values as int32, without a copy if they are int32; see float32. */
  int32(info: TensorInfo): Int32Array {
    const values = this.data.get(info.dataId).values;
    return values instanceof Int32Array ? values : Int32Array.from(values as Uint8Array);
  }

  /** A bool tensor's values, one byte each. */
  bool(info: TensorInfo): Uint8Array {
    const values = this.data.get(info.dataId).values;
    return values instanceof Uint8Array ? values : Uint8Array.from(values as Int32Array);
  }

  /** A numeric tensor's values in the array type of its dtype. */
  values(info: TensorInfo): NumericArray {
    // A kernel that moves data may return a view of these values, so they can't be lent.
    if (this.narrowTensors.find(info.dataId) !== undefined)
      return this.data.get(info.dataId).values as Float32Array;
    return info.dtype === 'float32'
      ? this.float32(info)
      : info.dtype === 'bool'
        ? this.bool(info)
        : this.int32(info);
  }

  /**
   * A new tensor with a float32 tensor's values rounded to bfloat16 and held in two bytes each.
   * Values are rounded to the nearest (ties to even). With a seed they are rounded up or down by
   * chance, in proportion to the distances, so that the mean is the value.
   */
  narrow(info: TensorInfo, seed: number | null): TensorInfo {
    const { shape } = info;
    const size = util.sizeFromShape(shape);
    const words = this.array(Math.ceil(size / 2), 'int32', shape) as Int32Array;
    addon().narrowFloats(words, this.float32(info), seed);
    const widen = (into: Float32Array) => addon().widenFloats(into, words);
    return this.holdNarrow({ size, arrays: [words], widen }, shape);
  }

  /**
   * A new float32 tensor with a packed matrix's values, which stays packed: its arrays are not
   * copied and must not change. `shape` has as many elements.
   */
  packed(matrix: PackedMatrix, shape: number[]): TensorInfo {
    const { size, arrays } = matrix;
    return this.holdNarrow({ size, arrays, widen: (into) => matrix.widen(into), matrix }, shape);
  }

  /** A new float32 tensor of zeros, which take no memory until something reads them. */
  zerosLater(shape: number[]): TensorInfo {
    const size = util.sizeFromShape(shape);
    return this.holdNarrow(
      { size, arrays: [], widen: (into) => addon().fillFloat(into, 0), readOnce: true },
      shape,
    );
  }

  /**
   * Maps the file of a descriptor, which may be closed afterwards, so that tensors may lie on its
   * bytes: see `mappedFloats` and `packed`. `name` is for messages. Returns undefined where the
   * system cannot.
   *
   * If the file is cut or written while such a tensor lives, reading values from this backend
   * throws Error that names the file.
   */
  mapFile(file: number, name: string): MappedFile | undefined {
    return MappedFile.open(file, name, {
      remember: (mapped) => this.mapped.add(mapped),
      forget: (mapped) => this.mapped.delete(mapped),
    });
  }

  /**
   * A new float32 tensor of floats that lie in a mapped file from `position` on. F32 is used where
   * it lies; F16 and BF16 are widened, on all threads. Returns undefined where the bytes cannot be
   * used so: at a position that is no multiple of an element's bytes, or of more than 4 GiB.
   */
  mappedFloats(
    file: MappedFile,
    position: number,
    shape: number[],
    format: 'F32' | 'F16' | 'BF16',
  ): TensorInfo | undefined {
    const size = util.sizeFromShape(shape);
    const elementBytes = format === 'F32' ? 4 : 2;
    if (position % elementBytes !== 0) return undefined;
    const bytes = file.view(position, size * elementBytes);
    if (bytes === undefined) return undefined;
    if (format === 'F32') {
      const floats = new Float32Array(bytes.buffer, bytes.byteOffset, size);
      return { dataId: this.add(floats, 'float32'), shape, dtype: 'float32' };
    }
    this.retain(bytes);
    try {
      const { info, values } = this.allocate(shape, 'float32');
      new PackedMatrix({ format, shape: [size], codes: bytes }).widen(values);
      return info;
    } finally {
      this.release(bytes);
    }
  }

  /**
   * The packed matrix that a tensor of two axes is, or undefined where it is held in another way.
   */
  packedMatrix(info: TensorInfo): PackedMatrix | undefined {
    const { narrowTensors } = this;
    if (narrowTensors.count === 0 || info.shape.length !== 2) return undefined;
    const matrix = narrowTensors.find(info.dataId)?.matrix;
    return matrix !== undefined && matrix.rows === info.shape[0] && matrix.columns === info.shape[1]
      ? matrix
      : undefined;
  }

  private holdNarrow(narrow: NarrowValues, shape: number[]): TensorInfo {
    const dataId = this.store.add({
      values: undefined,
      dtype: 'float32',
      refCount: 1,
    } as unknown as DataEntry);
    this.narrowTensors.add(dataId, narrow, this.data.get(dataId), shape);
    return { dataId, shape, dtype: 'float32' };
  }

  /** Scratch values for the time of `use`. They are recycled afterwards. */
  withScratch<R>(size: number, use: (values: Float32Array) => R): R {
    const { info, values } = this.allocate([size], 'float32');
    try {
      return use(values);
    } finally {
      this.disposeData(info.dataId);
    }
  }

  /** The same data under another shape: one reference more. */
  alias(info: TensorInfo, shape: number[], dtype: DataType = info.dtype): TensorInfo {
    this.incRef(info.dataId);
    return { dataId: info.dataId, shape, dtype };
  }

  /**
   * Whether a kernel may write a float32 tensor in place unseen: no other tensor has its data, no
   * view lies on its block, and no file is still to be written from it.
   */
  isExclusive(info: TensorInfo): boolean {
    for (const held of this.held) held.releaseWritten();
    if (this.narrowTensors.find(info.dataId) !== undefined) return false;
    const entry = this.data.get(info.dataId);
    const block = this.pool.find(entry.values);
    return (
      entry.refCount === 1 &&
      entry.values instanceof Float32Array &&
      block !== undefined &&
      block.refs === 1 &&
      block.ended === undefined
    );
  }

  /**
   * Gives a tensor a block of its own with the same values. No other tensor may have its data
   * (refCount 1); throws Error otherwise.
   */
  makeExclusive(info: TensorInfo): void {
    const entry = this.data.get(info.dataId);
    if (entry.refCount !== 1) throw new Error('makeExclusive: another tensor shares the data');
    const isNarrow = this.narrowTensors.find(info.dataId) !== undefined;
    // Asking for the values of a narrow tensor has given it a block of its own.
    if (isNarrow && this.pool.find(entry.values)?.refs === 1) return;
    const before = entry.values;
    entry.values = this.copy(this.float32(info), info.shape);
    this.retain(entry.values);
    this.release(before);
  }

  /**
   * Holds the present values of float32, int32 and bool tensors, for `writes` files. Returns
   * undefined on Windows, where an addon cannot write files. The caller releases the values.
   */
  hold(tensors: readonly TensorInfo[], writes: number): HeldValues | undefined {
    if (addon().writeTensors === undefined) return undefined;
    const values = tensors.map((tensor) => this.values(tensor));
    const held = new HeldValues(this, values, writes, () => this.held.delete(held));
    this.held.add(held);
    return held;
  }

  /**
   * Keeps the block that values lie on, if they lie on one, from being reused or written in place.
   * This ends after as many calls of `release`.
   */
  retain(values: unknown): void {
    const block = this.pool.find(values);
    if (block !== undefined) block.refs += 1;
  }

  release(values: unknown): void {
    const block = this.pool.find(values);
    if (block !== undefined) this.pool.release(block);
  }

  /**
   * An array of `size` elements on a block of the pool. `shape` is for the error if there is no
   * memory.
   */
  private array(size: number, dtype: NativeDtype, shape: readonly number[]): NumericArray {
    try {
      if (dtype === 'float32') return size === 0 ? new Float32Array(0) : this.pool.takeFloats(size);
      if (dtype === 'int32')
        return size === 0 ? new Int32Array(0) : new Int32Array(this.pool.take(size * 4), 0, size);
      return size === 0 ? new Uint8Array(0) : new Uint8Array(this.pool.take(size), 0, size);
    } catch (error) {
      const reason = error instanceof AllocationError ? error.reason : (error as Error).message;
      const bytes = size * (dtype === 'bool' ? 1 : 4);
      throw new AllocationError(bytes, reason, 'the native backend', `[${shape}] ${dtype}`);
    }
  }

  /** An array to hand out. Its memory is not cleared, since it is written at once. */
  private unclearedArray(kind: Float32ArrayConstructor, length: number): NumericArray {
    const bytes = length * kind.BYTES_PER_ELEMENT;
    try {
      const isLarge = bytes >= LARGE_READ_BYTES;
      if (isLarge) addon().keepFreedMemory();
      const buffer = Buffer.allocUnsafeSlow(bytes).buffer as ArrayBuffer;
      if (isLarge) addon().preferHugePages(buffer);
      return new kind(buffer);
    } catch (error) {
      throw new AllocationError(bytes, (error as Error).message, 'data()', `${length} values`);
    }
  }

  private copy(values: NumericArray, shape: readonly number[]): NumericArray {
    const dtype =
      values instanceof Float32Array ? 'float32' : values instanceof Int32Array ? 'int32' : 'bool';
    const copy = this.array(values.length, dtype, shape);
    copyValues(copy, values);
    return copy;
  }

  private add(values: backend_util.BackendValues, dtype: DataType): DataId {
    this.retain(values);
    return this.store.add({ values, dtype, refCount: 1 } as DataEntry);
  }
}
