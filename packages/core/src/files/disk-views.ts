import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { becameShorter, type ModelFile } from './model-files.js';

/**
 * The structure between tensors is read in steps of this size. Most descriptions take less than 100
 * bytes.
 */
const WINDOW_BYTES = 16_384;

/** Views of an open file. They hold one window of it. `name` is for messages. */
export function diskViews(handle: FileHandle, size: number, name: string): NonNullable<ModelFile['view']> {
  let window = new Uint8Array(0);
  let windowStart = 0;
  return (position, length) => {
    if (position < windowStart || position + length > windowStart + window.byteLength) {
      const wanted = new Uint8Array(Math.min(Math.max(WINDOW_BYTES, length), size - position));
      const got = readSync(handle.fd, wanted, 0, wanted.byteLength, position);
      if (got < length) throw becameShorter(name);
      window = wanted.subarray(0, got);
      windowStart = position;
    }
    return window.subarray(position - windowStart, position - windowStart + length);
  };
}
