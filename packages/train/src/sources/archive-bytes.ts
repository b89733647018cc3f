import { createReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import * as zlib from 'node:zlib';
import { DataError } from '@easel/core';
import { readFully } from 'safetensors-ts/internals/node';
import { foreignKindOf, SIGNATURE_BYTES } from './foreign-file.js';
import { openRegularFile } from './regular-file.js';

/** The bytes of an archive. Those of a compressed archive are unpacked. */
export interface ArchiveBytes {
  /** Undefined for a compressed archive, whose size is known only at its end. */
  readonly size: number | undefined;
  /** Why the bytes broke off early. It is known after the last read. */
  readonly damage: string | undefined;
  /**
   * Returns `length` bytes from byte `at` on, or fewer at the end. In a compressed archive `at`
   * must not be less than at the read before.
   */
  read(at: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Opens an archive. Throws DataError if it can't be opened, or if its compression isn't known here.
 */
export async function openArchive(path: string): Promise<ArchiveBytes & { readonly fileBytes: number }> {
  const file = await openRegularFile(path, `Shard ${path}`);
  try {
    const info = await file.stat();
    const head = new Uint8Array(SIGNATURE_BYTES);
    const kind = head.subarray(0, await readFully(file, head, 0));
    const unpacker = unpackerOf(kind);
    if (unpacker === undefined) {
      const foreign = foreignKindOf(kind);
      if (foreign !== undefined) throw new DataError(`Shard ${path}: ${foreign}.`);
      return Object.assign(new FileBytes(file, info.size), { fileBytes: info.size });
    }
    await file.close();
    return Object.assign(new UnpackedBytes(path, unpacker), { fileBytes: info.size });
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
}

/** Returns the unpacker of bytes that begin like these. */
function unpackerOf(head: Uint8Array): (() => NodeJS.ReadWriteStream) | undefined {
  if (head[0] === 0x1f && head[1] === 0x8b) return () => zlib.createGunzip();
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => NodeJS.ReadWriteStream };
  const isZstd = [0x28, 0xb5, 0x2f, 0xfd].every((byte, i) => head[i] === byte);
  return isZstd ? createZstdDecompress : undefined; // Node has it from 22.15 on
}

/** An archive that is read at any place. */
class FileBytes implements ArchiveBytes {
  readonly size: number;
  readonly damage = undefined;
  private readonly file: FileHandle;

  constructor(file: FileHandle, size: number) {
    this.file = file;
    this.size = size;
  }

  async read(at: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(Math.min(length, Math.max(0, this.size - at)));
    return bytes.subarray(0, await readFully(this.file, bytes, at));
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}

/** A compressed archive. It is unpacked from its start, as far as reads go. */
class UnpackedBytes implements ArchiveBytes {
  readonly size = undefined;
  damage: string | undefined;
  private readonly source: ReturnType<typeof createReadStream>;
  private readonly pieces: AsyncIterator<Uint8Array>;
  private held: Uint8Array[] = [];
  private heldAt = 0;
  private heldBytes = 0;
  private ended = false;

  constructor(path: string, unpacker: () => NodeJS.ReadWriteStream) {
    this.source = createReadStream(path);
    const unpacked = unpacker();
    this.source.on('error', (error) => unpacked.emit('error', error));
    this.source.pipe(unpacked);
    this.pieces = (unpacked as AsyncIterable<Uint8Array> & NodeJS.ReadWriteStream)[Symbol.asyncIterator]();
  }

  async read(at: number, length: number): Promise<Uint8Array> {
    this.dropBefore(at);
    while (!this.ended && this.heldAt + this.heldBytes < at + length) {
      await this.pull();
      this.dropBefore(at);
    }
    const all = this.held.length === 1 ? (this.held[0] as Uint8Array) : Buffer.concat(this.held);
    this.held = [all];
    const from = Math.max(0, at - this.heldAt);
    return all.subarray(from, from + length);
  }

  private async pull(): Promise<void> {
    try {
      const { value, done } = await this.pieces.next();
      if (done) this.ended = true;
      else {
        this.held.push(value);
        this.heldBytes += value.length;
      }
    } catch (error) {
      this.ended = true;
      this.damage = `its compressed data break off or are damaged (${(error as Error).message})`;
    }
  }

  private dropBefore(at: number): void {
    for (let first = this.held[0]; first !== undefined; first = this.held[0]) {
      if (this.heldAt + first.length > at) return;
      this.held.shift();
      this.heldAt += first.length;
      this.heldBytes -= first.length;
    }
  }

  async close(): Promise<void> {
    this.source.destroy();
    await this.pieces.return?.();
  }
}
