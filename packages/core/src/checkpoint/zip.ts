/**
 * The directory of a ZIP archive whose files lie in it uncompressed, as torch.save writes them.
 * Only positions are read, so the archive may have any size (zip64). Source: PKWARE APPNOTE.TXT
 * 6.3.10.
 */
import { CheckpointError } from '../errors.js';
import type { ByteSource } from './byte-source.js';

/** A file inside of an archive: where its bytes are. */
export interface ZipEntry {
  readonly name: string;
  readonly offset: number;
  readonly byteLength: number;
}

const END = { signature: 0x06054b50, bytes: 22 };
const END64_LOCATOR = { signature: 0x07064b50, bytes: 20 };
const END64 = { signature: 0x06064b50, bytes: 56 };
const CENTRAL = { signature: 0x02014b50, bytes: 46 };
const LOCAL = { signature: 0x04034b50, bytes: 30 };

/**
 * This value in a 32-bit field, or its lower half in a 16-bit field, means that the number is in
 * the zip64 record.
 */
const SEE_ZIP64 = 0xffffffff;
const SEE_ZIP64_16 = 0xffff;

/** The comment at the end of an archive has a 16-bit length. */
const MAX_COMMENT_BYTES = 0xffff;

const TRUNCATED = 'It is probably a partial download or copy: fetch it again.';
const DAMAGED = 'If the file was downloaded or copied, fetch it again; else write it again with torch.save.';

/**
 * The files of an archive, by name.
 *
 * Throws CheckpointError for an archive without a directory at its end (a truncated file), numbers
 * that fit neither each other nor the file, a name that stands twice, packed or encrypted files,
 * and an archive in several parts.
 */
export function readZipDirectory(source: ByteSource): Map<string, ZipEntry> {
  return new ZipDirectory(source).read();
}

/** Where the central directory is. */
interface Extent {
  readonly count: number;
  readonly offset: number;
  readonly byteLength: number;
}

class ZipDirectory {
  private readonly source: ByteSource;

  constructor(source: ByteSource) {
    this.source = source;
  }

  read(): Map<string, ZipEntry> {
    const { count, offset, byteLength } = this.extent();
    const entries = new Map<string, ZipEntry>();
    let at = offset;
    for (let i = 0; i < count; i++) {
      if (at + CENTRAL.bytes > offset + byteLength) {
        throw this.error(`the directory announces ${count} files but has room for ${i} only`);
      }
      const next = this.entry(at, entries);
      if (next > offset + byteLength) throw this.error(`file ${i} of the directory reaches beyond its end`);
      at = next;
    }
    return entries;
  }

  private error(problem: string, remedy = DAMAGED): CheckpointError {
    return new CheckpointError(`${this.source.description}: ${problem}. ${remedy}`);
  }

  private data(position: number, length: number, what: string): DataView {
    if (!Number.isSafeInteger(position) || position < 0 || position + length > this.source.size) {
      throw this.error(
        `${what} should be at byte ${position}, but the file has ${this.source.size} bytes`,
        TRUNCATED,
      );
    }
    const { buffer, byteOffset } = this.source.view(position, length);
    return new DataView(buffer, byteOffset, length);
  }

  private record({ signature, bytes }: typeof END, position: number, what: string): DataView {
    const view = this.data(position, bytes, what);
    if (view.getUint32(0, true) !== signature)
      throw this.error(`expected ${what} at byte ${position}, found something else`);
    return view;
  }

  /**
   * Finds the end record. Only a comment may follow it, so it is looked for from the end of the
   * file.
   */
  private extent(): Extent {
    const { size } = this.source;
    const searched = Math.min(size, END.bytes + MAX_COMMENT_BYTES);
    const tail = searched < END.bytes ? undefined : this.data(size - searched, searched, 'the end');
    for (let i = searched - END.bytes; tail !== undefined && i >= 0; i--) {
      if (tail.getUint32(i, true) !== END.signature) continue;
      if (i + END.bytes + tail.getUint16(i + 20, true) !== searched) continue;
      const [disk, directoryDisk] = [tail.getUint16(i + 4, true), tail.getUint16(i + 6, true)];
      const count = tail.getUint16(i + 10, true);
      const byteLength = tail.getUint32(i + 12, true);
      const offset = tail.getUint32(i + 16, true);
      if (count === SEE_ZIP64_16 || byteLength === SEE_ZIP64 || offset === SEE_ZIP64) {
        return this.checked(this.extent64(size - searched + i));
      }
      if (disk !== 0 || directoryDisk !== 0) throw this.error('the archive is one part of several');
      return this.checked({ count, offset, byteLength });
    }
    throw this.error('a ZIP archive without the directory that ends it', TRUNCATED);
  }

