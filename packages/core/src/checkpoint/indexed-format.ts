import type { ModelFile } from '../files/model-files.js';
import { type ByteSource, bytesSource, type ReadInto, readFromBytes, readFromFile } from './byte-source.js';
import { indexFile } from './file-views.js';
import { entryOf, type SourceEntry, type TensorSource } from './tensor-source.js';

/** What a file's structure says. */
export interface FileIndex<Entry extends SourceEntry> {
  readonly entries: ReadonlyMap<string, Entry>;
  /** Text that the file holds beside its tensors. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The names of what the file holds and cannot be read, each with what it is. */
  readonly leftOut: ReadonlyMap<string, string>;
}

/** A format of checkpoints whose structure tells where each tensor's bytes lie. */
export interface IndexedFormat<Entry extends SourceEntry, Index extends FileIndex<Entry>> {
  /** Reads a file's structure and checks it. Throws CheckpointError for what is not of the format. */
  readonly index: (source: ByteSource) => Index;
  /**
   * The numbers of an entry, or of one index of its leading axis. `readInto` reads them; no other
   * bytes are read. Throws CheckpointError if there is no such slice, or for complex numbers.
   */
  readonly read: (
    entry: Entry,
    slice: number | undefined,
    description: string,
    readInto: ReadInto,
  ) => Promise<Float32Array>;
}

/**
 * A file in memory. `description` is for messages. Throws CheckpointError as the format's `index`
 * does.
 */
export function openIndexedBytes<Entry extends SourceEntry, Index extends FileIndex<Entry>>(
  format: IndexedFormat<Entry, Index>,
  bytes: Uint8Array,
  description: string,
): Index & TensorSource {
  const index = format.index(bytesSource(bytes, description));
  return sourceOf(format, index, description, readFromBytes(bytes), async () => undefined);
}

/**
 * A file of any size. Opening reads its structure only; tensors are read by position when asked
 * for, so that memory holds one at a time. Closing the result closes the file; if the structure is
 * refused, the file is closed too. Throws CheckpointError, or what reading throws.
 */
export async function openIndexedFile<Entry extends SourceEntry, Index extends FileIndex<Entry>>(
  format: IndexedFormat<Entry, Index>,
  file: ModelFile,
): Promise<Index & TensorSource> {
  try {
    const index = await indexFile(file, format.index);
    return sourceOf(format, index, file.name, readFromFile(file), () => file.close());
  } catch (error) {
    await file.close();
    throw error;
  }
}

function sourceOf<Entry extends SourceEntry, Index extends FileIndex<Entry>>(
  format: IndexedFormat<Entry, Index>,
  index: Index,
  description: string,
  readInto: ReadInto,
  close: () => Promise<void>,
): Index & TensorSource {
  const { entries, leftOut } = index;
  return {
    ...index,
    description,
    read: async (name, slice) =>
      format.read(entryOf(entries, name, description, leftOut), slice, description, readInto),
    close,
  };
}
