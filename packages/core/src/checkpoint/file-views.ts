import { type ModelFile, readWhole } from '../files/model-files.js';
import type { ByteSource } from './byte-source.js';

/**
 * How many bytes are fetched at a time where views must be waited for. Most descriptions of a
 * tensor take less than 100 bytes.
 */
const WINDOW_BYTES = 65_536;

/** Thrown by a view whose bytes are not there yet. */
class BytesMissing extends Error {
  readonly position: number;
  readonly length: number;

  constructor(position: number, length: number) {
    super(`bytes ${position} to ${position + length} are not there yet`);
    this.position = position;
    this.length = length;
  }
}

/**
 * What `index` finds in a file's structure. If the file cannot be viewed without waiting, `index`
 * runs again each time a window of the file that it missed has come.
 */
export async function indexFile<Result>(
  file: ModelFile,
  index: (source: ByteSource) => Result,
): Promise<Result> {
  const { name: description, size, view } = file;
  if (view !== undefined) return index({ description, size, view });
  const windows = new Windows();
  for (;;) {
    try {
      return index({ description, size, view: (position, length) => windows.view(position, length) });
    } catch (error) {
      if (!(error instanceof BytesMissing)) throw error;
      const { position, length } = error;
      const bytes = new Uint8Array(Math.min(Math.max(WINDOW_BYTES, length), size - position));
      await readWhole(file, bytes, position);
      windows.add(position, bytes);
    }
  }
}

/** The parts of a file that are in memory, by position. */
class Windows {
  private readonly sorted: { readonly start: number; readonly bytes: Uint8Array }[] = [];

  add(start: number, bytes: Uint8Array): void {
    this.sorted.splice(this.countUpTo(start), 0, { start, bytes });
  }

  view(position: number, length: number): Uint8Array {
    const window = this.sorted[this.countUpTo(position) - 1];
    if (window === undefined || position + length > window.start + window.bytes.byteLength)
      throw new BytesMissing(position, length);
    return window.bytes.subarray(position - window.start, position - window.start + length);
  }

  /** How many windows start at `position` or before: a binary search. */
  private countUpTo(position: number): number {
    let [low, high] = [0, this.sorted.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.sorted[middle] as { start: number }).start <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
