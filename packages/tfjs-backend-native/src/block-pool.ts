import { addon } from './addon.js';
import { AllocationError } from './allocation-error.js';
import { setting } from './environment.js';

/**
 * The memory of one or several tensors (views count too). It is reused when the last of them goes.
 */
export interface Block {
  readonly buffer: ArrayBuffer;
  readonly bytes: number;
  /** How many data entries have their values on this block. */
  refs: number;
  /**
   * The most bytes that were ever asked for. Pages beyond have never been touched, so the system
   * has not given them.
   */
  touched: number;
  /**
   * The array of floats as which the block was last taken. A tensor of the same size takes it
   * again.
   */
  floats: Float32Array | undefined;
  /** For memory that is not the pool's: called when nobody holds it any more. */
  readonly ended?: () => void;
}

/**
 * The key under which a buffer carries its block. Looking it up in a WeakMap would cost as much as
 * a small kernel, after a large one.
 */
const BLOCK = Symbol('block');
type BlockBuffer = ArrayBufferLike & { [BLOCK]?: Block };
/**
 * An array that spans its block carries the block too. The getter `buffer` takes 13 ns and would be
 * called twice an operation.
 */
type BlockArray = Float32Array & { [BLOCK]?: Block };

/** Makes the arrays on a buffer count as its block's holders. */
export function holdBlock(block: Block): void {
  (block.buffer as BlockBuffer)[BLOCK] = block;
}

/** How often a pool looks whether it is idle, and how many such times it remembers: a minute. */
const LOOK_MS = 5000;
const LOOKS_REMEMBERED = 12;

/** Bytes and counts of a pool. */
export interface PoolUsage {
  /** Bytes of blocks that hold data. */
  readonly liveBytes: number;
  /** Bytes of free blocks, kept for reuse. */
  readonly poolBytes: number;
  /** The largest liveBytes so far. */
  readonly highWaterBytes: number;
  /**
   * The machine's memory that all blocks, free ones too, may take up. mostTouchedBytes is the
   * largest such number since `restartPeak`.
   */
  readonly touchedBytes: number;
  readonly mostTouchedBytes: number;
}

/** Node ends the process for a larger external array buffer, so larger blocks are ordinary ones. */
const MOST_EXTERNAL_BYTES = 2 ** 32;
/** No array is larger. Above 2⁵³, sizes would no longer be exact. */
const MOST_BYTES = 2 ** 48;
/** From this size on, a free block of up to twice the size is taken before a new one is made. */
const LARGE_BYTES = 1 << 16;
/** This much free memory is kept in any case. */
const KEPT_BYTES = 64 << 20;

/**
 * Blocks of the size asked for, so that a sanitizer sees an access beyond:
 * TFJS_NATIVE_EXACT_BLOCKS=1 in the environment.
 */
const EXACT_BLOCKS = setting('EXACT_BLOCKS') === '1';

/**
 * What poisoned memory is filled with, in words of 4 bytes: a quiet NaN that no arithmetic makes,
 * an integer that no test has, bytes that are neither true nor false.
 */
const POISON = 0xfffadbad | 0;

/** Fills a block with poison; its length is a multiple of 4 or it is small. */
function fillWithPoison(buffer: ArrayBuffer): void {
  const words = Math.floor(buffer.byteLength / 4);
  new Int32Array(buffer, 0, words).fill(POISON);
  new Uint8Array(buffer, 4 * words).fill(POISON & 0xff);
}

/** Whether values that were read, or their bits, are what memory is poisoned with. */
export function hasPoison(values: unknown): boolean {
  if (values instanceof Uint8Array) return values.some((value) => value > 1 && value !== 0xff);
  if (!(values instanceof Float32Array || values instanceof Int32Array)) return false;
  return new Int32Array(values.buffer, values.byteOffset, values.length).includes(POISON);
}

/**
 * Rounds up to a size class: 64 bytes, then four classes an octave. At most a fifth of a block is
 * unused.
 */
export function sizeClass(bytes: number): number {
  if (bytes <= 64) return 64;
  const step =
    bytes <= 2 ** 31
      ? Math.max(64, 1 << (29 - Math.clz32(bytes - 1)))
      : 2 ** (Math.floor(Math.log2(bytes - 1)) - 2);
  return Math.ceil(bytes / step) * step;
}

/**
 * A free list of aligned blocks, which the addon makes and JavaScript keeps. Taking a block again
 * costs no N-API call and no page faults; a fresh external ArrayBuffer of 1 MB costs 0.6 ms.
 */
export class BlockPool {
  /**
   * Fill blocks with poison when they are released, so that a view that outlives its block is seen,
   * and when they are taken, so that what a kernel leaves unwritten is. TFJS_NATIVE_POISON=1 in the
   * environment.
   */
  poison = setting('POISON') === '1';
  /** The most bytes that live and free blocks may take together. */
  limitBytes = Number.POSITIVE_INFINITY;
  private readonly free = new Map<number, Block[]>();
  private liveBytes = 0;
  private poolBytes = 0;
  private highWaterBytes = 0;
  private touchedBytes = 0;
  private mostTouchedBytes = 0;
  /** The most of liveBytes since the last look, and whether a block was taken since. */
  private recentBytes = 0;
  private isBusy = false;
  /** recentBytes of the last looks. */
  private readonly remembered: number[] = [];
  private looking: NodeJS.Timeout | undefined;

  /**
   * A buffer of at least `bytes` (more than 0) with unspecified contents. Nobody holds it until a
   * data entry lies on it. If the system or `limitBytes` refuses the memory, free blocks are given
   * back first; if that does not help, AllocationError is thrown.
   */
  take(bytes: number): ArrayBuffer {
    return this.takeBlock(bytes).buffer;
  }

