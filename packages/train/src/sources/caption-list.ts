import { createReadStream } from 'node:fs';
import { basename, extname } from 'node:path';
import { DataError } from '@easel/core';
import { CsvError, parse } from 'csv-parse';
import { fileLines } from './byte-lines.js';

/** One row of a caption list: a picture's file as the list names it, a caption, and the line it stands on. */
export interface CaptionRow {
  readonly file: string;
  readonly caption: string;
  readonly line: number;
}

/** Names that a list may give its picture column and its caption column, in the order in which they are tried. */
const FILE_COLUMNS = ['file', 'image', 'image_file'];
const CAPTION_COLUMNS = ['caption', 'text'];

/** The file endings of caption lists. */
export const CAPTION_LIST_EXTENSIONS: readonly string[] = ['.jsonl', '.csv', '.tsv'];

/**
 * The rows of a caption list, read as a stream.
 *
 * `.csv` and `.tsv` need a header line; `.jsonl` holds one object a line. The picture's column is called `file`,
 * `image` or `image_file`, the caption's `caption` or `text`; other columns are ignored.
 * Throws DataError, naming file and line, for another ending, bytes that aren't UTF-8, a missing column, a value
 * that isn't a string, and a line that doesn't parse.
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

/** The file's text in pieces; DataError where it isn't UTF-8 (a BOM is dropped). */
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
  let line = 0;
  try {
    for await (const bytes of fileLines(path)) {
      line++;
      let text: string;
      try {
        text = decoder.decode(bytes);
      } catch {
        throw new DataError(
          `Caption list ${path}, line ${line}: it isn't UTF-8 text. Save it as UTF-8 and try again.`,
        );
      }
      if (text.trim() === '') continue;
      let row: unknown;
      try {
        row = JSON.parse(text);
      } catch (error) {
        throw new DataError(
          `Caption list ${path}, line ${line}: expected one JSON object, got '${text.slice(0, 60)}' (${(error as Error).message}).`,
        );
      }
      if (typeof row !== 'object' || row === null || Array.isArray(row))
        throw new DataError(
          `Caption list ${path}, line ${line}: expected a JSON object, got '${text.slice(0, 60)}'.`,
        );
      yield rowOf(row as Record<string, unknown>, path, line);
    }
  } catch (error) {
    if (error instanceof DataError && error.message.startsWith('Caption list')) throw error;
    throw new DataError(`Caption list ${path}: can't be read (${(error as Error).message}).`);
  }
}

async function* readTable(path: string, delimiter: string): AsyncGenerator<CaptionRow> {
  // relax_quotes: a caption such as `a 5" screen` is text, not a broken quotation.
  const parser = parse({ delimiter, columns: true, info: true, skip_empty_lines: true, relax_quotes: true });
  const feeding = (async () => {
    try {
      for await (const text of decodedText(path))
        if (!parser.write(text)) await new Promise((resolve) => parser.once('drain', resolve));
      parser.end();
    } catch (error) {
      parser.destroy(error as Error);
    }
  })();
  try {
    for await (const item of parser) {
      const { record, info } = item as { record: Record<string, unknown>; info: { lines: number } };
      yield rowOf(record, path, info.lines);
    }
  } catch (error) {
    if (error instanceof CsvError) throw new DataError(`Caption list ${path}: ${error.message}.`);
    throw error;
  } finally {
    parser.destroy();
  }
  await feeding;
}

function rowOf(row: Record<string, unknown>, path: string, line: number): CaptionRow {
  const value = (names: string[], what: string) => {
    const name = names.find((candidate) => row[candidate] !== undefined);
    if (name === undefined)
      throw new DataError(
        `Caption list ${path}, line ${line}: no ${what} column. Expected ${names.join(' or ')}, found ${Object.keys(row).join(', ') || 'nothing'}.`,
      );
    const text = row[name];
    if (typeof text !== 'string')
      throw new DataError(
        `Caption list ${path}, line ${line}: expected text in '${name}', got ${JSON.stringify(text)}.`,
      );
    return text;
  };
  const file = value(FILE_COLUMNS, 'picture').trim();
  if (file === '') throw new DataError(`Caption list ${path}, line ${line}: the picture's name is empty.`);
  return { file, caption: value(CAPTION_COLUMNS, 'caption').trim(), line };
}
