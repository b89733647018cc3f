import { addon, type FileMapping, MAPPED_STATES } from './addon.js';
import { type Block, holdBlock } from './block-pool.js';

/** Buffers above this size end the process in Node. */
const MOST_BYTES = 2 ** 32;

/** What a mapped file needs of its backend. */
export interface MappedUsers {
  /** Notes that memory of the file is in use, until `forget`. */
  remember(file: MappedFile): void;
  forget(file: MappedFile): void;
}

/**
 * A file whose bytes are used where they lie in the page cache: nothing is copied, and programs that
 * open the same file share it.
 *
 * A view holds on until the last tensor on it is disposed. If the file is cut or written meanwhile,
 * `check` throws.
 */
export class MappedFile {
  readonly name: string;
  private readonly mapping: FileMapping;
  private readonly users: MappedUsers;
  private readonly blocks = new Set<Block>();

  private constructor(mapping: FileMapping, name: string, users: MappedUsers) {
    this.mapping = mapping;
    this.name = name;
    this.users = users;
  }

  /**
   * Maps the file of a descriptor, which may be closed afterwards. `name` is for messages. Returns
   * undefined where the system maps no files, or not this one.
   */
  static open(file: number, name: string, users: MappedUsers): MappedFile | undefined {
    const mapping = addon().mapFile?.(file);
    return typeof mapping === 'object' ? new MappedFile(mapping, name, users) : undefined;
  }

  /**
   * `bytes` bytes from `position` on. They must not be written. Returns undefined where they cannot
   * be had as one array. Throws RangeError if they lie outside the file.
   */
  view(position: number, bytes: number): Uint8Array | undefined {
    if (bytes === 0) return new Uint8Array(0);
    if (bytes > MOST_BYTES) return undefined;
    const buffer = addon().mappedBytes?.(this.mapping, position, bytes);
    if (buffer === undefined) return undefined;
    const block: Block = {
      buffer,
      bytes,
      refs: 0,
      touched: 0,
      floats: undefined,
      ended: () => this.end(block),
    };
    holdBlock(block);
    this.blocks.add(block);
    this.users.remember(this);
    return new Uint8Array(buffer);
  }

  /** Throws Error that names the file if it is not as it was when it was mapped. */
  check(): void {
    const state = MAPPED_STATES[addon().mappedState?.(this.mapping) ?? 0];
    if (state === 'intact' || state === undefined) return;
    const what = state === 'shorter' ? 'became shorter' : 'was written';
    throw new Error(
      `${this.name}: the file ${what} while its weights were in use. Is another program writing it? Open the model again.`,
    );
  }

  /** Gives up views that no tensor lies on. Call it when all tensors have been made. */
  close(): void {
    for (const block of this.blocks) if (block.refs === 0) this.end(block);
  }

  /** Notes that a view's last tensor is gone. */
  private end(block: Block): void {
    addon().discard(block.buffer);
    this.blocks.delete(block);
    if (this.blocks.size === 0) this.users.forget(this);
  }
}