  /** `take` for an array of `size` floats (more than 0). */
  takeFloats(size: number): Float32Array {
    const block = this.takeBlock(4 * size);
    if (block.floats?.length !== size) {
      block.floats = new Float32Array(block.buffer, 0, size);
      (block.floats as BlockArray)[BLOCK] = block;
    }
    return block.floats;
  }

  private takeBlock(bytes: number): Block {
    if (!(bytes <= MOST_BYTES)) throw new AllocationError(bytes, 'no array can be that large');
    const size = EXACT_BLOCKS ? bytes : sizeClass(bytes);
    let block = this.free.get(size)?.pop();
    for (
      let larger = size;
      block === undefined && bytes >= LARGE_BYTES && !EXACT_BLOCKS && larger <= size * 1.75;
    ) {
      larger = sizeClass(larger + 1);
      block = this.free.get(larger)?.pop();
    }
    if (block === undefined) {
      this.trim(size);
      this.lookLater();
      block = { buffer: this.make(size), bytes: size, refs: 0, touched: 0, floats: undefined };
      holdBlock(block);
    } else {
      this.poolBytes -= block.bytes;
    }
    if (this.poison) fillWithPoison(block.buffer);
    this.touchedBytes += Math.max(0, bytes - block.touched);
    block.touched = Math.max(bytes, block.touched);
    if (this.touchedBytes > this.mostTouchedBytes) this.mostTouchedBytes = this.touchedBytes;
    this.liveBytes += block.bytes;
    this.isBusy = true;
    if (this.liveBytes > this.recentBytes) {
      this.recentBytes = this.liveBytes;
      if (this.liveBytes > this.highWaterBytes) this.highWaterBytes = this.liveBytes;
    }
    return block;
  }

  /** The block that `values` lies on, or undefined if it is not one of ours. */
  find(values: unknown): Block | undefined {
    const block = (values as BlockArray | undefined)?.[BLOCK];
    if (block !== undefined) return block;
    return ArrayBuffer.isView(values) ? (values.buffer as BlockBuffer)[BLOCK] : undefined;
  }

  /** Counts one data entry less on the block. The last one frees it. */
  release(block: Block): void {
    block.refs -= 1;
    if (block.refs > 0) return;
    if (block.ended !== undefined) {
      block.ended();
      return;
    }
    this.liveBytes -= block.bytes;
    if (this.poison) fillWithPoison(block.buffer);
    const list = this.free.get(block.bytes);
    if (list) list.push(block);
    else this.free.set(block.bytes, [block]);
    this.poolBytes += block.bytes;
  }

  usage(): PoolUsage {
    return {
      liveBytes: this.liveBytes,
      poolBytes: this.poolBytes,
      highWaterBytes: this.highWaterBytes,
      touchedBytes: this.touchedBytes,
      mostTouchedBytes: this.mostTouchedBytes,
    };
  }

  /** Counts the high-water mark and the most touched bytes anew from here on. */
  restartPeak(): void {
    this.highWaterBytes = this.recentBytes = this.liveBytes;
    this.mostTouchedBytes = this.touchedBytes;
  }

  /** Gives all free blocks back to the system. Returns how many bytes they had. */
  clear(): number {
    const bytes = this.poolBytes;
    for (const list of this.free.values()) for (const block of list) this.discard(block);
    this.free.clear();
    this.poolBytes = 0;
    return bytes;
  }

  /**
   * Looks from time to time whether memory is to be given back, while there is any; keeps no
   * process alive.
   */
  private lookLater(): void {
    if (this.looking !== undefined) return;
    this.looking = setInterval(() => this.look(), LOOK_MS);
    this.looking.unref?.();
  }

  /**
   * Gives back, where no block was taken since the last look, what is free beyond the most that the
   * last minute used.
   */
  private look(): void {
    this.remembered.push(this.recentBytes);
    if (this.remembered.length > LOOKS_REMEMBERED) this.remembered.shift();
    this.recentBytes = this.liveBytes;
    if (!this.isBusy) this.shrink(Math.max(...this.remembered));
    this.isBusy = false;
    if (this.poolBytes > 0 || this.liveBytes > 0) return;
    clearInterval(this.looking);
    this.looking = undefined;
  }

  private discard(block: Block): void {
    addon().discard(block.buffer);
    this.touchedBytes -= block.touched;
  }

  private make(bytes: number): ArrayBuffer {
    if (this.liveBytes + this.poolBytes + bytes > this.limitBytes) {
      const limit = `the limit is ${this.limitBytes} bytes, and ${this.liveBytes} are in use`;
      throw new AllocationError(bytes, limit);
    }
    const make = () => (bytes <= MOST_EXTERNAL_BYTES ? addon().allocate(bytes) : new ArrayBuffer(bytes));
    try {
      return make();
    } catch {
      this.clear();
    }
    try {
      return make();
    } catch (error) {
      throw new AllocationError(bytes, (error as Error).message);
    }
  }

  /**
   * Before a new block: gives free ones back, largest first, that would take the whole above 1.5
   * times the high-water mark or the limit.
   */
  private trim(bytes: number): void {
    const most = Math.min(this.limitBytes, 1.5 * this.highWaterBytes + KEPT_BYTES);
    this.shrink(most - bytes);
  }

  /**
   * Gives free blocks back, largest first, until live and free ones take `most` bytes together, if
   * they can.
   */
  private shrink(most: number): void {
    if (this.liveBytes + this.poolBytes <= most || this.poolBytes === 0) return;
    for (const size of [...this.free.keys()].sort((a, b) => b - a)) {
      const list = this.free.get(size) as Block[];
      while (list.length > 0 && this.liveBytes + this.poolBytes > most) {
        this.discard(list.pop() as Block);
        this.poolBytes -= size;
      }
    }
  }
}
