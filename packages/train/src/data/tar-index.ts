/**
 * Where the files of a tar archive lie in it. Only headers are read, so that an archive of gigabytes is indexed in the time of some seeks and its
 * files are read one by one, in any order. Source: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Header Block"; GNU tar's long names.
 */
import { open } from 'node:fs/promises';
import { DataError } from '@easel/core';
import { readFully } from 'safetensors-ts/node';

/** A regular file of an archive. */
export interface TarEntry {
  readonly name: string;
  /** Byte of the archive at which its content begins. */
  readonly offset: number;
  readonly size: number;
}

/** What an archive holds; where it breaks off, all files before that. */
export interface TarIndex {
  readonly entries: readonly TarEntry[];
  /** Why reading stopped before the archive's end; undefined for a whole archive. */
  readonly damage: string | undefined;
}

const BLOCK = 512;

/** Longest name or extended header: more is no name but damage. */
const MAX_EXTENDED = 1 << 20;

/** Indexes an archive. Throws DataError if the file can't be opened; what is wrong inside is told in `damage`. */
export async function indexTar(path: string): Promise<TarIndex> {
  const file = await open(path).catch((error: Error) => {
    throw new DataError(`Archive ${path}: can't be opened (${error.message}).`);
  });
  try {
    const { size } = await file.stat();
    const read = async (offset: number, length: number) => {
      const bytes = new Uint8Array(Math.min(length, Math.max(0, size - offset)));
      return bytes.subarray(0, await readFully(file, bytes, offset));
    };
    return await walk(size, read);
  } finally {
    await file.close();
  }
}

async function walk(
  size: number,
  read: (offset: number, length: number) => Promise<Uint8Array>,
): Promise<TarIndex> {
  const entries: TarEntry[] = [];
  const broken = (damage: string): TarIndex => ({ entries, damage });
  /** What an extended header says of the entry after it. */
  let next: { name?: string; size?: number } = {};
  for (let at = 0; ; ) {
    const block = await read(at, BLOCK);
    if (block.length < BLOCK) return broken(`it breaks off at byte ${size}, without the mark of its end`);
    if (block.every((byte) => byte === 0)) return { entries, damage: undefined };
    const header = parseHeader(block);
    if (header === undefined) return broken(`byte ${at} begins no entry`);
    const content = at + BLOCK;
    const length = next.size ?? header.size;
    if (content + length > size)
      return broken(
        `it breaks off inside ${next.name ?? header.name}: ${content + length - size} bytes are missing`,
      );
    at = content + Math.ceil(length / BLOCK) * BLOCK;
    if ('xL'.includes(header.type)) {
      if (length > MAX_EXTENDED) return broken(`an extended header of ${length} bytes at byte ${content}`);
      const bytes = await read(content, length);
      next = { ...next, ...(header.type === 'L' ? { name: text(bytes) } : paxRecords(bytes)) };
      continue;
    }
    if (header.type === 'g') continue;
    // '7' and NUL are old names of regular files; links, folders and devices have nothing to read.
    if ('0\x007'.includes(header.type))
      entries.push({ name: next.name ?? header.name, offset: content, size: length });
    next = {};
  }
}

/** A header block's fields, or undefined if its checksum says that it is none. */
function parseHeader(block: Uint8Array): { name: string; size: number; type: string } | undefined {
  const field = (from: number, length: number) => text(block.subarray(from, from + length));
  let sum = 0;
  for (const [i, byte] of block.entries()) sum += i >= 148 && i < 156 ? 32 : byte;
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

/** Text up to the first NUL. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
