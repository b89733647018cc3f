import type { FileHandle } from 'node:fs/promises';
import { writeAll, writeAtomically } from './atomic-file.js';
import { bytesOf, checkDataLength, layOut, type Metadata, type TensorEntry } from './bytes.js';
import { SafetensorsError } from './errors.js';

/** A tensor's data: at once, or in pieces that follow each other. */
export type TensorChunks = ArrayBufferView | AsyncIterable<ArrayBufferView>;

/**
 * Writes a file tensor by tensor. `read` is called for each tensor in the order of the file. The
 * array that it returned may be reused once it is called again. So memory holds one tensor at a
 * time, or one piece if `read` gives pieces. The bytes are those of `serialize`. The file appears
 * under its name only when it is complete (see `writeAtomically`). Returns its size in bytes.
 *
 * Throws SafetensorsError `InvalidTensorData` if a tensor's data is not as long as its shape says.
 * Also throws what `read` throws, and file errors.
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
 * As `writeSafetensors`, but the caller writes the data of all tensors, in the order of the entries
 * that it is given, from the handle's position on. Throws SafetensorsError `InvalidTensorData` if
 * the file is then not as long as the shapes say.
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
