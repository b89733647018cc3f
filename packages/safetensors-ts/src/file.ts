import type { ByteFile } from './byte-file.js';
import { SafetensorsError } from './errors.js';
import { toFloat32 } from './floats.js';
import { type Header, LENGTH_BYTES, parseHeader, parseHeaderLength, type TensorInfo } from './header.js';

/** The bytes of an open file that hold a tensor's data. */
export interface TensorPlace {
  readonly file: ByteFile;
  readonly position: number;
  readonly byteLength: number;
}

/**
 * A .safetensors file of any size, open for reading. Only the header is held in memory. Tensors are
 * read by position when asked for, whole or in part, so several reads may run at once.
 */
export class SafetensorsFile {
  readonly header: Header;
  private readonly file: ByteFile;

  private constructor(header: Header, file: ByteFile) {
    this.header = header;
    this.file = file;
  }

  /**
   * Reads and checks the header. Closing the result closes the file; if the check fails, the file
   * is closed too. Throws SafetensorsError, or what reading throws.
   */
  static async open(file: ByteFile): Promise<SafetensorsFile> {
    const { name, size } = file;
    try {
      const start = new Uint8Array(LENGTH_BYTES);
      const got = await file.read(start, 0);
      const headerBytes = new Uint8Array(parseHeaderLength(start.subarray(0, got), size, name));
      if ((await file.read(headerBytes, LENGTH_BYTES)) < headerBytes.byteLength) throw changed(name);
      return new SafetensorsFile(parseHeader(headerBytes, size, name), file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The name of the file in messages. */
  get name(): string {
    return this.file.name;
  }

  /**
   * What the header says of a tensor. Throws SafetensorsError `TensorNotFound` if there is none.
   */
  info(name: string): TensorInfo {
    const info = this.header.tensors.get(name);
    if (info === undefined) {
      throw new SafetensorsError('TensorNotFound', 'the file has no such tensor', {
        file: this.name,
        tensor: name,
      });
    }
    return info;
  }

  /**
   * `byteLength` bytes of a tensor's data, from its byte `byteOffset` on; by default all. The
   * result has a buffer of its own, aligned for any dtype.
   *
   * Throws SafetensorsError: TensorNotFound, InvalidRange, FileChanged.
   */
  async readBytes(name: string, byteOffset = 0, byteLength?: number): Promise<Uint8Array> {
    const { begin, end } = this.info(name);
    const length = byteLength ?? end - begin - byteOffset;
    if (!isSize(byteOffset) || !isSize(length) || byteOffset + length > end - begin) {
      throw new SafetensorsError('InvalidRange', 'the range is not inside the tensor', {
        file: this.name,
        tensor: name,
        expected: `a range in [0, ${end - begin})`,
        found: `${length} bytes from ${byteOffset}`,
      });
    }
    const bytes = new Uint8Array(length);
    const got = await this.file.read(bytes, this.header.dataStart + begin + byteOffset);
    if (got < length) throw changed(this.name, name);
    return bytes;
  }

  /** Where a tensor's data lies. Throws SafetensorsError `TensorNotFound`. */
  placeOf(name: string): TensorPlace {
    const { begin, end } = this.info(name);
    return { file: this.file, position: this.header.dataStart + begin, byteLength: end - begin };
  }

  /** A tensor as float32 numbers (see `toFloat32`), or one slice of it on its leading axis. */
  async readFloat32(name: string, slice?: number): Promise<Float32Array> {
    const { dtype, shape, begin, end } = this.info(name);
    if (slice === undefined) return toFloat32({ dtype, shape, bytes: await this.readBytes(name) });
    const [count, ...inner] = shape;
    if (count === undefined || !isSize(slice) || slice >= count) {
      throw new SafetensorsError('InvalidRange', 'no such slice on the leading axis', {
        file: this.name,
        tensor: name,
        expected: count === undefined ? 'a tensor with an axis' : `a slice in [0, ${count})`,
        found: count === undefined ? 'a scalar' : `${slice}`,
      });
    }
    const sliceBytes = (end - begin) / count;
    if (!Number.isInteger(sliceBytes)) {
      throw new SafetensorsError('InvalidRange', 'a slice does not fill whole bytes', {
        file: this.name,
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

  /** Closes the file. Reads after it fail. */
  async close(): Promise<void> {
    await this.file.close();
  }
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function changed(file: string, tensor?: string): SafetensorsError {
  return new SafetensorsError('FileChanged', 'the file became shorter while it was read', { file, tensor });
}
