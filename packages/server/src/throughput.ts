/** Seconds of drawing of which half is forgotten. */
const MEMORY_SECONDS = 10;
/** Seconds of drawing below which nothing is known. */
const LEAST_SECONDS = 0.1;

/** Measures how many codes a second are drawn while there is anything to draw. */
export class Throughput {
  private tokens = 0;
  private seconds = 0;
  private last: number | undefined;
  private readonly now: () => number;

  /** now: milliseconds of a clock. */
  constructor(now: () => number = () => performance.now()) {
    this.now = now;
  }

  /** Drawing begins or goes on. */
  begin(): void {
    this.last ??= this.now();
  }

  /** There is nothing to draw. */
  pause(): void {
    this.last = undefined;
  }

  /** So many more codes are there. */
  add(tokens: number): void {
    const now = this.now();
    this.seconds += (now - (this.last ?? now)) / 1000;
    this.last = now;
    this.tokens += tokens;
    if (this.seconds <= MEMORY_SECONDS) return;
    this.seconds /= 2;
    this.tokens /= 2;
  }

  /** Codes a second; undefined where nothing is known. */
  get perSecond(): number | undefined {
    return this.seconds < LEAST_SECONDS || this.tokens === 0 ? undefined : this.tokens / this.seconds;
  }
}