  private extent64(end: number): Extent {
    const locator = this.record(END64_LOCATOR, end - END64_LOCATOR.bytes, 'the zip64 locator');
    const record = this.record(END64, this.uint64(locator, 8), 'the zip64 end record');
    return {
      count: this.uint64(record, 32),
      byteLength: this.uint64(record, 40),
      offset: this.uint64(record, 48),
    };
  }

  private checked(extent: Extent): Extent {
    if (extent.offset + extent.byteLength > this.source.size) {
      throw this.error(
        `the directory (${extent.byteLength} bytes from ${extent.offset}) is not inside the file of ${this.source.size} bytes`,
      );
    }
    return extent;
  }

  private uint64(view: DataView, at: number): number {
    const value = Number(view.getBigUint64(at, true));
    if (!Number.isSafeInteger(value)) throw this.error(`a position or size of ${value} bytes`);
    return value;
  }

  /** Reads one file's description at `at`. Returns where the next one is. */
  private entry(at: number, entries: Map<string, ZipEntry>): number {
    const head = this.record(CENTRAL, at, 'a file of the directory');
    const flags = head.getUint16(8, true);
    const method = head.getUint16(10, true);
    let packed = head.getUint32(20, true);
    let byteLength = head.getUint32(24, true);
    const nameBytes = head.getUint16(28, true);
    const extraBytes = head.getUint16(30, true);
    const commentBytes = head.getUint16(32, true);
    let local = head.getUint32(42, true);

    const names = this.data(at + CENTRAL.bytes, nameBytes + extraBytes, 'a name in the directory');
    const name = new TextDecoder().decode(new Uint8Array(names.buffer, names.byteOffset, nameBytes));
    const wide = [byteLength, packed, local].filter((value) => value === SEE_ZIP64).length;
    if (wide > 0) {
      const record = this.zip64Extra(names, nameBytes, name);
      if (record.length < wide) throw this.error(`"${name}": its zip64 record lacks a number`);
      const take = (value: number): number => (value === SEE_ZIP64 ? (record.shift() as number) : value);
      byteLength = take(byteLength);
      packed = take(packed);
      local = take(local);
    }
    if (flags & 1) throw this.error(`"${name}" is encrypted`, 'Write it again without a password.');
    if (method !== 0 || packed !== byteLength) {
      throw this.error(
        `"${name}" is packed (method ${method}), which torch.save never does`,
        'Write the checkpoint again with torch.save, or unpack and pack it with `zip -0`.',
      );
    }
    if (entries.has(name)) throw this.error(`"${name}" is in the directory twice`);
    const offset = this.dataOffset(local, name);
    if (offset + byteLength > this.source.size) {
      throw this.error(
        `"${name}" should have ${byteLength} bytes from ${offset} on, but the file has ${this.source.size}`,
      );
    }
    entries.set(name, { name, offset, byteLength });
    return at + CENTRAL.bytes + nameBytes + extraBytes + commentBytes;
  }

  /** The numbers of the record with id 1 among the extra fields, in its order. */
  private zip64Extra(names: DataView, start: number, name: string): number[] {
    for (let at = start; at + 4 <= names.byteLength; ) {
      const id = names.getUint16(at, true);
      const end = at + 4 + names.getUint16(at + 2, true);
      if (end > names.byteLength) break;
      if (id === 1) {
        const numbers: number[] = [];
        for (let i = at + 4; i + 8 <= end; i += 8) numbers.push(this.uint64(names, i));
        return numbers;
      }
      at = end;
    }
    throw this.error(`"${name}": its size is in a zip64 record, which is not there`);
  }

  /** Where a file's bytes start: after its own header, whose length the directory does not say. */
  private dataOffset(local: number, name: string): number {
    const head = this.record(LOCAL, local, `"${name}"`);
    const nameBytes = head.getUint16(26, true);
    const offset = local + LOCAL.bytes + nameBytes + head.getUint16(28, true);
    const found = this.data(local + LOCAL.bytes, nameBytes, `the name of "${name}"`);
    if (new TextDecoder().decode(found) !== name) {
      throw this.error(`"${name}": the file at byte ${local} has another name`);
    }
    return offset;
  }
}
