import { ConfigError, DataError, foldIn, foldInNames, type Key, permutation } from '@easel/core';
import { cropPlace, type PictureShape } from '../decoded/decode-picture.js';
import { decodeBatches } from '../decoded/picture-batches.js';
import { gatherPixels, type PictureCache } from '../decoded/picture-cache.js';
import { type DataPosition, EpochOrder } from '../encoded/epoch-order.js';
import { WeightedDraws, type WeightedRows, weightedEpoch } from '../encoded/weighted-draws.js';
import type { PictureSource, SkippedPicture } from '../sources/picture-source.js';
import { type ShuffledPicture, shuffledPictures } from '../sources/shuffled-pictures.js';

/** Pictures by name, and their pixels: uint8 [files.length, size, size, 3]. */
export interface NamedPixels {
  readonly files: readonly string[];
  readonly pixels: Uint8Array;
}

/**
 * The pictures of a run's updates. Key and step alone decide which they are, so that a run can go
 * on at any step.
 */
export interface TrainingPictures {
  /** Digest of the data. A run is resumed only with the same digest. */
  readonly digest: string;
  /** Side of each picture in pixels. */
  readonly size: number;
  /** Number of pictures to train on. For streamed pictures it includes those that can't be used. */
  readonly count: number;
  /** Number of updates in a pass over the pictures. */
  readonly batchesPerEpoch: number;
  /** Returns the place in the data at which update `step` begins. */
  position(step: number): DataPosition;
  /**
   * Returns the pictures of update `step`. Call it for one step after the other, or for the last
   * step again.
   */
  update(step: number): Promise<NamedPixels>;
  /** Yields random pictures, `count` at a time, until all have come. */
  sample(key: Key, count: number): AsyncGenerator<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Pictures in memory. Each epoch is a permutation of them. With groups of different weight an epoch
 * has as many draws; each draw takes a group's next picture in the group's own order.
 */
export class CachedPictures implements TrainingPictures {
  readonly digest: string;
  readonly size: number;
  readonly count: number;
  private readonly cache: PictureCache;
  private readonly rows: readonly number[];
  private readonly order: EpochOrder;

  /**
   * `groups` is null if all rows have the same weight. Throws ConfigError if the pictures don't
   * fill a batch.
   */
  constructor(
    cache: PictureCache,
    rows: readonly number[],
    batchSize: number,
    key: Key,
    groups: readonly WeightedRows[] | null = null,
  ) {
    this.digest = cache.digest;
    this.size = cache.size;
    this.cache = cache;
    this.rows = groups === null ? rows : groups.flatMap((group) => group.rows);
    this.count = this.rows.length;
    const order = groups === null ? key : (epoch: number) => weightedEpoch(groups, foldIn(key, epoch));
    this.order = new EpochOrder(order, this.rows.length, batchSize);
  }

  get batchesPerEpoch(): number {
    return this.order.batchesPerEpoch;
  }

  position(step: number): DataPosition {
    return this.order.position(step);
  }

  async update(step: number): Promise<NamedPixels> {
    return this.gather(this.order.batch(step));
  }

  async *sample(key: Key, count: number): AsyncGenerator<Uint8Array> {
    const order = permutation(key, this.rows.length);
    for (let start = 0; start < order.length; start += count)
      yield this.gather(order.subarray(start, start + count)).pixels;
  }

  private gather(indices: ArrayLike<number>): NamedPixels {
    const rows = Array.from(indices, (i) => this.rows[i] as number);
    return {
      files: rows.map((row) => this.cache.files[row] as string),
      pixels: gatherPixels(this.cache, rows),
    };
  }

  async close(): Promise<void> {}
}

/** A source that is streamed, with its weight. */
export interface WeightedSource {
  readonly source: PictureSource;
  readonly weight: number;
}

/** Settings of streamed pictures. */
export interface StreamSettings {
  readonly shape: PictureShape;
  readonly batchSize: number;
  /** Number of pictures that are shuffled together. */
  readonly bufferSize: number;
  readonly key: Key;
  /** Called for each picture that can't be used, once in each epoch in which it comes. */
  readonly onSkip: (skipped: SkippedPicture) => void;
}

/**
 * Pictures that are read and decoded when they are needed. The next update's pictures are read
 * while the present update is computed. Memory holds the pictures that are shuffled together. An
 * epoch has as many draws as there are pictures, without those that don't fill a batch. Each source
 * is read in random order, over and over. A picture that can't be used is replaced by another one
 * of its batch.
 */
export class StreamedPictures implements TrainingPictures {
  readonly digest: string;
  readonly size: number;
  readonly count: number;
  private readonly sources: readonly WeightedSource[];
  private readonly settings: StreamSettings;
  readonly batchesPerEpoch: number;
  private stream: AsyncGenerator<NamedPixels> | undefined;
  private last: { readonly step: number; readonly batch: NamedPixels } | undefined;

