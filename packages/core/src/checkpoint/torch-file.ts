import type { ModelFile } from '../files/model-files.js';
import { readFromFile } from './byte-source.js';
import { indexFile } from './file-views.js';
import { entryOf, type TensorSource } from './tensor-source.js';
import { indexTorch, readTorchEntry, type TorchEntry, type TorchIndex } from './torch.js';

/**
 * A PyTorch file. Nothing of it is run (see torch.ts). Opening reads directory and pickle. Tensors
 * are read by position when asked for, so memory holds one at a time and the file may have any
 * size.
 */
export class TorchFile implements TensorSource {
  readonly description: string;
  readonly entries: ReadonlyMap<string, TorchEntry>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly leftOut: ReadonlyMap<string, string>;
  /** The classes of the objects in the file that were skipped. */
  readonly skipped: readonly string[];
  private readonly file: ModelFile;

  private constructor(index: TorchIndex, file: ModelFile) {
    this.description = file.name;
    this.entries = index.entries;
    this.metadata = index.metadata;
    this.leftOut = index.leftOut;
    this.skipped = index.skipped;
    this.file = file;
  }

  /**
   * Opens and checks a file. Closing the result closes the file; if the check fails, the file is
   * closed too. Throws CheckpointError, or what reading throws.
   */
  static async open(file: ModelFile): Promise<TorchFile> {
    try {
      return new TorchFile(await indexFile(file, indexTorch), file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async read(name: string, slice?: number): Promise<Float32Array> {
    const entry = entryOf(this.entries, name, this.description, this.leftOut);
    return readTorchEntry(entry, slice, this.description, readFromFile(this.file));
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}
