import type { TensorInfo } from '@tensorflow/tfjs';
import type { DataEntry } from './data-store.js';
import type { NumericArray } from './numeric-array.js';
import type { PackedMatrix } from './packed-matrix.js';

type DataId = TensorInfo['dataId'];

/** A float32 tensor's values in fewer than four bytes each. */
export interface NarrowValues {
  /** The number of values. */
  readonly size: number;
  /** The arrays that hold them. Those that lie on blocks keep these. */
  readonly arrays: readonly ArrayBufferView[];
  /** Writes the float32 values. */
  widen(into: Float32Array): void;
  /** Whether the first kernel that reads them makes the tensor an ordinary one. */
  readonly readOnce?: boolean;
  /** The matrix that they are, for kernels that take it as it is. */
  readonly matrix?: PackedMatrix;
}

/** What narrow tensors need of their backend: arrays on its blocks. */
export interface ArrayMemory {
  /** An array of `size` elements. `shape` is for the error if there is no memory. */
  array(size: number, dtype: 'float32', shape: readonly number[]): NumericArray;
  /** Keeps the block under an array from being reused, until `release`. */
  retain(values: unknown): void;
  release(values: unknown): void;
}

/**
 * The float32 tensors of a backend that are held in fewer than four bytes a value: as bfloat16 (see
 * `narrow` of the backend), or packed (see packed-matrix.ts).
 *
 * A kernel of this backend is lent the float32 values for as long as it runs. Anything else that
 * asks for the array itself (a kernel of the cpu backend, tfjs) makes the tensor an ordinary one
 * again, for good.
 */
export class NarrowTensors {
  private readonly memory: ArrayMemory;
  private readonly held = new Map<DataId, NarrowValues>();
  /** Values lent to kernels that are running. */
  private readonly lent: Float32Array[] = [];

  constructor(memory: ArrayMemory) {
    this.memory = memory;
  }

  /** How many tensors are held narrow. */
  get count(): number {
    return this.held.size;
  }

  /** The values of a tensor that is held narrow; undefined if it is not. */
  find(dataId: DataId): NarrowValues | undefined {
    return this.held.get(dataId);
  }

  /** Notes that a tensor has these values. `entry.values` widens them when it is read. */
  add(dataId: DataId, narrow: NarrowValues, entry: DataEntry, shape: readonly number[]): void {
    this.held.set(dataId, narrow);
    for (const array of narrow.arrays) this.memory.retain(array);
    const define = (property: PropertyDescriptor) =>
      Object.defineProperty(entry, 'values', { configurable: true, enumerable: true, ...property });
    define({
      get: () => {
        const values = this.widened(narrow, shape);
        define({ writable: true, value: values });
        this.memory.retain(values);
        this.held.delete(dataId);
        this.release(narrow);
        return values;
      },
      set: (values: unknown) => {
        define({ writable: true, value: values });
        this.forget(dataId);
      },
    });
  }

  /** Notes that a tensor is gone. */
  forget(dataId: DataId): void {
    const narrow = this.held.get(dataId);
    this.held.delete(dataId);
    if (narrow !== undefined) this.release(narrow);
  }

  private release({ arrays }: NarrowValues): void {
    for (const array of arrays) this.memory.release(array);
  }

  /** The tensor's values in float32, until `returnLoans`. */
  lend(narrow: NarrowValues, shape: readonly number[]): Float32Array {
    const values = this.widened(narrow, shape);
    this.memory.retain(values);
    this.lent.push(values);
    return values;
  }

  /** How many loans are out. `returnLoans` with that number takes back the later ones. */
  get loans(): number {
    return this.lent.length;
  }

  returnLoans(from: number): void {
    while (this.lent.length > from) this.memory.release(this.lent.pop());
  }

  private widened(narrow: NarrowValues, shape: readonly number[]): Float32Array {
    const values = this.memory.array(narrow.size, 'float32', shape) as Float32Array;
    narrow.widen(values);
    return values;
  }
}
