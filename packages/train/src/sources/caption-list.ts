import { createReadStream } from 'node:fs';
import { basename, extname } from 'node:path';
import { DataError } from '@easel/core';
import { fileLines } from './byte-lines.js';
import { foreignKindOf } from './foreign-file.js';
import { parseJsonText } from './json-text.js';
import { NAMED_EXTENSIONS } from './picture-source.js';
import { tableRows } from './table-rows.js';

/** One row of a caption list. */
export interface CaptionRow {
  /** The picture's file as the list names it; empty if the row names none. */
  readonly file: string;
  /** Empty if the row has no caption. */
  readonly caption: string;
  /** The line on which the row begins, counted from 1. */
  readonly line: number;
}

/**
 * Names that a list may give to its picture column and to its caption column. They are tried in
 * this order.
 */
const FILE_COLUMNS = ['file', 'image', 'image_file', 'file_name', 'filename'];
const CAPTION_COLUMNS = ['caption', 'text', 'captions'];

/** The file endings of caption lists. */
export const CAPTION_LIST_EXTENSIONS: readonly string[] = ['.jsonl', '.csv', '.tsv'];

/**
 * Yields the rows of a caption list as it reads the file.
 *
 * `.csv` and `.tsv` need a header line. `.jsonl` holds one object a line. The picture's column is
 * called `file`, `image`, `image_file`, `file_name` or `filename`. The caption's column is called
 * `caption`, `text` or `captions`. Other columns are ignored. A row whose caption is null or
 * missing has no caption. A list of texts makes a row for each text. Throws DataError, naming file
 * and line, for another ending, bytes that aren't UTF-8, a column that no row has, a value that is
 * neither text nor null, and a line that doesn't parse.
 */
export async function* readCaptionList(path: string): AsyncGenerator<CaptionRow> {
  const extension = extname(path).toLowerCase();
  if (extension === '.jsonl') yield* readJsonLines(path);
  else if (extension === '.csv') yield* readTable(path, ',');
  else if (extension === '.tsv') yield* readTable(path, '\t');
  else
    throw new DataError(
      `Caption list ${path}: expected a name ending in ${CAPTION_LIST_EXTENSIONS.join(', ')}, got '${basename(path)}'.`,
    );
}

/** Whether a list's first row has the columns that a caption list needs. */
export async function isCaptionList(path: string): Promise<boolean> {
  try {
    for await (const { file } of readCaptionList(path)) return file !== '';
    return true;
  } catch (error) {
    if (error instanceof DataError && /no (picture|caption) column/.test(error.message)) return false;
    throw error;
  }
}

/** Yields the file's text in pieces, without a BOM. Throws DataError if it isn't UTF-8. */
async function* decodedText(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const piece of createReadStream(path)) yield decoder.decode(piece as Buffer, { stream: true });
    yield decoder.decode();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      throw new DataError(`Caption list ${path}: it isn't UTF-8 text. Save it as UTF-8 and try again.`);
    throw new DataError(`Caption list ${path}: can't be read (${(error as Error).message}).`);
  }
}

async function* readJsonLines(path: string): AsyncGenerator<CaptionRow> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const columns = new Columns(path);
  let line = 0;
  try {
    for await (const bytes of fileLines(path)) {
      line++;
      let text: string;
      try {
        text = decoder.decode(bytes);
      } catch {
        throw new DataError(
          `Caption list ${path}, line ${line}: ${foreignKindOf(bytes) ?? "it isn't UTF-8 text. Save it as UTF-8 and try again"}.`,
        );
      }
      // JSON writes a CR within a text as an escape, so a bare CR ends a line.
      for (const part of text.split('\r')) {
        if (part.trim() === '') continue;
        yield* columns.rowsOf(objectIn(part, path, line, bytes), line);
      }
    }
  } catch (error) {
    if (error instanceof DataError && error.message.startsWith('Caption list')) throw error;
    throw new DataError(`Caption list ${path}: can't be read (${(error as Error).message}).`);
  }
  columns.requireAll();
}

