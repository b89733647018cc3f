/**
 * Reads the rows of .csv and .tsv files as people and programs write them.
 *
 * A field is enclosed in quotes under three conditions: it begins with a quote, it holds quotes
 * only doubled, and its closing quote stands before a delimiter or a line's end. A field that
 * begins with a quote and isn't enclosed, such as `"5 inch screen`, is plain text. It ends at its
 * first delimiter or line end, so that the rows after it stay rows. Lines end with LF, CR LF or CR,
 * also mixed. Source: RFC 4180; Python's csv for enclosed fields.
 */

/** A row and the line on which it begins. */
export interface TableRow {
  readonly fields: readonly string[];
  /** Counted from 1. */
  readonly line: number;
  /** Whether one of its fields begins with a quote that doesn't enclose it. */
  readonly hasOpenQuote: boolean;
}

/** How a table is read. */
export interface TableOptions {
  readonly delimiter: ',' | '\t';
  /**
   * Whether these fields make a whole row. It is asked about the lines inside an enclosed field. If
   * every line is a row, the quotes at both ends are taken to belong to two captions.
   */
  readonly isRow: (fields: readonly string[]) => boolean;
}

/** Longest enclosed field, in characters. A quote that is not closed within it encloses nothing. */
const MAX_ENCLOSED = 1 << 20;

const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;

/** Yields the rows of a table's text, which comes in pieces. Empty lines are passed over. */
export async function* tableRows(
  pieces: AsyncIterable<string>,
  options: TableOptions,
): AsyncGenerator<TableRow> {
  const reader = new TableReader(options);
  for await (const piece of pieces) {
    reader.feed(piece);
    yield* reader.rows();
  }
  reader.end();
  yield* reader.rows();
}

/** Where a row or a field ends. */
interface Ending {
  /** Place of the first character after the row or field. */
  readonly end: number;
  /** Place after the delimiter or line end that follows. */
  readonly next: number;
  /** Whether the end of a line or of the text follows. */
  readonly isLast: boolean;
}

/** Reads rows from text that grows at its end. */
class TableReader {
  private readonly options: TableOptions;
  private readonly delimiter: number;
  private text = '';
  private at = 0;
  private line = 1;
  private ended = false;

  constructor(options: TableOptions) {
    this.options = options;
    this.delimiter = options.delimiter.charCodeAt(0);
  }

  feed(piece: string): void {
    this.text = this.text.slice(this.at) + piece;
    this.at = 0;
  }

  end(): void {
    this.ended = true;
  }

  /** Yields the rows whose end is known. */
  *rows(): Generator<TableRow> {
    while (this.at < this.text.length) {
      const row = this.row();
      if (row === undefined) return;
      if (row.fields.length > 1 || row.fields[0] !== '') yield row;
    }
  }

  /** Returns the next row; undefined if more text is needed to tell where it ends. */
  private row(): TableRow | undefined {
    const fields: string[] = [];
    let hasOpenQuote = false;
    let lines = 0;
    for (let at = this.at; ; ) {
      const isQuoted = this.text.charCodeAt(at) === QUOTE;
      const closing = isQuoted ? this.closingQuote(at) : 'none';
      if (closing === undefined) return undefined;
      let ending: Ending | undefined;
      if (closing !== 'none') {
        ending = this.endingFrom(closing + 1);
        if (ending === undefined) return undefined;
        const inside = this.text.slice(at + 1, closing);
        fields.push(inside.replaceAll('""', '"'));
        lines += lineEnds(inside);
      } else {
        hasOpenQuote ||= isQuoted;
        ending = this.endingFrom(at);
        if (ending === undefined) return undefined;
        fields.push(this.text.slice(at, ending.end));
      }
      at = ending.next;
      if (!ending.isLast) continue;
      const { line } = this;
      this.line += lines + 1;
      this.at = at;
      return { fields, line, hasOpenQuote };
    }
  }

  /**
   * Finds the next delimiter or line end from `from` on. Returns undefined if more text is needed.
   */
  private endingFrom(from: number): Ending | undefined {
    const { text, delimiter } = this;
    for (let end = from; end < text.length; end++) {
      const code = text.charCodeAt(end);
      if (code === delimiter) return { end, next: end + 1, isLast: false };
      if (code === LF) return { end, next: end + 1, isLast: true };
      if (code !== CR) continue;
      if (end + 1 === text.length && !this.ended) return undefined;
      return { end, next: end + (text.charCodeAt(end + 1) === LF ? 2 : 1), isLast: true };
    }
    return this.ended ? { end: text.length, next: text.length, isLast: true } : undefined;
  }

  /**
   * Returns the place of the quote that closes the field at `from`, or 'none' if no quote encloses
   * the field. Returns undefined if more text is needed.
   */
  private closingQuote(from: number): number | 'none' | undefined {
    const { text } = this;
    const limit = from + MAX_ENCLOSED;
    for (let at = from + 1; ; at += 2) {
      at = text.indexOf('"', at);
      if (at < 0 || at > limit) {
        return text.length > limit || this.ended ? 'none' : undefined;
      }
      if (at + 1 === text.length && !this.ended) return undefined;
      if (text.charCodeAt(at + 1) === QUOTE) continue;
      const after = this.afterSpaces(at + 1);
      if (after === text.length && !this.ended) return undefined;
      if (!this.endsField(after)) return 'none';
      if (lineEnds(text.slice(from, at)) === 0) return at;
      const end = lineEndFrom(text, at);
      if (end === text.length && !this.ended) return undefined;
      return this.areRows(text.slice(this.at, end)) ? 'none' : at;
    }
  }

  private afterSpaces(from: number): number {
    let at = from;
    while (this.text[at] === ' ') at++;
    return at;
  }

  private endsField(at: number): boolean {
    const code = this.text.charCodeAt(at);
    return at >= this.text.length || code === this.delimiter || code === LF || code === CR;
  }

  /** Whether each line that an enclosed field would span is itself a row. */
  private areRows(lines: string): boolean {
    return lines
      .split(/\r\n|\r|\n/)
      .filter((line) => line !== '')
      .every((line) => this.options.isRow(line.split(this.options.delimiter)));
  }
}

function lineEndFrom(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === LF || code === CR) return at;
  }
  return text.length;
}

function lineEnds(text: string): number {
  return text.match(/\r\n|\r|\n/g)?.length ?? 0;
}
