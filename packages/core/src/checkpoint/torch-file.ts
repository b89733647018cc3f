import { type FileHandle, open } from 'node:fs/promises';
import { fileSource, readFromFile } from './file-source.js';
import { entryOf, type TensorSource } from './tensor-source.js';
import { indexTorch, readTorchEntry, type TorchEntry, type TorchIndex } from './torch.js';

/**
 * A PyTorch file on disk (see torch.ts: nothing of it is run). Opening reads directory and pickle; tensors are read
 * when asked for, by position, so memory holds one at a time and the file may have any size.
 */
export class TorchFile implements TensorSource {
  readonly description: string;
  readonly entries: ReadonlyMap<string, TorchEntry>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Classes of the objects in the file that were skipped. */
  readonly skipped: readonly string[];
  readonly #handle: FileHandle;

  private constructor(description: string, index: TorchIndex, handle: FileHandle) {
    this.description = description;
    this.entries = index.entries;
    this.metadata = index.metadata;
    this.skipped = index.skipped;
    this.#handle = handle;
  }

  /** Opens and checks a file. Throws CheckpointError, or the file system's error. */
  static async open(path: string): Promise<TorchFile> {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      return new TorchFile(path, indexTorch(fileSource(handle, size, path)), handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async read(name: string, slice?: number): Promise<Float32Array> {
    const entry = entryOf(this.entries, name, this.description);
    return readTorchEntry(entry, slice, this.description, readFromFile(this.#handle, this.description));
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
