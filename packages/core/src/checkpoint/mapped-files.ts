import * as tf from '@tensorflow/tfjs';
import type { ByteFile, TensorPlace } from 'safetensors-ts';

/** What the native backend makes of a file on disk. */
interface MappedFile {
  view(position: number, bytes: number): Uint8Array | undefined;
  close(): void;
}

/** A backend that can use the bytes of a file where they lie. */
interface MappingBackend {
  mapFile?(file: number, name: string): MappedFile | undefined;
  mappedFloats?(
    file: MappedFile,
    position: number,
    shape: number[],
    format: 'F32' | 'F16' | 'BF16',
  ): tf.TensorInfo | undefined;
}

/**
 * The files of a checkpoint, as the running backend maps them when they are first asked for. It has
 * nothing where there are no files on disk, or the backend maps none.
 */
export class MappedFiles {
  private readonly mapped = new Map<ByteFile, MappedFile | undefined>();

  /**
   * The bytes of a place, which must not be written. Tensors must be made of them before `close`.
   * Returns undefined if they cannot be had, or if elements of so many bytes are not aligned there.
   */
  bytes({ file, position, byteLength }: TensorPlace, elementBytes: number): Uint8Array | undefined {
    if (position % elementBytes !== 0) return undefined;
    return this.open(file)?.view(position, byteLength);
  }

  /** A float32 tensor of the floats of a place, or undefined if they must be read. */
  tensor(
    { file, position }: TensorPlace,
    shape: readonly number[],
    format: 'F32' | 'F16' | 'BF16',
  ): tf.Tensor | undefined {
    const mapped = this.open(file);
    if (mapped === undefined) return undefined;
    const info = (tf.backend() as MappingBackend).mappedFloats?.(mapped, position, [...shape], format);
    return info && tf.engine().makeTensorFromTensorInfo(info);
  }

  /** Lets go of the files. Tensors on them stay. */
  close(): void {
    for (const mapped of this.mapped.values()) mapped?.close();
    this.mapped.clear();
  }

  private open(file: ByteFile): MappedFile | undefined {
    if (!this.mapped.has(file)) {
      const { descriptor, name } = file;
      const backend = tf.backend() as MappingBackend;
      this.mapped.set(file, descriptor === undefined ? undefined : backend.mapFile?.(descriptor, name));
    }
    return this.mapped.get(file);
  }
}
