import type { BufferManager } from './base-backend.js';

/** What the pool holds, in bytes. */
export interface GpuMemoryUsage {
  /** Asked for by tensors and parameters that are in use. */
  readonly used: number;
  /** Of all buffers, in use or kept. */
  readonly allocated: number;
  /** Of buffers that are kept for reuse. */
  readonly free: number;
  /** Number of buffers in use. */
  readonly buffers: number;
}

/**
 * The size of the buffer that holds `size` bytes: the next of 16 sizes between two powers of two,
 * at least 256 bytes. Sizes that differ by little share buffers, at up to 6 % more memory.
 */
export function bufferSize(size: number): number {
  if (size <= 256) return 256;
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(size - 1)) - 4));
  return Math.ceil(size / step) * step;
}

interface Held {
  readonly number: number;
  /** Bytes that were asked for. */
  size: number;
}

interface Kept {
  readonly buffer: GPUBuffer;
  readonly number: number;
}

/** What the pool asks of the device. */
export interface PoolDevice {
  /** Makes a buffer of exactly that size. */
  create(size: number, usage: GPUBufferUsageFlags, mapped: boolean): GPUBuffer;
  /** Hands recorded commands to the GPU, since they may use buffers that are about to be destroyed. */
  flush(): void;
  /** Is told of each buffer before it is destroyed. */
  forget(buffer: GPUBuffer): void;
}

/**
 * Buffers for reuse, in place of tfjs's BufferManager, which never gives memory back.
 *
 * Of the free buffers of a size the one made first is taken. Which buffer a tensor gets therefore
 * follows from the order of requests and releases alone, so that a step which is repeated finds the
 * bind groups of the step before. A buffer that is released may be taken at once: the GPU executes
 * commands in their order.
 *
 * Where more lies free than is in use, and more than `keep` bytes, a request that needs a new buffer
 * first destroys the free ones.
 */
export class BufferPool implements BufferManager {
  numBytesUsed = 0;
  numBytesAllocated = 0;
  /** Bytes that may always lie free. */
  keep = 256 * 2 ** 20;
  private numBytesFree = 0;
  private made = 0;
  private readonly held = new Map<GPUBuffer, Held>();
  /** Free buffers by size and usage, in the order in which they were made. */
  private readonly free = new Map<string, Kept[]>();
  private numFree = 0;
  private readonly device: PoolDevice;

  constructor(device: PoolDevice) {
    this.device = device;
  }

  /**
   * A buffer of at least `size` bytes. A new one is mapped if `mappedAtCreation` is set; one that is
   * used again never is. Without `reuse` it is new and of exactly that size.
   */
  acquireBuffer(size: number, usage: GPUBufferUsageFlags, mappedAtCreation = false, reuse = true): GPUBuffer {
    this.numBytesUsed += size;
    const bytes = reuse ? bufferSize(size) : Math.max(4, Math.ceil(size / 4) * 4);
    const kept = reuse ? this.free.get(`${bytes} ${usage}`)?.shift() : undefined;
    if (kept !== undefined) {
      this.numFree -= 1;
      this.numBytesFree -= bytes;
      this.held.set(kept.buffer, { number: kept.number, size });
      return kept.buffer;
    }
    if (this.numBytesFree > Math.max(this.keep, this.numBytesUsed)) this.trim();
    const buffer = this.device.create(bytes, usage, mappedAtCreation);
    this.numBytesAllocated += bytes;
    this.made += 1;
    this.held.set(buffer, { number: this.made, size });
    return buffer;
  }

  /** Takes a buffer back, to keep it, or without `reuse` to destroy it. */
  releaseBuffer(buffer: GPUBuffer, reuse = true): void {
    const held = this.held.get(buffer);
    if (held === undefined) return; // after dispose
    this.held.delete(buffer);
    this.numBytesUsed -= held.size;
    if (!reuse || bufferSize(held.size) !== buffer.size) {
      this.destroy(buffer);
      return;
    }
    const key = `${buffer.size} ${buffer.usage}`;
    const list = this.free.get(key) ?? [];
    this.free.set(key, list);
    let place = list.length;
    while (place > 0 && (list[place - 1] as Kept).number > held.number) place -= 1;
    list.splice(place, 0, { buffer, number: held.number });
    this.numFree += 1;
    this.numBytesFree += buffer.size;
  }

  /** Destroys all free buffers and returns their bytes. */
  trim(): number {
    const bytes = this.numBytesFree;
    if (bytes === 0) return 0;
    this.device.flush();
    for (const list of this.free.values()) for (const { buffer } of list.splice(0)) this.destroy(buffer);
    this.numBytesFree = 0;
    this.numFree = 0;
    return bytes;
  }

  usage(): GpuMemoryUsage {
    return {
      used: this.numBytesUsed,
      allocated: this.numBytesAllocated,
      free: this.numBytesFree,
      buffers: this.held.size,
    };
  }

  getNumUsedBuffers(): number {
    return this.held.size;
  }

  getNumFreeBuffers(): number {
    return this.numFree;
  }

  dispose(): void {
    this.trim();
    for (const buffer of this.held.keys()) this.destroy(buffer);
    this.held.clear();
    this.numBytesUsed = 0;
  }

  private destroy(buffer: GPUBuffer): void {
    this.device.forget(buffer);
    this.numBytesAllocated -= buffer.size;
    buffer.destroy();
  }
}
