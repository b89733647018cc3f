/**
 * Checks the pages of a parquet column before they are decoded. hyparquet 1.31.5 trusts the numbers
 * in a file: a negative page size sends it into an endless loop, and a run of two thousand million
 * levels fills the memory. A page that passes here is decoded in time and memory in proportion to
 * the file. Source: apache/parquet-format, `parquet.thrift` and `Encodings.md`; Thrift's compact
 * protocol.
 */
import type { ColumnMetaData, SchemaElement } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

/** Most values of a column in one row group: two hundred thousand rows of 256 tokens. */
const MAX_VALUES = 1 << 26;

/** Largest page, in bytes after decompression. Readers hold a page in one array. */
const MAX_PAGE_BYTES = 2 ** 31 - 1;

/**
 * Most values of a block of deltas, and most miniblocks in it. Writers use 128 values and 4
 * miniblocks.
 */
const MAX_DELTA_BLOCK = 1 << 20;

const PAGE_TYPES = { data: 0, index: 1, dictionary: 2, dataV2: 3 } as const;

/** Encodings by their numbers in parquet.thrift. */
const ENCODINGS = {
  plainDictionary: 2,
  rle: 3,
  delta: 5,
  deltaLength: 6,
  deltaBytes: 7,
  rleDictionary: 8,
} as const;

/** Largest levels of a column's values. 0: the column stores none. */
export interface Levels {
  readonly definition: number;
  readonly repetition: number;
}

/** Returns the levels of the column at `path`. Throws Error if the schema has no such column. */
export function levelsOf(schema: readonly SchemaElement[], path: readonly string[]): Levels {
  let [definition, repetition] = [0, 0];
  let [parent, at] = [0, 1];
  for (const name of path) {
    let left = schema[parent]?.num_children ?? 0;
    while (left > 0 && schema[at]?.name !== name) {
      at = afterSubtree(schema, at);
      left--;
    }
    const element = schema[at];
    if (left <= 0 || element === undefined) throw new Error(`its schema has no column ${path.join('.')}`);
    if (element.repetition_type !== 'REQUIRED') definition++;
    if (element.repetition_type === 'REPEATED') repetition++;
    parent = at++;
  }
  return { definition, repetition };
}

/**
 * Returns the index of the first element that is not in the subtree of element i of a depth-first
 * schema.
 */
export function afterSubtree(schema: readonly SchemaElement[], i: number): number {
  let next = i + 1;
  for (let child = 0; child < (schema[i]?.num_children ?? 0) && next < schema.length; child++)
    next = afterSubtree(schema, next);
  return next;
}

/** A page that hyparquet would misread. It is unpacked and mended. */
export interface MendedPage {
  /** Byte of the chunk at which its compressed bytes begin. */
  readonly at: number;
  readonly page: Uint8Array;
}

/**
 * Goes through the pages of a column chunk. `rows`: number of rows of its row group. Runs that
 * hyparquet would misread are rewritten in the chunk itself. If such a run is compressed, the
 * unpacked page is returned in its mended form. Throws Error that names the fault.
 */
