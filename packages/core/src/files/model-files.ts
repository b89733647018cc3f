import type { ByteFile } from 'safetensors-ts';
import { CheckpointError, ConfigError } from '../errors.js';

/** A file of a model, open for reading by position. */
export interface ModelFile extends ByteFile {
  /**
   * The `length` bytes at `position`, which lie inside, without waiting. A disk and memory have
   * this; an address does not. The view is valid until the next call.
   */
  readonly view?: (position: number, length: number) => Uint8Array;
}

/**
 * The files of a model by name, wherever they lie: in a folder on disk (`folderFiles` of the
 * `/node` entry), behind an address (`urlFiles`), or in memory (`memoryFiles`). A class of your own
 * may find them elsewhere; it says how to `open` one.
 *
 * Names are relative. A `/` stands between a folder and what lies in it.
 */
export abstract class ModelFiles {
  /** Where the files are, for messages: a path, an address, or what the caller said. */
  abstract readonly description: string;

  /**
   * Opens a file for reading by position. The caller closes it. Returns undefined if no file has
   * this name. Throws CheckpointError if the file exists and cannot be read.
   */
  abstract open(name: string): Promise<ModelFile | undefined>;

  /** The files of a folder in this one, whether it is there or not. */
  abstract folder(name: string): ModelFiles;

  /** The names of files and folders, or undefined where the place cannot list them. */
  async list(): Promise<readonly string[] | undefined> {
    return undefined;
  }

  /** The name of a file in messages. */
  nameOf(name: string): string {
    return `${this.description}/${name}`;
  }

  /** Whether a file has this name. Throws as `open` does. */
  async has(name: string): Promise<boolean> {
    const file = await this.open(name);
    await file?.close();
    return file !== undefined;
  }

  /**
   * A whole file, or undefined if there is none. The array is the caller's own. Throws as `open`
   * does.
   */
  async bytes(name: string): Promise<Uint8Array | undefined> {
    const file = await this.open(name);
    if (file === undefined) return undefined;
    try {
      const bytes = new Uint8Array(file.size);
      await readWhole(file, bytes, 0);
      return bytes;
    } finally {
      await file.close();
    }
  }

  /**
   * A whole file as text, or undefined if there is none. Throws as `open` does, and ConfigError if
   * the file is not UTF-8.
   */
  async text(name: string): Promise<string | undefined> {
    const bytes = await this.bytes(name);
    if (bytes === undefined) return undefined;
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (error) {
      throw new ConfigError(
        `${this.nameOf(name)}: expected UTF-8 text. Is the file complete, and really a text file?`,
        { cause: error },
      );
    }
  }

  /**
   * The bytes of a file from `begin` up to `end`. Throws as `open` does, and CheckpointError if the
   * file lacks them.
   */
  async range(name: string, begin: number, end: number): Promise<Uint8Array> {
    const file = await this.open(name);
    if (file === undefined) throw new CheckpointError(`${this.nameOf(name)}: there is no such file.`);
    try {
      if (!(Number.isSafeInteger(begin) && Number.isSafeInteger(end) && 0 <= begin && begin <= end)) {
        throw new CheckpointError(`${file.name}: expected a range of bytes, got ${begin} to ${end}.`);
      }
      if (end > file.size) {
        throw new CheckpointError(`${file.name}: expected bytes up to ${end}, found ${file.size}.`);
      }
      const bytes = new Uint8Array(end - begin);
      await readWhole(file, bytes, begin);
      return bytes;
    } finally {
      await file.close();
    }
  }
}

/**
 * Fills `target` with the bytes from `position` on. Throws CheckpointError if the file ends before.
 */
export async function readWhole(file: ByteFile, target: Uint8Array, position: number): Promise<void> {
  if ((await file.read(target, position)) < target.byteLength) throw becameShorter(file.name);
}

/** The error for a file that lacks bytes that it had when it was opened. */
export function becameShorter(name: string): CheckpointError {
  return new CheckpointError(
    `${name}: the file became shorter while it was read. Is another program writing it?`,
  );
}

/** `base` and `name` with one `/` between them. */
export function joinNames(base: string, name: string): string {
  return base === '' || base.endsWith('/') ? `${base}${name}` : `${base}/${name}`;
}
