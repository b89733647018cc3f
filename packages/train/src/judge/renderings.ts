import { DataError } from '@easel/core';
import { comparedFeatures } from './compared-features.js';
import type { JudgedSet } from './judged-set.js';

/** Renderings whose features are kept: 4 kB each. */
const KEPT = 40_000;

/** The renderings of a set in one size, and their features. */
export class Renderings {
  /** Side of the renderings in pixels. */
  readonly size: number;
  private readonly set: JudgedSet;
  private readonly features = new Map<string, Float32Array>();

  /** `size`: side in pixels, a multiple of 16. */
  constructor(set: JudgedSet, size: number) {
    this.set = set;
    this.size = size;
  }

  /** Returns a rendering: uint8 [size, size, 3]. Throws DataError for one of another size. */
  async pixels(name: string): Promise<Uint8Array> {
    const pixels = await this.set.render(name, this.size);
    const expected = this.size * this.size * 3;
    if (pixels instanceof Uint8Array && pixels.length === expected) return pixels;
    const found = pixels instanceof Uint8Array ? `${pixels.length} bytes` : typeof pixels;
    throw new DataError(
      `Judged prompts: expected the rendering ${name} to be a Uint8Array of ${expected} bytes, RGB of ${this.size} × ${this.size} pixels, got ${found}.`,
    );
  }

  /** Returns a rendering's features. Those that were asked for first are forgotten first. */
  async featuresOf(name: string): Promise<Float32Array> {
    const known = this.features.get(name);
    if (known !== undefined) return known;
    const features = comparedFeatures(await this.pixels(name), this.size);
    if (this.features.size >= KEPT) this.features.delete(this.features.keys().next().value as string);
    this.features.set(name, features);
    return features;
  }
}
