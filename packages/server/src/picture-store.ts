import { randomUUID } from 'node:crypto';

interface StoredPicture {
  readonly png: Uint8Array;
  /** The clock's time after which it is gone. */
  readonly until: number;
}

/**
 * Keeps pictures for a while, each under a name that cannot be guessed. The oldest go when they
 * take too many bytes.
 */
export class PictureStore {
  private readonly pictures = new Map<string, StoredPicture>();
  private readonly bytes: number;
  private readonly milliseconds: number;
  private readonly now: () => number;
  private held = 0;

  /** bytes: at most so many in all; seconds: so long; now: milliseconds of a clock. */
  constructor(bytes: number, seconds: number, now: () => number = () => performance.now()) {
    this.bytes = bytes;
    this.milliseconds = seconds * 1000;
    this.now = now;
  }

  /** Keeps a picture and returns its name. */
  put(png: Uint8Array): string {
    const name = randomUUID();
    this.pictures.set(name, { png, until: this.now() + this.milliseconds });
    this.held += png.length;
    for (const [other, { until }] of this.pictures) {
      if (other === name || (this.held <= this.bytes && until > this.now())) break;
      this.remove(other);
    }
    return name;
  }

  /** Returns a picture, or undefined if it is gone or never was. */
  get(name: string): Uint8Array | undefined {
    const found = this.pictures.get(name);
    if (found === undefined) return undefined;
    if (found.until > this.now()) return found.png;
    this.remove(name);
    return undefined;
  }

  private remove(name: string): void {
    this.held -= this.pictures.get(name)?.png.length ?? 0;
    this.pictures.delete(name);
  }
}