export function checkPages(
  chunk: Uint8Array,
  column: ColumnMetaData,
  levels: Levels,
  rows: number,
): MendedPage[] {
  const mended: MendedPage[] = [];
  const values = Number(column.num_values);
  if (!(values >= 0 && values <= MAX_VALUES)) throw new Error(`a column of ${column.num_values} values`);
  const flat = levels.repetition === 0;
  if (flat && values !== rows) throw new Error(`a column of ${values} values in a group of ${rows} rows`);
  const reader = new CompactReader(chunk);
  let seen = 0;
  // A single last byte of a chunk is ignored, since writers may pad a chunk.
  while (reader.at < chunk.length - 1 && !(flat && seen >= rows)) {
    const page = readPageHeader(reader);
    const { type, compressed, uncompressed } = page;
    if (!(compressed >= 0 && reader.at + compressed <= chunk.length))
      throw new Error(`a page of ${compressed} bytes with ${chunk.length - reader.at} left`);
    if (
      !(uncompressed >= 0 && uncompressed <= Math.min(MAX_PAGE_BYTES, Number(column.total_uncompressed_size)))
    )
      throw new Error(`a page of ${uncompressed} bytes in a column of ${column.total_uncompressed_size}`);
    const body = chunk.subarray(reader.at, reader.at + compressed);
    const keep = (page: CompactReader, at: number) => {
      if (page.isRewritten && column.codec !== 'UNCOMPRESSED')
        mended.push({ at: body.byteOffset - chunk.byteOffset + at, page: page.bytes.slice() });
    };
    reader.at += compressed;
    if (type === PAGE_TYPES.dictionary) {
      if (!(page.values >= 0 && page.values <= uncompressed * 8))
        throw new Error(`a dictionary of ${page.values} values in ${uncompressed} bytes`);
      continue;
    }
    if (type !== PAGE_TYPES.data && type !== PAGE_TYPES.dataV2) throw new Error(`a page of type ${type}`);
    if (!(page.values >= 0 && seen + page.values <= values))
      throw new Error(`pages of ${seen + page.values} values in a column of ${values}`);
    if (type === PAGE_TYPES.data)
      keep(checkPage(decompressed(body, uncompressed, column), page, column, levels), 0);
    else keep(checkPageV2(body, page, column, levels), page.repetitionBytes + page.definitionBytes);
    seen += page.values;
  }
  if (seen !== values) throw new Error(`pages of ${seen} values in a column of ${values}`);
  return mended;
}

function decompressed(body: Uint8Array, size: number, { codec }: ColumnMetaData): Uint8Array {
  if (codec === 'UNCOMPRESSED') return body;
  if (size === 0) return new Uint8Array(0); // a page of nulls; some writers compress nothing into nothing
  const decompress = compressors[codec];
  if (decompress === undefined) throw new Error(`compression ${codec}, which is not known here`);
  const page = decompress(body, size);
  if (page.length !== size) throw new Error(`a page that unpacks to ${page.length} bytes and not ${size}`);
  return page;
}

const bitWidth = (most: number) => 32 - Math.clz32(most);

function checkPage(
  bytes: Uint8Array,
  page: PageHeader,
  column: ColumnMetaData,
  levels: Levels,
): CompactReader {
  const reader = new CompactReader(bytes);
  const runs = (most: number): number => {
    const length = reader.uint32();
    const end = reader.at + length;
    if (end > bytes.length) throw new Error(`levels of ${length} bytes in a page of ${bytes.length}`);
    const full = checkRuns(reader, bitWidth(most), page.values, most);
    reader.at = end;
    return full;
  };
  if (levels.repetition > 0) runs(levels.repetition);
  const stored = levels.definition > 0 ? runs(levels.definition) : page.values;
  checkValues(reader, page.encoding, stored, column, true);
  return reader;
}

/**
 * Checks a page of the second version and returns the reader of its values. The levels before the
 * values are never compressed.
 */
function checkPageV2(
  body: Uint8Array,
  page: PageHeader,
  column: ColumnMetaData,
  levels: Levels,
): CompactReader {
  const { repetitionBytes, definitionBytes, values, nulls, uncompressed } = page;
  if (!(repetitionBytes >= 0 && definitionBytes >= 0 && repetitionBytes + definitionBytes <= body.length))
    throw new Error(`levels of ${repetitionBytes} and ${definitionBytes} bytes in a page of ${body.length}`);
  if (!(nulls >= 0 && nulls <= values && page.rows >= 0 && page.rows <= values))
    throw new Error(`a page of ${values} values with ${nulls} nulls in ${page.rows} rows`);
  const reader = new CompactReader(body);
  if (levels.repetition > 0) checkRuns(reader, bitWidth(levels.repetition), values, levels.repetition);
  reader.at = repetitionBytes;
  if (levels.definition > 0) checkRuns(reader, bitWidth(levels.definition), values, levels.definition);
  const from = repetitionBytes + definitionBytes;
  const size = uncompressed - from;
  if (size < 0) throw new Error(`a page of ${uncompressed} bytes with levels of ${from}`);
  const rest = body.subarray(from);
  const unpacked = page.isCompressed ? decompressed(rest, size, column) : rest;
  const valueReader = new CompactReader(unpacked);
  // A compressed page that stores nothing may have no bytes at all.
  if (values > nulls || unpacked.length > 0)
    checkValues(valueReader, page.encoding, values - nulls, column, false);
  return valueReader;
}

