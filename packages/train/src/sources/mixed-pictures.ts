import { createHash } from 'node:crypto';
import { ConfigError, foldIn, foldInNames, type Key, prngKey, uniform } from '@easel/core';
import { mergedLeftOut } from './left-out.js';
import type { CaptionedPicture, PictureSource, ReadRange } from './picture-source.js';

/** A source of a mixture. Its pictures come in proportion to `weight`. */
export interface MixedPart {
  readonly source: PictureSource;
  readonly weight: number;
}

/** How sources are mixed. */
export interface MixOptions {
  /** Seed of the draws. The same seed gives the same order. */
  readonly seed: number;
  /**
   * 'all': every picture comes once. When a source runs out, the weights hold among those that are
   * left. 'first': the mixture ends when a source runs out, so that its shares are those of the
   * weights.
   */
  readonly until: 'all' | 'first';
}

/** Number of draws that are made at a time. The place of each source before them is remembered. */
const BLOCK = 1024;

/**
 * Mixes several sources into one. Before each picture a draw says which source gives it. The names
 * of pictures begin with their source's number: `0:…`, `1:…`. Throws ConfigError for weights that
 * aren't above 0.
 */
export function mixPictures(parts: readonly MixedPart[], { seed, until }: MixOptions): PictureSource {
  const bad = parts.find(({ weight }) => !(weight > 0 && Number.isFinite(weight)));
  if (bad !== undefined)
    throw new ConfigError(
      `Sources: expected weights above 0, got ${bad.weight} for ${bad.source.description}.`,
    );
  const order = new MixOrder(
    parts.map(({ source }) => source.length),
    parts.map(({ weight }) => weight),
    foldInNames(prngKey(seed), ['mixture']),
    until,
  );
  const hash = createHash('sha256').update(JSON.stringify([seed, until]));
  for (const { source, weight } of parts) hash.update(JSON.stringify([source.digest, weight]));
  return {
    description: parts.map(({ source, weight }) => `${weight} × ${source.description}`).join(' + '),
    length: order.length,
    digest: hash.digest('hex'),
    leftOut: mergedLeftOut(parts.map(({ source }) => source.leftOut)),
    read: (range) => mixed(parts, order, range),
    async close() {
      for (const { source } of parts) await source.close();
    },
  };
}

async function* mixed(
  parts: readonly MixedPart[],
  order: MixOrder,
  { from = 0, to = order.length, ...rest }: ReadRange = {},
): AsyncGenerator<CaptionedPicture> {
  const streams: (AsyncGenerator<CaptionedPicture> | undefined)[] = parts.map(() => undefined);
  try {
    let left = Math.min(to, order.length) - from;
    for (const { part, number } of order.from(from)) {
      if (left-- <= 0) return;
      streams[part] ??= (parts[part] as MixedPart).source.read({ from: number, ...rest });
      const { value, done } = await (streams[part] as AsyncGenerator<CaptionedPicture>).next();
      if (done) return;
      yield { ...value, file: `${part}:${value.file}` };
    }
  } finally {
    for (const stream of streams) await stream?.return(undefined);
  }
}

/** The order of a mixture: which picture of which source comes at each place. */
export class MixOrder {
  readonly length: number;
  private readonly lengths: readonly number[];
  private readonly weights: readonly number[];
  private readonly key: Key;
  /**
   * How many pictures of each source come before draw 0, before draw BLOCK, before draw 2 · BLOCK
   * and so on. Each group of numbers has one number a source.
   */
  private readonly before: number[] = [];

  constructor(lengths: readonly number[], weights: readonly number[], key: Key, until: MixOptions['until']) {
    this.lengths = lengths;
    this.weights = weights;
    this.key = key;
    const taken = lengths.map(() => 0);
    let n = 0;
    const whole = lengths.reduce((sum, length) => sum + length, 0);
    const goesOn = () =>
      until === 'all' ? n < whole : lengths.every((length, i) => (taken[i] as number) < length);
    for (; goesOn(); n++) {
      if (n % BLOCK === 0) this.before.push(...taken);
      const part = this.drawn(n, taken);
      taken[part] = (taken[part] as number) + 1;
    }
    this.length = n;
  }

  /**
   * Yields, from place `n` on, each place's source and the number of the picture in that source.
   */
  *from(n: number): Generator<{ readonly part: number; readonly number: number }> {
    const sources = this.lengths.length;
    const block = Math.floor(n / BLOCK);
    const taken = this.before.slice(block * sources, (block + 1) * sources);
    for (let at = block * BLOCK; at < this.length; at++) {
      const part = this.drawn(at, taken);
      const number = taken[part] as number;
      taken[part] = number + 1;
      if (at >= n) yield { part, number };
    }
  }

  private draws: { readonly block: number; readonly values: Float32Array } | undefined;

  /** Draws the source of place `n` among the sources that have pictures left. */
  private drawn(n: number, taken: readonly number[]): number {
    const block = Math.floor(n / BLOCK);
    if (this.draws?.block !== block)
      this.draws = { block, values: uniform(foldIn(this.key, block), [BLOCK]) };
    const { lengths, weights } = this;
    const has = (i: number) => (taken[i] as number) < (lengths[i] as number);
    let sum = 0;
    for (let i = 0; i < weights.length; i++) if (has(i)) sum += weights[i] as number;
    let rest = (this.draws.values[n % BLOCK] as number) * sum;
    let last = -1;
    for (let i = 0; i < weights.length; i++) {
      if (!has(i)) continue;
      last = i;
      rest -= weights[i] as number;
      if (rest < 0) break;
    }
    return last;
  }
}
