import type { PictureBlock } from './terminal/picture-block.js';

/**
 * The stream that shows progress. A terminal is redrawn in place; any other stream gets plain
 * lines.
 */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  /** Name of the work, e.g. `drawing`. */
  readonly label: string;
  /** Number of units in all. It is undefined while unknown. */
  readonly total?: number;
  /** Plural name of a unit, e.g. `tokens`. */
  readonly unit: string;
  /**
   * Whether clock and rate begin at the first update, and the units that it counts were done
   * before. This is for work that finds out itself how much there is to do.
   */
  readonly startsLate?: boolean;
  /** Work that ends within this many milliseconds shows nothing (default 0). */
  readonly afterMilliseconds?: number;
  readonly quiet?: boolean;
  readonly stream?: ProgressStream;
  /** Returns the milliseconds of a clock, for tests. */
  readonly now?: () => number;
}

const REDRAW_MILLISECONDS = 100;
const LINE_MILLISECONDS = 10_000;
const BAR_CELLS = 24;

/** Writes seconds as `m:ss` or `h:mm:ss`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const pad = (value: number) => String(value).padStart(2, '0');
  const h = Math.floor(whole / 3600);
  const m = Math.floor((whole % 3600) / 60);
  return h > 0 ? `${h}:${pad(m)}:${pad(whole % 60)}` : `${m}:${pad(whole % 60)}`;
}

function formatRate(rate: number): string {
  return rate >= 100 ? rate.toFixed(0) : rate >= 1 ? rate.toFixed(1) : rate.toPrecision(2);
}

/**
 * A bar on stderr with count, rate and time left. On a terminal it is redrawn at most ten times a
 * second; elsewhere a line is written every ten seconds and one at the end. `note` is a text beside
 * the count, e.g. a loss. On a terminal pictures may stand above the bar.
 */
export class Progress {
  private readonly options: ProgressOptions;
  private readonly stream: ProgressStream;
  private readonly now: () => number;
  private start: number;
  private first = 0;
  private started: boolean;
  private total: number | undefined;
  private done = 0;
  private note = '';
  private lastWrite: number;
  private drawn = false;
  /** The pictures above the bar, and those that are on the terminal now. */
  private block: PictureBlock | undefined;
  private drawnBlock: PictureBlock | undefined;
  private wasShown = false;
  private share: number | undefined;
  private firstShare = 0;
  private readonly created: number;

  constructor(options: ProgressOptions) {
    this.options = options;
    this.stream = options.stream ?? process.stderr;
    this.now = options.now ?? (() => performance.now());
    this.created = this.now();
    this.start = this.created;
    this.started = !options.startsLate;
    this.total = options.total;
    this.lastWrite = this.stream.isTTY ? Number.NEGATIVE_INFINITY : this.start;
  }

  /**
   * Sets the count (and the total, if it became known) and redraws if it is time. `share` is the
   * part of the work that is done, if units are not alike. The time left then follows from it.
   */
  update(
    done: number,
    { total, note, share }: { readonly total?: number; readonly note?: string; readonly share?: number } = {},
  ): void {
    if (!this.started) this.startAt(done, share ?? 0);
    this.done = done;
    this.share = share;
    if (total !== undefined) this.total = total;
    if (note !== undefined) this.note = note;
    if (this.options.quiet) return;
    const interval = this.stream.isTTY ? REDRAW_MILLISECONDS : LINE_MILLISECONDS;
    const shows = this.now() - this.created >= (this.options.afterMilliseconds ?? 0);
    if (shows && this.now() - this.lastWrite >= interval) this.write();
  }

  /**
   * Shows pictures above the bar, in place of those before. Undefined takes them away. A stream that
   * is no terminal shows none.
   */
  showBlock(block: PictureBlock | undefined): void {
    if (this.options.quiet || !this.stream.isTTY) return;
    this.block = block;
    if (this.drawn) this.write();
  }

