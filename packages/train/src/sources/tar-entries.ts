/**
 * Where the files of a tar archive lie in it. Only headers are read, so that an archive of gigabytes is gone through in the time of some seeks, from
 * any header on. Source: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Header Block"; GNU tar's long names.
 */
import type { FileHandle } from 'node:fs/promises';
import { readFully } from 'safetensors-ts/internals/node';

/** A regular file of an archive. */
export interface TarEntry {
  readonly name: string;
  /** Byte of the archive at which its headers begin. */
  readonly start: number;
  /** Byte at which its content begins. */
  readonly offset: number;
  readonly size: number;
  /** The content itself, where it was read with the header. */
  readonly content: Uint8Array | undefined;
}

const BLOCK = 512;

/** Longest name or extended header: more is no name but damage. */
const MAX_EXTENDED = 1 << 20;

/** Bytes read at a time: many headers where files are small, and little more than a header where they are large. */
const WIDE_WINDOW = 1 << 16;
const NARROW_WINDOW = 1 << 11;
const SMALL_FILE = 1 << 13;

/** Goes through an archive entry by entry. */
export class TarEntries {
  /** Why reading stopped before the archive's end; undefined for a whole archive. */
  damage: string | undefined;
  private readonly file: FileHandle;
  private readonly size: number;
  private at: number;
  private ended = false;
  private window = new Uint8Array(0);
  private windowAt = 0;
  private windowBytes = NARROW_WINDOW;

  /** `size`: bytes of the archive. `at`: byte at which an entry's headers begin. */
  constructor(file: FileHandle, size: number, at = 0) {
    this.file = file;
    this.size = size;
    this.at = at;
  }

  /** The next regular file, or undefined at the archive's end or where it is damaged. */
  async next(): Promise<TarEntry | undefined> {
    if (this.ended) return undefined;
    /** What an extended header says of the entry after it, and where the first of them begins. */
    let said: { name?: string; size?: number } = {};
    let start = this.at;
    for (;;) {
      const begin = this.at;
      const block = this.inWindow(begin, BLOCK) ?? (await this.bytes(begin, BLOCK));
      if (block.length < BLOCK)
        return this.stop(`it breaks off at byte ${this.size}, without the mark of its end`);
      if (isZero(block)) return this.stop(undefined);
      const header = parseHeader(block);
      if (header === undefined) return this.stop(`byte ${begin} begins no entry`);
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
      // '7' and NUL are old names of regular files; links, folders and devices have nothing to read.
      if (header.type === '0' || header.type === '\0' || header.type === '7')
        return {
          name: said.name ?? header.name,
          start,
          offset: content,
          size: length,
          content: length <= SMALL_FILE ? this.inWindow(content, length) : undefined,
        };
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
    const bytes = new Uint8Array(
      Math.min(Math.max(length, this.windowBytes), Math.max(0, this.size - offset)),
    );
    this.window = bytes.subarray(0, await readFully(this.file, bytes, offset));
    this.windowAt = offset;
    return this.window.subarray(0, length);
  }
}

function isZero(block: Uint8Array): boolean {
  for (let i = 0; i < BLOCK; i++) if (block[i] !== 0) return false;
  return true;
}

/** A header block's fields, or undefined if its checksum says that it is none. */
function parseHeader(block: Uint8Array): { name: string; size: number; type: string } | undefined {
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
  };
}

/** A size beyond 8 GiB, as GNU tar stores it: big-endian after a marked first byte. */
function binarySize(block: Uint8Array): number {
  return block.subarray(125, 136).reduce((size, byte) => size * 256 + byte, 0);
}

/** path and size of a pax header's records, "LENGTH KEY=VALUE\n" each. */
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

const decoder = new TextDecoder();

/** Text up to the first NUL. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}