function checkValues(
  reader: CompactReader,
  encoding: number,
  count: number,
  { type }: ColumnMetaData,
  isFirstVersion: boolean,
): void {
  const left = reader.bytes.length - reader.at;
  if (encoding === ENCODINGS.plainDictionary || encoding === ENCODINGS.rleDictionary) {
    const width = reader.byte();
    if (width > 32) throw new Error(`dictionary indices of ${width} bits`);
    // hyparquet reads runs of 0 bits in a page of the second version, but not in one of the first.
    if (width > 0 || !isFirstVersion) checkRuns(reader, width, count, -1);
  } else if (encoding === ENCODINGS.rle) {
    if (type !== 'BOOLEAN') throw new Error(`values of type ${type} as runs`);
    reader.uint32(); // their length
    checkRuns(reader, 1, count, -1);
  } else if (encoding === ENCODINGS.delta || encoding === ENCODINGS.deltaLength) checkDeltas(reader, count);
  else if (encoding === ENCODINGS.deltaBytes) {
    checkDeltas(reader, count);
    checkDeltas(reader, count);
  } else if (count > left * 8) throw new Error(`${count} values in ${left} bytes`);
}

/**
 * Goes through runs of numbers of `width` bits until `count` numbers have come. Returns how many of
 * them equal `wanted`.
 *
 * The last run may go beyond the count: DuckDB packs 256 numbers at a time. Its header is rewritten
 * in place to the length that is needed, since hyparquet trusts a run's length. An empty run is
 * rewritten into the header of the run after it, since hyparquet loses its place at an empty run.
 */
function checkRuns(reader: CompactReader, width: number, count: number, wanted: number): number {
  let found = 0;
  let headerAt = reader.at;
  for (let seen = 0; seen < count; ) {
    let header = reader.varint();
    const length = header >>> 1;
    const isPacked = (header & 1) === 1;
    if (length === 0) {
      if (!isPacked) reader.skip(Math.ceil(width / 8));
      continue;
    }
    const left = count - seen;
    const needed = isPacked ? Math.ceil(left / 8) : left;
    if (length > needed) header = needed * 2 + (isPacked ? 1 : 0);
    if (length > needed || headerAt + varintBytes(header) < reader.at) reader.rewriteVarint(headerAt, header);
    if (!isPacked) {
      let value = 0;
      for (let i = 0; i < width; i += 8) value |= reader.byte() << i;
      const run = Math.min(length, left);
      if (value === wanted) found += run;
      seen += run;
      headerAt = reader.at;
      continue;
    }
    const packed = Math.min(length * 8, left);
    const start = reader.at;
    reader.skip(Math.min(length * width, reader.bytes.length - start));
    if (start + Math.ceil((packed * width) / 8) > reader.bytes.length)
      throw new Error(`${packed} packed values that go beyond the page`);
    if (wanted >= 0)
      for (let i = 0; i < packed; i++)
        if (bitsAt(reader.bytes, start * 8 + i * width, width) === wanted) found++;
    seen += packed;
    headerAt = reader.at;
  }
  return found;
}

function varintBytes(value: number): number {
  return Math.max(1, Math.ceil((32 - Math.clz32(value)) / 7));
}

function bitsAt(bytes: Uint8Array, bit: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i++) value |= (((bytes[(bit + i) >> 3] as number) >> ((bit + i) & 7)) & 1) << i;
  return value;
}

/** Goes through `count` numbers that are stored as differences. Leaves the reader behind them. */
function checkDeltas(reader: CompactReader, count: number): void {
  const block = reader.varint();
  const miniblocks = reader.varint();
  reader.varint();
  reader.varint();
  const each = block / miniblocks;
  if (!(block > 0 && block <= MAX_DELTA_BLOCK && miniblocks > 0 && Number.isInteger(each)))
    throw new Error(`blocks of ${block} differences in ${miniblocks} parts`);
  for (let seen = 1; seen < count; ) {
    reader.varint();
    const widths = reader.at;
    reader.skip(miniblocks);
    for (let i = 0; i < miniblocks && seen < count; i++) {
      reader.skip(Math.ceil((each * (reader.bytes[widths + i] as number)) / 8));
      seen += each;
    }
  }
}