  /** Writes a line of result to stdout, above the bar. */
  print(line: string): void {
    this.erase();
    process.stdout.write(`${line}\n`);
    if (this.drawn) this.write();
  }

  /** Writes a line of news above the bar, e.g. an evaluation. */
  log(line: string): void {
    if (this.options.quiet) return;
    this.erase();
    this.stream.write(`${line}\n`);
    if (this.drawn) this.write();
  }

  /** Takes bar and pictures away until the next update. */
  clear(): void {
    this.erase();
    this.drawn = false;
  }

  /** Draws the last state, if there is any, and ends the line. Pictures stay above it. */
  finish(): void {
    if (this.options.quiet || !this.started) return;
    if (this.options.afterMilliseconds !== undefined && !this.wasShown) return;
    this.write();
    if (this.stream.isTTY) this.stream.write('\n');
    this.drawn = false;
    this.drawnBlock = undefined;
  }

  private startAt(done: number, share: number): void {
    this.started = true;
    this.first = done;
    this.firstShare = share;
    this.start = this.now();
    if (!this.stream.isTTY) this.lastWrite = this.start;
  }

  private erase(): void {
    if (!this.drawn || !this.stream.isTTY) return;
    this.stream.write(`${this.upFrom(this.drawnBlock)}\r\x1b[${this.drawnBlock ? 'J' : 'K'}`);
    this.drawnBlock = undefined;
  }

  /** What takes the cursor from the bar to the first line of pictures, and pictures away. */
  private upFrom(block: PictureBlock | undefined): string {
    return block === undefined ? '' : `${block.removal}\x1b[${block.lines}A`;
  }

  private write(): void {
    this.lastWrite = this.now();
    this.wasShown = true;
    if (this.stream.isTTY) {
      const width = Math.max(20, (this.stream.columns || 80) - 1);
      const line = `\r\x1b[K${this.line(true).slice(0, width)}`;
      this.stream.write(`${this.changedBlock()}${line}`);
      this.drawn = true;
    } else this.stream.write(`${this.line(false)}\n`);
  }

  /** Text that draws the pictures above the bar if others are there, with the cursor on the bar. */
  private changedBlock(): string {
    const { block, drawnBlock: old } = this;
    if (block === old) return '';
    this.drawnBlock = block;
    const place = `${this.upFrom(old)}\r`;
    // Pictures of the same height are written over, so that nothing flickers.
    return `${place}${old?.lines === block?.lines ? '' : '\x1b[J'}${block?.text ?? ''}`;
  }

  /**
   * Estimates the seconds left by the share of the work if it is known, else by the count. Returns
   * 0 at the end, and while no estimate is possible.
   */
  private secondsLeft(rate: number, seconds: number): number {
    if (this.share === undefined) return this.total === undefined ? 0 : (this.total - this.done) / rate;
    const did = this.share - this.firstShare;
    return did > 0 ? ((1 - this.share) / did) * seconds : 0;
  }

  private line(bar: boolean): string {
    const { label, unit } = this.options;
    const seconds = (this.now() - this.start) / 1000;
    const rate = seconds > 0 ? (this.done - this.first) / seconds : 0;
    const parts = [label];
    if (this.total === undefined) parts.push(`${this.done} ${unit}`);
    else {
      const share = this.total > 0 ? Math.min(1, this.done / this.total) : 1;
      const cells = Math.round(share * BAR_CELLS);
      if (bar) parts.push(`[${'='.repeat(cells)}${' '.repeat(BAR_CELLS - cells)}]`);
      parts.push(`${this.done}/${this.total} ${unit}`);
    }
    if (rate > 0) {
      parts.push(`${formatRate(rate)}/s`);
      const left = this.secondsLeft(rate, seconds);
      parts.push(left > 0 ? `${formatSeconds(left)} left` : `in ${formatSeconds(seconds)}`);
    }
    if (this.note !== '') parts.push(this.note);
    return parts.join('  ');
  }
}
