import { type FileHandle, open } from 'node:fs/promises';
import { writeAll, writeAtomically } from './atomic-file.js';
import { bytesOf, checkDataLength, layOut, type Metadata, type TensorEntry } from './bytes.js';
import { SafetensorsError } from './errors.js';
import { toFloat32 } from './floats.js';
import { type Header, LENGTH_BYTES, parseHeader, parseHeaderLength, type TensorInfo } from './header.js';

/** One read call moves at most this much: libuv's limit is below 2 GiB. */
const MAX_READ_BYTES = 256 * 2 ** 20;

/** Fills `target` from the file's bytes at `position`. Returns how many there were: fewer if the file ends. */
export async function readFully(handle: FileHandle, target: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < target.byteLength) {
    const length = Math.min(MAX_READ_BYTES, target.byteLength - done);
    const { bytesRead } = await handle.read(target, done, length, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/**
 * A .safetensors file of any size, open for reading. Only the header is held in memory; tensors are read when asked for, whole or in
 * part, by position, so several reads may run at once.
 */
export class SafetensorsFile {
  readonly path: string;
  readonly header: Header;
  readonly #handle: FileHandle;

  private constructor(path: string, header: Header, handle: FileHandle) {
    this.path = path;
    this.header = header;
    this.#handle = handle;
  }

  /** Opens and checks a file. Throws SafetensorsError, or the file system's error (ENOENT, EACCES, EISDIR …). */
  static async open(path: string): Promise<SafetensorsFile> {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      const start = new Uint8Array(LENGTH_BYTES);
      const got = await readFully(handle, start, 0);
      const headerBytes = new Uint8Array(parseHeaderLength(start.subarray(0, got), size, path));
      if ((await readFully(handle, headerBytes, LENGTH_BYTES)) < headerBytes.byteLength) throw changed(path);
      return new SafetensorsFile(path, parseHeader(headerBytes, size, path), handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** What the header says of a tensor. Throws SafetensorsError `TensorNotFound`. */
  info(name: string): TensorInfo {
    const info = this.header.tensors.get(name);
    if (info === undefined) {
      throw new SafetensorsError('TensorNotFound', 'the file has no such tensor', {
        file: this.path,
        tensor: name,
      });
    }
    return info;
  }

  /**
   * `byteLength` bytes of a tensor's data from its byte `byteOffset` on, by default all; a buffer of their own, aligned for any dtype.
   *
   * Throws SafetensorsError: TensorNotFound, InvalidRange, FileChanged.
   */
  async readBytes(name: string, byteOffset = 0, byteLength?: number): Promise<Uint8Array> {
    const { begin, end } = this.info(name);
    const length = byteLength ?? end - begin - byteOffset;
    if (!isSize(byteOffset) || !isSize(length) || byteOffset + length > end - begin) {
      throw new SafetensorsError('InvalidRange', 'the range is not inside the tensor', {
        file: this.path,
        tensor: name,
        expected: `a range in [0, ${end - begin})`,
        found: `${length} bytes from ${byteOffset}`,
      });
    }
    const bytes = new Uint8Array(length);
    const got = await readFully(this.#handle, bytes, this.header.dataStart + begin + byteOffset);
    if (got < length) throw changed(this.path, name);
    return bytes;
  }

  /** A tensor as float32 numbers (see `toFloat32`), or one slice of it on its leading axis. */
  async readFloat32(name: string, slice?: number): Promise<Float32Array> {
    const { dtype, shape, begin, end } = this.info(name);
    if (slice === undefined) return toFloat32({ dtype, shape, bytes: await this.readBytes(name) });
    const [count, ...inner] = shape;
    if (count === undefined || !isSize(slice) || slice >= count) {
      throw new SafetensorsError('InvalidRange', 'no such slice on the leading axis', {
        file: this.path,
        tensor: name,
        expected: count === undefined ? 'a tensor with an axis' : `a slice in [0, ${count})`,
        found: count === undefined ? 'a scalar' : `${slice}`,
      });
    }
    const sliceBytes = (end - begin) / count;
    if (!Number.isInteger(sliceBytes)) {
      throw new SafetensorsError('InvalidRange', 'a slice does not fill whole bytes', {
        file: this.path,
        tensor: name,
        found: `${dtype} [${shape}]`,
      });
    }
    return toFloat32({
      dtype,
      shape: inner,
      bytes: await this.readBytes(name, slice * sliceBytes, sliceBytes),
    });
  }

  /** Gives the file back. Reads after it fail. */
  async close(): Promise<void> {
    await this.#handle.close();
  }
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function changed(file: string, tensor?: string): SafetensorsError {
  return new SafetensorsError('FileChanged', 'the file became shorter while it was read', { file, tensor });
}

/** A tensor's data: at once, or in pieces that follow each other. */
export type TensorChunks = ArrayBufferView | AsyncIterable<ArrayBufferView>;

/**
 * Writes a file tensor by tensor: `read` is called for each in the order of the file, and what it gave may be reused by the time it is
 * called again, so memory holds one tensor (one piece, if `read` gives pieces) at a time. The bytes are those of `serialize`. The file
 * appears under its name only when it is complete (see `writeAtomically`). Returns its size in bytes.
 *
 * Throws SafetensorsError `InvalidTensorData` if a tensor's data is not as long as its shape says, what `read` throws, and file errors.
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorEntry>,
  read: (name: string) => TensorChunks | Promise<TensorChunks>,
  metadata?: Metadata,
): Promise<number> {
  const writeTensors = async (handle: FileHandle, entries: readonly TensorEntry[]): Promise<void> => {
    for (const entry of entries) {
      const data = await read(entry.name);
      if (ArrayBuffer.isView(data)) {
        checkDataLength(entry, data.byteLength, path);
        await writeAll(handle, data);
        continue;
      }
      let written = 0;
      for await (const piece of data) {
        written += piece.byteLength;
        await writeAll(handle, bytesOf(piece));
      }
      checkDataLength(entry, written, path);
    }
  };
  return writeSafetensorsBy(path, tensors, writeTensors, metadata);
}

/**
 * As `writeSafetensors`, but the caller writes the tensors' data: all of it, in the order of the entries it is given, from the handle's position
 * on. Throws SafetensorsError `InvalidTensorData` if the file is then not as long as the shapes say.
 */
export async function writeSafetensorsBy(
  path: string,
  tensors: Iterable<TensorEntry>,
  writeTensors: (handle: FileHandle, entries: readonly TensorEntry[]) => Promise<void>,
  metadata?: Metadata,
): Promise<number> {
  const { start, entries, fileBytes } = layOut(tensors, metadata);
  await writeAtomically(path, async (handle) => {
    await writeAll(handle, start);
    await writeTensors(handle, entries);
    const { size } = await handle.stat();
    if (size !== fileBytes)
      throw new SafetensorsError('InvalidTensorData', 'the data written is not as long as the shapes say', {
        file: path,
        expected: `${fileBytes} bytes`,
        found: `${size}`,
      });
  });
  return fileBytes;
}