/** The header of a page. */
interface PageHeader {
  readonly type: number;
  readonly uncompressed: number;
  readonly compressed: number;
  readonly values: number;
  readonly encoding: number;
  /** This and the next three numbers are 0 except in data pages of the second version. */
  readonly nulls: number;
  readonly rows: number;
  readonly definitionBytes: number;
  readonly repetitionBytes: number;
  readonly isCompressed: boolean;
}

function readPageHeader(reader: CompactReader): PageHeader {
  const header = reader.struct();
  const type = number(header, 1);
  const details = header.get(type === PAGE_TYPES.data ? 5 : type === PAGE_TYPES.dictionary ? 7 : 8);
  const fields = details instanceof Map ? details : new Map<number, Field>();
  const isV2 = type === PAGE_TYPES.dataV2;
  return {
    type,
    uncompressed: number(header, 2),
    compressed: number(header, 3),
    values: number(fields, 1),
    encoding: number(fields, isV2 ? 4 : 2),
    nulls: isV2 ? number(fields, 2) : 0,
    rows: isV2 ? number(fields, 3) : 0,
    definitionBytes: isV2 ? number(fields, 5) : 0,
    repetitionBytes: isV2 ? number(fields, 6) : 0,
    isCompressed: fields.get(7) !== false,
  };
}

function number(fields: ReadonlyMap<number, Field>, id: number): number {
  const value = fields.get(id);
  return typeof value === 'number' ? value : Number.NaN;
}

type Field = number | boolean | Map<number, Field> | undefined;

/** Deeper nested structures than a page header's are damage. */
const MAX_DEPTH = 8;

/**
 * Reads Thrift's compact protocol and little-endian numbers. Throws Error at the end of the bytes.
 */
class CompactReader {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  byte(): number {
    if (this.at >= this.bytes.length) throw new Error('a page that ends too early');
    return this.bytes[this.at++] as number;
  }

  skip(count: number): void {
    if (this.at + count > this.bytes.length) throw new Error('a page that ends too early');
    this.at += count;
  }

  uint32(): number {
    let value = 0;
    for (let i = 0; i < 4; i++) value += this.byte() * 2 ** (8 * i);
    return value;
  }

  /** Whether anything was written into the bytes. */
  isRewritten = false;

  /** Writes a varint from byte `from` up to the reader's place. Leading zeros fill it. */
  rewriteVarint(from: number, value: number): void {
    let rest = value;
    for (let i = from; i < this.at; i++, rest = Math.floor(rest / 128))
      this.bytes[i] = (rest & 0x7f) | (i < this.at - 1 ? 0x80 : 0);
    this.isRewritten = true;
  }

  /** Reads a varint and returns its low 32 bits. */
  varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      if (shift > 63) throw new Error('a number of more than ten bytes');
      const byte = this.byte();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return value >>> 0;
    }
  }

  zigzag(): number {
    const value = this.varint();
    return (value >>> 1) ^ -(value & 1);
  }

  /**
   * Reads a structure. Returns its numbers, booleans and structures by field number and passes over
   * the rest.
   */
  struct(depth = 0): Map<number, Field> {
    if (depth > MAX_DEPTH) throw new Error('a page header that is nested too deep');
    const fields = new Map<number, Field>();
    for (let id = 0; ; ) {
      const byte = this.byte();
      const type = byte & 0x0f;
      if (type === 0) return fields;
      id = byte >> 4 ? id + (byte >> 4) : this.zigzag();
      fields.set(id, this.field(type, depth));
    }
  }

  private field(type: number, depth: number): Field {
    switch (type) {
      case 1:
        return true;
      case 2:
        return false;
      case 3:
        return this.byte();
      case 4:
      case 5:
      case 6:
        return this.zigzag();
      case 7:
        this.skip(8);
        return undefined;
      case 8:
        this.skip(this.varint());
        return undefined;
      case 9: {
        const head = this.byte();
        const size = head >> 4 === 15 ? this.varint() : head >> 4;
        const element = head & 0x0f;
        for (let i = 0; i < size; i++) element <= 2 ? this.byte() : this.field(element, depth);
        return undefined;
      }
      case 12:
        return this.struct(depth + 1);
      default:
        throw new Error(`a page header with a field of type ${type}`);
    }
  }
}
