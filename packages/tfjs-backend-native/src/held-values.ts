import { getSystemErrorName } from 'node:util';
import { addon } from './addon.js';
import type { NumericArray } from './numeric-array.js';

/** Storage of float32 values in a file; anything else is written as it is. */
export const WRITE_FORMATS = ['F32', 'F16', 'BF16'] as const;
export type WriteFormat = (typeof WRITE_FORMATS)[number];

/** Who keeps the memory that arrays lie on. */
export interface ArrayKeeper {
  /** Keeps the memory of an array from being reused or written in place, until as many calls of `release`. */
  retain(values: unknown): void;
  release(values: unknown): void;
}

/** A write in work. */
interface Write {
  /** Which of the held tensors, in the order of the file. */
  readonly order: readonly number[];
  /** Tensors written so far, set by the writing thread. */
  readonly written: Int32Array;
  /** How many of those have been let go. */
  released: number;
}

/**
 * Values of some tensors as they were when `hold` was called, for one or several files that are written while the program computes on: not
 * copied, but kernels that change a tensor in place give it other memory as long as its values are still to be written.
 */
export class HeldValues {
  /** Settles when as many writes have begun as were announced. */
  readonly begun: Promise<void>;
  private readonly keeper: ArrayKeeper;
  private readonly whenDone: () => void;
  private readonly values: readonly NumericArray[];
  /** Writes that each tensor still waits for. */
  private readonly uses: number[];
  private readonly writes = new Set<Write>();
  private unbegun: number;
  private isReleased = false;
  private allBegun: () => void = () => {};

  /**
   * For `writes` files; by `NativeBackend.hold`, which is told by `whenDone` that nothing waits for
   * these values any more.
   */
  constructor(keeper: ArrayKeeper, values: readonly NumericArray[], writes: number, whenDone: () => void) {
    this.keeper = keeper;
    this.whenDone = whenDone;
    this.values = values;
    this.uses = values.map(() => writes);
    this.unbegun = writes;
    this.begun = new Promise((resolve) => {
      this.allBegun = resolve;
    });
    for (const held of values) keeper.retain(held);
  }

  /**
   * Begins to write tensors (indices into those held) one after the other to an open file, from its position on, and syncs it, on a thread of its own. Settles
   * when that has ended; rejects with an error that has the `code` of the file system's.
   */
  writeTo(file: number, order: readonly number[], format: WriteFormat): Promise<void> {
    const write: Write = { order, written: new Int32Array(1), released: 0 };
    const arrays = order.map((index) => this.values[index] as NumericArray);
    return new Promise((resolve, reject) => {
      const ended = (errno: number): void => {
        this.releaseUpTo(write, order.length);
        this.writes.delete(write);
        if (this.isReleased) this.forget();
        if (errno === 0) resolve();
        else reject(systemError(errno));
      };
      addon().writeTensors?.(file, arrays, WRITE_FORMATS.indexOf(format), write.written, ended);
      this.writes.add(write);
      this.unbegun -= 1;
      if (this.unbegun <= 0) this.allBegun();
    });
  }

  /** Lets go of what has been written: called before a kernel writes in place. */
  releaseWritten(): void {
    for (const write of this.writes)
      this.releaseUpTo(write, Math.min(write.order.length, Atomics.load(write.written, 0)));
  }

  /** Lets go of everything that no write in work needs; no further write may begin. Call it at the end, whatever happened. */
  release(): void {
    this.allBegun();
    const needed = new Map<number, number>();
    for (const { order, released } of this.writes)
      for (const index of order.slice(released)) needed.set(index, (needed.get(index) ?? 0) + 1);
    this.uses.forEach((uses, index) => {
      const left = needed.get(index) ?? 0;
      if (uses > 0 && left === 0) this.keeper.release(this.values[index]);
      this.uses[index] = left;
    });
    this.isReleased = true;
    this.forget();
  }

  private forget(): void {
    if (this.writes.size === 0) this.whenDone();
  }

  /** Notes that the first `count` tensors of a write are written. */
  private releaseUpTo(write: Write, count: number): void {
    for (; write.released < count; write.released++) {
      const index = write.order[write.released] as number;
      const left = (this.uses[index] as number) - 1;
      this.uses[index] = left;
      if (left === 0) this.keeper.release(this.values[index]);
    }
  }
}

/** An error as `node:fs` throws it. */
function systemError(errno: number): Error {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${code}: write`), { errno: -errno, code, syscall: 'write' });
}
