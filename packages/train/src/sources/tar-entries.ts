/**
 * Finds the places of the files in a tar archive. Only headers are read, so an archive of gigabytes
 * takes the time of some seeks. Reading may begin at any header. Source: POSIX.1-2017 pax, "ustar
 * Interchange Format" and "pax Header Block"; GNU tar's long names.
 */
import type { ArchiveBytes } from './archive-bytes.js';
import { nameOfBytes } from './file-name.js';
import { foreignKindOf } from './foreign-file.js';

/** A file of an archive. */
export interface TarEntry {
  /** `\\xE9` stands for a byte beyond ASCII in a name that isn't UTF-8. */
  readonly name: string;
  /** Byte of the archive at which its headers begin. */
  readonly start: number;
  /** Byte at which its content begins. */
  readonly offset: number;
  readonly size: number;
  /** The content itself, if it was read with the header. */
  readonly content: Uint8Array | undefined;
  /** What the entry is if it is no regular file and has no content, e.g. "a link to a.png". */
  readonly irregular: string | undefined;
}

/** Kinds of entries that hold no content, by the type in their header. */
const IRREGULAR: Readonly<Record<string, string>> = {
  '1': 'a link',
  '2': 'a link',
  '3': 'a device',
  '4': 'a device',
  '6': 'a FIFO',
  S: 'a sparse file',
};

const BLOCK = 512;

/** Longest name or extended header, in bytes. A longer one is damage. */
const MAX_EXTENDED = 1 << 20;

/**
 * Number of bytes that are read at a time. A wide window covers many headers of small files. A
 * narrow one covers little more than the header of a large file.
 */
const WIDE_WINDOW = 1 << 16;
const NARROW_WINDOW = 1 << 11;
const SMALL_FILE = 1 << 13;

/** Goes through an archive entry by entry. */
export class TarEntries {
  /** Why reading stopped before the archive's end. Undefined for a whole archive. */
  damage: string | undefined;
  private readonly archive: ArchiveBytes;
  private readonly size: number;
  private readonly keepContent: boolean;
  private at: number;
  private ended = false;
  private window: Uint8Array = new Uint8Array(0);
  private windowAt = 0;
  private windowBytes = NARROW_WINDOW;

  /**
   * `at`: byte at which an entry's headers begin. `keepContent`: whether the entries of a
   * compressed archive come with their content. Their content can't be read later.
   */
  constructor(archive: ArchiveBytes, { at = 0, keepContent = false } = {}) {
    this.archive = archive;
    this.size = archive.size ?? Number.POSITIVE_INFINITY;
    this.at = at;
    this.keepContent = keepContent;
  }

  /** Returns the next file. Returns undefined at the archive's end or where it is damaged. */
  async next(): Promise<TarEntry | undefined> {
    if (this.ended) return undefined;
    /**
     * The extended headers' statements about the next entry, and the byte at which the first of
     * these headers begins.
     */
    let said: { name?: string; size?: number } = {};
    let start = this.at;
    /**
     * Whether the mark of the end was passed. Archives that were joined to one file go on after it.
     */
    let marked = false;
    for (;;) {
      const begin = this.at;
      const block = this.inWindow(begin, BLOCK) ?? (await this.bytes(begin, BLOCK));
      if (block.length < BLOCK && marked) return this.stop(this.archive.damage);
      if (block.length < BLOCK)
        return this.stop(
          this.archive.damage ??
            (begin + block.length === 0 ? 'it is empty' : undefined) ??
            `it breaks off at byte ${begin + block.length}, without the mark of its end`,
        );
      if (isZero(block)) {
        marked = true;
        this.at = begin + BLOCK;
        start = this.at;
        continue;
      }
      const header = parseHeader(block);
      if (header === undefined)
        return this.stop(marked ? undefined : (foreignKindOf(block) ?? `byte ${begin} begins no entry`));
      const content = begin + BLOCK;
      const length = said.size ?? header.size;
      if (content + length > this.size)
        return this.stop(
          `it breaks off inside ${said.name ?? header.name}: ${content + length - this.size} bytes are missing`,
        );
      this.at = content + Math.ceil(length / BLOCK) * BLOCK;
      if (header.type === 'x' || header.type === 'L') {
        if (length > MAX_EXTENDED)
          return this.stop(`an extended header of ${length} bytes at byte ${content}`);
        const bytes = await this.bytes(content, length);
        said = { ...said, ...(header.type === 'L' ? { name: text(bytes) } : paxRecords(bytes)) };
        continue;
      }
      if (header.type === 'g') {
        start = this.at;
        continue;
      }
      this.windowBytes = length <= SMALL_FILE ? WIDE_WINDOW : NARROW_WINDOW;
      const irregular = IRREGULAR[header.type];
      // '7' and NUL are old names of regular files.
      if (irregular !== undefined || header.type === '0' || header.type === '\0' || header.type === '7') {
        const name = said.name ?? header.name;
        const read = this.archive.size === undefined ? await this.bytes(content, length) : undefined;
        if (read !== undefined && read.length < length)
          return this.stop(
            this.archive.damage ?? `it breaks off inside ${name}: ${length - read.length} bytes are missing`,
          );
        const small = length <= SMALL_FILE ? this.inWindow(content, length) : undefined;
        return {
          name,
          start,
          offset: content,
          size: length,
          content: this.archive.size === undefined ? (this.keepContent ? read?.slice() : undefined) : small,
          irregular:
            header.target === '' || irregular !== 'a link' ? irregular : `a link to ${header.target}`,
        };
      }
      if (header.type === 'K') continue; // a long target of a link; the name before it stays
      said = {};
      start = this.at;
    }
  }

