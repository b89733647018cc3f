import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { readFully } from 'safetensors-ts/node';
import { CheckpointError } from '../errors.js';
import type { ByteSource, ReadInto } from './byte-source.js';

/** The structure between tensors is read in steps of this size; most descriptions take less than 100 bytes. */
const WINDOW_BYTES = 16_384;

/** A file as a ByteSource: holds one window of it. */
export function fileSource(handle: FileHandle, size: number, description: string): ByteSource {
  let window = new Uint8Array(0);
  let windowStart = 0;
  return {
    description,
    size,
    view(position, length) {
      if (position < windowStart || position + length > windowStart + window.byteLength) {
        const wanted = new Uint8Array(Math.min(Math.max(WINDOW_BYTES, length), size - position));
        const got = readSync(handle.fd, wanted, 0, wanted.byteLength, position);
        if (got < length) throw changed(description);
        window = wanted.subarray(0, got);
        windowStart = position;
      }
      return window.subarray(position - windowStart, position - windowStart + length);
    },
  };
}

/** Reads tensors out of an open file. */
export function readFromFile(handle: FileHandle, description: string): ReadInto {
  return async (target, position) => {
    if ((await readFully(handle, target, position)) < target.byteLength) throw changed(description);
  };
}

function changed(description: string): CheckpointError {
  return new CheckpointError(
    `${description}: the file became shorter while it was read. Is another program writing it?`,
  );
}