function objectIn(text: string, path: string, line: number, bytes: Uint8Array): Record<string, unknown> {
  let row: unknown;
  try {
    row = parseJsonText(text);
  } catch (error) {
    throw new DataError(
      `Caption list ${path}, line ${line}: ${foreignKindOf(bytes) ?? `expected one JSON object, got '${text.slice(0, 60)}' (${(error as Error).message})`}.`,
    );
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row))
    throw new DataError(
      `Caption list ${path}, line ${line}: expected a JSON object, got '${text.slice(0, 60)}'.`,
    );
  return row as Record<string, unknown>;
}

async function* readTable(path: string, delimiter: ',' | '\t'): AsyncGenerator<CaptionRow> {
  const columns = new Columns(path);
  let header: string[] | undefined;
  let fileColumn = -1;
  const isRow = (fields: readonly string[]) =>
    fields.length === header?.length &&
    NAMED_EXTENSIONS.has(extname((fields[fileColumn] ?? '').trim()).toLowerCase());
  for await (const { fields, line, hasOpenQuote } of tableRows(decodedText(path), { delimiter, isRow })) {
    if (header === undefined) {
      header = fields.map((name) => name.trim());
      fileColumn = header.findIndex((name) => FILE_COLUMNS.includes(name));
      columns.requireOf(header, line);
      continue;
    }
    if (fields.length !== header.length)
      throw new DataError(
        `Caption list ${path}, line ${line}: expected ${header.length} fields (${header.join(', ')}), got ${fields.length}. ${
          hasOpenQuote
            ? `A field there begins with a quote (") that doesn't enclose it, so it ends at the next ${delimiter === ',' ? 'comma' : 'tab'}: close the quote, or double it and enclose the field.`
            : `Enclose a caption that holds a ${delimiter === ',' ? 'comma' : 'tab'} or a line break in quotes.`
        }`,
      );
    const names = header;
    yield* columns.rowsOf(Object.fromEntries(fields.map((field, i) => [names[i] as string, field])), line);
  }
}

/** The columns of a list. They tell which values are the picture's name and the caption. */
class Columns {
  private readonly path: string;
  private readonly seen = { picture: false, caption: false };
  private first: { readonly names: readonly string[]; readonly line: number } | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Yields the rows of one object of the list: one row for each caption, or one row without a
   * caption.
   */
  *rowsOf(row: Readonly<Record<string, unknown>>, line: number): Generator<CaptionRow> {
    const names = Object.keys(row);
    this.first ??= { names, line };
    this.see(names);
    const file = this.texts(row, FILE_COLUMNS, line)[0] ?? '';
    const captions = this.texts(row, CAPTION_COLUMNS, line);
    for (const caption of captions.length === 0 ? [''] : captions) yield { file, caption, line };
  }

  /** Throws DataError unless these names include a picture's and a caption's column. */
  requireOf(names: readonly string[], line: number): void {
    this.first = { names, line };
    this.see(names);
    this.requireAll();
  }

  /** Throws DataError for a column that no row had. */
  requireAll(): void {
    const { first, path, seen } = this;
    if (first === undefined) return;
    for (const [what, names] of [
      ['picture', FILE_COLUMNS],
      ['caption', CAPTION_COLUMNS],
    ] as const)
      if (!seen[what])
        throw new DataError(
          `Caption list ${path}, line ${first.line}: no ${what} column. Expected ${names.join(' or ')}, found ${first.names.join(', ') || 'nothing'}.`,
        );
  }

  private see(names: readonly string[]): void {
    this.seen.picture ||= FILE_COLUMNS.some((name) => names.includes(name));
    this.seen.caption ||= CAPTION_COLUMNS.some((name) => names.includes(name));
  }

  /** Returns the texts that aren't empty in the first of these columns that has any. */
  private texts(row: Readonly<Record<string, unknown>>, columns: readonly string[], line: number): string[] {
    for (const name of columns) {
      const texts = this.textsIn(row[name], name, line);
      if (texts.length > 0) return texts;
    }
    return [];
  }

  private textsIn(value: unknown, name: string, line: number): string[] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value.flatMap((item) => this.textsIn(item, name, line));
    if (typeof value !== 'string')
      throw new DataError(
        `Caption list ${this.path}, line ${line}: expected text in '${name}', got ${JSON.stringify(value)}.`,
      );
    return value.trim() === '' ? [] : [value.trim()];
  }
}
