import type { Raster } from '@easel/core';

/** Lines of codes above the new ones that are decoded with them: the new ones' surroundings. */
const SURROUNDING_LINES = 2;

/** Lines of codes that are drawn anew, since they lacked the lines below them before. */
const REDRAWN_LINES = 1;

const GREY = 128;

/** Lines of a picture's codes, to be decoded as a picture of their own. */
export interface Band {
  readonly codes: Int32Array;
  /** Number of the first line of the band, and of the first that is drawn from it. */
  readonly from: number;
  readonly drawnFrom: number;
  /** Number of the line behind the last one. */
  readonly to: number;
}

/**
 * A picture as far as its lines of codes are there. Only new lines are decoded, with two lines above
 * them, and the last line of those is drawn anew. With a preview at each of 16 lines that is a third
 * of decoding all lines so far each time. The pixels are not the picture's own: its norms and its
 * attention see all lines.
 */
export class PreviewCanvas {
  private readonly side: number;
  private lines = 0;
  private pixels: Raster | undefined;

  /** side: codes in a line, and lines of a picture. */
  constructor(side: number) {
    this.side = side;
  }

  /** Number of lines that the canvas shows. */
  get shownLines(): number {
    return this.lines;
  }

  /**
   * Returns the band that shows the lines that are whole, or undefined if the canvas shows them. codes: a
   * picture's codes, of which the first `count` are there.
   */
  bandOf(codes: Int32Array, count: number): Band | undefined {
    const to = Math.floor(count / this.side);
    if (to <= this.lines) return undefined;
    const from = Math.max(0, this.lines - SURROUNDING_LINES);
    const drawnFrom = Math.max(0, this.lines - REDRAWN_LINES);
    return { codes: codes.slice(from * this.side, to * this.side), from, drawnFrom, to };
  }

  /** Puts a decoded band onto the canvas. Returns a copy of the whole, with grey below. */
  draw({ from, drawnFrom, to }: Band, band: Raster): Raster {
    const { width, channels } = band;
    const ofLine = (band.height / (to - from)) * width * channels; // numbers of a line of codes
    this.pixels ??= {
      data: new Uint8Array(this.side * ofLine).fill(GREY),
      width,
      height: (band.height / (to - from)) * this.side,
      channels,
    };
    this.pixels.data.set(band.data.subarray((drawnFrom - from) * ofLine), drawnFrom * ofLine);
    this.lines = to;
    return { ...this.pixels, data: this.pixels.data.slice() };
  }
}

/**
 * Lets previews take at most a share of the time that drawing takes. What a preview will take is
 * estimated by the one before.
 */
export class PreviewBudget {
  private readonly share: number;
  private left = 0;
  private millisecondsOfLine: number | undefined;

  /** share: previews' time over the time of decoding steps. */
  constructor(share: number) {
    this.share = share;
  }

  /** Adds the time of a step. */
  earn(milliseconds: number): void {
    this.left += this.share * milliseconds;
  }

  /** How many lines can be decoded now. Before the first preview that is any number. */
  get lines(): number {
    if (this.millisecondsOfLine === undefined) return Number.POSITIVE_INFINITY;
    return this.left > 0 ? this.left / this.millisecondsOfLine : 0;
  }

  /** Takes off the time that a preview of so many lines took. */
  spend(milliseconds: number, lines: number): void {
    this.left -= milliseconds;
    this.millisecondsOfLine = milliseconds / lines;
  }
}
