import { getSystemErrorName } from 'node:util';
import { addon } from './addon.js';
import type { NumericArray } from './numeric-array.js';

/** How float32 values are stored in a file. Other types are written as they are. */
export const WRITE_FORMATS = ['F32', 'F16', 'BF16'] as const;
export type WriteFormat = (typeof WRITE_FORMATS)[number];

/** The keeper of the memory that arrays lie on. */
export interface ArrayKeeper {
  /**
   * Keeps an array's memory from being reused or written in place, until as many calls of
   * `release`.
   */
  retain(values: unknown): void;
  release(values: unknown): void;
}

/** A write that has begun and not ended. */
interface Write {
  /** Indices of held tensors, in the order of the file. */
  readonly order: readonly number[];
  /** The number of tensors written so far, which the writing thread sets. */
  readonly written: Int32Array;
  /** How many of the written tensors have been let go. */
  released: number;
}

/**
 * The values of some tensors at the time of `hold`, for one or several files that are written while
 * the program computes on. They are not copied. A kernel that changes such a tensor in place gives
 * it other memory, as long as its values are still to be written.
 */
export class HeldValues {
  /** Settles when as many writes have begun as were announced. */
  readonly begun: Promise<void>;
  private readonly keeper: ArrayKeeper;
  private readonly whenDone: () => void;
  private readonly values: readonly NumericArray[];
  /** How many writes each tensor still waits for. */
  private readonly uses: number[];
  private readonly writes = new Set<Write>();
  private unbegun: number;
  private isReleased = false;
  private allBegun: () => void = () => {};

  /**
   * Holds values for `writes` files. `NativeBackend.hold` calls this. `whenDone` tells it that
   * nothing waits for these values any more.
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
   * Starts a thread that writes tensors one after the other to an open file, from its position on,
   * and syncs the file. `order` holds indices of held tensors. The promise settles when the thread
   * has ended; it rejects with an error that has the file system's `code`.
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

  /** Lets go of what has been written. The backend calls this before a kernel writes in place. */
  releaseWritten(): void {
    for (const write of this.writes)
      this.releaseUpTo(write, Math.min(write.order.length, Atomics.load(write.written, 0)));
  }

  /**
   * Lets go of everything that no running write needs. No further write may begin. Call it at the
   * end, whatever happened.
   */
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

/** An error like those that `node:fs` throws. */
function systemError(errno: number): Error {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${code}: write`), { errno: -errno, code, syscall: 'write' });
}