  /** Throws ConfigError if the pictures don't fill a batch. */
  constructor(sources: readonly WeightedSource[], settings: StreamSettings) {
    const { shape, batchSize, bufferSize } = settings;
    const count = sources.reduce((sum, { source }) => sum + source.length, 0);
    this.count = count;
    this.batchesPerEpoch = Math.floor(count / batchSize);
    if (this.batchesPerEpoch === 0)
      throw new ConfigError(
        `Training data: ${count} pictures don't fill one batch of ${batchSize}. Lower batchSize to at most ${count}.`,
      );
    this.digest = JSON.stringify([
      shape,
      bufferSize,
      sources.map(({ source, weight }) => [source.digest, weight]),
    ]);
    this.size = shape.size;
    this.sources = sources;
    this.settings = settings;
  }

  position(step: number): DataPosition {
    return { epoch: Math.floor(step / this.batchesPerEpoch), batch: step % this.batchesPerEpoch };
  }

  async update(step: number): Promise<NamedPixels> {
    if (this.last?.step === step) return this.last.batch;
    if (this.last?.step !== step - 1 || this.stream === undefined) {
      await this.stream?.return(undefined);
      this.stream = this.batches(step, this.settings.batchSize, this.settings.key);
    }
    const { value } = await this.stream.next();
    this.last = { step, batch: value as NamedPixels }; // the stream has no end
    return this.last.batch;
  }

  async *sample(key: Key, count: number): AsyncGenerator<Uint8Array> {
    let left = this.sources.reduce((sum, { source }) => sum + source.length, 0);
    for await (const { pixels } of this.batches(0, count, key)) {
      yield pixels;
      left -= count;
      if (left <= 0) return;
    }
  }

  /** Yields batches without end, from that of update `step` on. */
  private async *batches(step: number, batchSize: number, key: Key): AsyncGenerator<NamedPixels> {
    const { shape, onSkip } = this.settings;
    const pictureBytes = shape.size * shape.size * 3;
    let reason = '';
    const decoded = decodeBatches(this.pictures(step * batchSize, key), {
      batchSize,
      shape,
      onSkip: (skipped) => {
        reason = skipped.reason;
        onSkip(skipped);
      },
      place: ({ file, round }) => cropPlace(shape, `${round}/${file}`),
    });
    for await (const { pictures, pixels } of decoded) {
      if (pictures.length === 0)
        throw new DataError(
          `Training data: none of the ${batchSize} pictures of a batch can be used. ${reason} They are named in skipped.jsonl.`,
        );
      const files: string[] = [];
      const filled = new Uint8Array(batchSize * pictureBytes);
      for (let i = 0; i < batchSize; i++) {
        const from = i % pictures.length;
        files.push((pictures[from] as ShuffledPicture).file);
        filled.set(pixels.subarray(from * pictureBytes, (from + 1) * pictureBytes), i * pictureBytes);
      }
      yield { files, pixels: filled };
    }
  }

  /** Yields pictures without end, from number `from` on. The source of each picture is drawn. */
  private async *pictures(from: number, key: Key): AsyncGenerator<ShuffledPicture> {
    const draws = new WeightedDraws(
      this.sources.map(({ weight }) => weight),
      foldInNames(key, ['draws']),
    );
    const before = draws.before(from);
    const streams = this.sources.map(({ source }, i) =>
      shuffledPictures(source, foldInNames(key, ['source', i]), this.settings.bufferSize, before[i]),
    );
    try {
      for (let n = from; ; n++) {
        const { value } = await (streams[draws.at(n)] as AsyncGenerator<ShuffledPicture>).next();
        yield value as ShuffledPicture;
      }
    } finally {
      for (const stream of streams) await stream.return(undefined);
    }
  }

  async close(): Promise<void> {
    await this.stream?.return(undefined);
    for (const { source } of this.sources) await source.close();
  }
}
