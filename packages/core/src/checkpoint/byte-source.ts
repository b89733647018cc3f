import type { ByteFile } from 'safetensors-ts';
import { readWhole } from '../files/model-files.js';

/** Bytes that can be viewed by position: those of a file of any size, or in memory. */
export interface ByteSource {
  /** The name for messages. */
  readonly description: string;
  readonly size: number;
  /**
   * The `length` bytes at `position`. All of them lie inside. The view is valid until the next
   * call.
   */
  view(position: number, length: number): Uint8Array;
}

/** Fills `target` with the bytes from `position` on. The bytes must exist. */
export type ReadInto = (target: Uint8Array, position: number) => Promise<void>;

/** Bytes in memory as a ByteSource. */
export function bytesSource(bytes: Uint8Array, description: string): ByteSource {
  return {
    description,
    size: bytes.byteLength,
    view: (position, length) => bytes.subarray(position, position + length),
  };
}

/** Reads tensors out of bytes in memory. */
export function readFromBytes(bytes: Uint8Array): ReadInto {
  return async (target, position) => target.set(bytes.subarray(position, position + target.byteLength));
}

/** Reads tensors out of an open file. */
export function readFromFile(file: ByteFile): ReadInto {
  return (target, position) => readWhole(file, target, position);
}