  private stop(damage: string | undefined): undefined {
    this.damage = damage;
    this.ended = true;
    return undefined;
  }

  private inWindow(offset: number, length: number): Uint8Array | undefined {
    const from = offset - this.windowAt;
    if (from < 0 || from + length > this.window.length) return undefined;
    return this.window.subarray(from, from + length);
  }

  private async bytes(offset: number, length: number): Promise<Uint8Array> {
    const there = this.inWindow(offset, length);
    if (there !== undefined) return there;
    this.window = await this.archive.read(offset, Math.max(length, this.windowBytes));
    this.windowAt = offset;
    return this.window.subarray(0, length);
  }
}

function isZero(block: Uint8Array): boolean {
  for (let i = 0; i < BLOCK; i++) if (block[i] !== 0) return false;
  return true;
}

/**
 * Returns the fields of a header block. Returns undefined if the checksum says that the block is no
 * header.
 */
function parseHeader(
  block: Uint8Array,
): { name: string; size: number; type: string; target: string } | undefined {
  const field = (from: number, length: number) => text(block.subarray(from, from + length));
  let sum = 8 * 32; // the checksum's own eight bytes count as spaces
  for (let i = 0; i < 148; i++) sum += block[i] as number;
  for (let i = 156; i < BLOCK; i++) sum += block[i] as number;
  if (Number.parseInt(field(148, 8).trim(), 8) !== sum) return undefined;
  const size =
    (block[124] as number) & 0x80 ? binarySize(block) : Number.parseInt(field(124, 12).trim() || '0', 8);
  if (!Number.isSafeInteger(size) || size < 0) return undefined;
  const prefix = field(257, 5) === 'ustar' && field(257, 8) !== 'ustar  ' ? field(345, 155) : '';
  const name = field(0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size,
    type: String.fromCharCode(block[156] as number),
    target: field(157, 100),
  };
}

/** Reads a size beyond 8 GiB as GNU tar stores it: big-endian after a marked first byte. */
function binarySize(block: Uint8Array): number {
  return block.subarray(125, 136).reduce((size, byte) => size * 256 + byte, 0);
}

/** Returns path and size from the records of a pax header. A record is "LENGTH KEY=VALUE\n". */
function paxRecords(bytes: Uint8Array): { name?: string; size?: number } {
  const found: { name?: string; size?: number } = {};
  for (let at = 0; at < bytes.length; ) {
    const length = Number.parseInt(text(bytes.subarray(at, at + 20)), 10);
    if (!(length > 0)) break;
    const record = text(bytes.subarray(at, at + length - 1));
    const [, key, value] = /^\d+ ([^=]*)=([\s\S]*)$/.exec(record) ?? [];
    if (key === 'path') found.name = value as string;
    if (key === 'size') found.size = Number(value);
    at += length;
  }
  return found;
}

/** Returns the text up to the first NUL. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return nameOfBytes(end < 0 ? bytes : bytes.subarray(0, end));
}
