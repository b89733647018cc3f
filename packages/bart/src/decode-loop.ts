import { ConfigError, EaselError } from '@easel/core';
import type * as tf from '@tensorflow/tfjs';
import type { DecodeState, StepRows } from './decode-state.js';
import type { ImageTokenModel } from './image-token-model.js';
import { type Noise, Sampler, type SamplingOptions } from './sampling.js';
import { checkText, placeText, type TextIds } from './text-inputs.js';

/** Sizes of a DecodeLoop. */
export interface DecodeLoopOptions {
  /**
   * Most rows at a time, which bounds the memory. A picture takes one row, or two with super
   * conditioning.
   */
  readonly rows: number;
  /** Most tokens of a picture (default the model's imageLength). */
  readonly length?: number;
  /**
   * Whether room for all rows is made at the start. Otherwise it grows as pictures come (default
   * false).
   */
  readonly reserve?: boolean;
  /**
   * Most rows of one pass through the model (default 32). A step with more rows takes several
   * passes. On the native backend, in passes of up to 32 rows, a row's numbers do not depend on the
   * rows beside it, to the last bit.
   */
  readonly rowsOfPass?: number;
}

/** A picture to draw. */
export interface DrawingRequest extends SamplingOptions {
  readonly text: TextIds;
  /** The text of "no prompt". Super conditioning (conditionScale other than 1) needs it. */
  readonly noText?: TextIds | undefined;
  /** Source of the picture's noise (default: the key prngKey(0), as for a picture drawn alone). */
  readonly noise?: Noise;
}

/** A picture that a DecodeLoop draws. */
export interface Drawing {
  /**
   * The picture's tokens without the start token. Tokens still to come, and those behind an early
   * end, are the padding id.
   */
  readonly tokens: Int32Array;
  /** Number of tokens so far. */
  readonly step: number;
  /** Number of tokens when the picture is done, unless it ends early. */
  readonly total: number;
  /** Whether the picture has all its tokens. */
  readonly done: boolean;
}

/** A Drawing with its place in the loop. */
class Slot implements Drawing {
  readonly tokens: Int32Array;
  step = 0;
  done = false;
  readonly sampler: Sampler;
  /** The picture's rows in the state's caches: the row with the prompt, then the one without. */
  readonly rows: readonly number[];
  /** The text that each of these rows looks at. */
  readonly texts: readonly PlacedText[];

  constructor(sampler: Sampler, rows: readonly number[], texts: readonly PlacedText[]) {
    this.sampler = sampler;
    this.tokens = new Int32Array(sampler.total).fill(sampler.pad);
    this.rows = rows;
    this.texts = texts;
  }

  get total(): number {
    return this.sampler.total;
  }

  /** The token that is fed next. */
  get newest(): number {
    return this.step === 0 ? this.sampler.start : (this.tokens[this.step - 1] as number);
  }
}

/** A text in the state, with the number of rows that look at it. */
interface PlacedText {
  readonly place: number;
  readonly content: string;
  users: number;
}

/** Pictures that go through the model together, and the logits that it gave for them. */
interface Pass {
  readonly slots: readonly Slot[];
  readonly logits: tf.Tensor2D;
}

/**
 * Draws pictures that come and go. A request may be admitted at any time. Each step gives every
 * picture one more token. A picture leaves when it has all its tokens, or when it is released. Each
 * picture has its own text, noise, settings and position, and gets the tokens that it would get
 * alone. On the native backend its logits are the same to the last bit.
 *
 * ```ts
 * const loop = new DecodeLoop(model, { rows: 16 });
 * const drawing = loop.admit({ text, noText, conditionScale: 10, noise: { key } });
 * while (!drawing.done) await loop.step();
 * loop.dispose();
 * ```
 *
 * Each text is encoded once, by itself. All rows that look at it share it, such as the rows of "no
 * prompt". The text stays for later requests until its place is needed. The two rows of super
 * conditioning lie side by side in a step. No value is read synchronously from the backend. The
 * caller decides about queues and fairness: see `fits`. The design follows `update_slots` of
 * llama.cpp's server.
 */
export class DecodeLoop {
  private readonly model: ImageTokenModel;
  private readonly mostRows: number;
  private readonly length: number;
  private readonly reserve: boolean;
  private readonly rowsOfPass: number;
  private state: DecodeState | undefined;
  private readonly slots = new Set<Slot>();
  private readonly takenRows = new Set<number>();
  /** The texts in the state by content, in the order of their last use. */
  private readonly texts = new Map<string, PlacedText>();
  private stepping = false;
  private disposed = false;

  /** Throws ConfigError for sizes out of range. */
  constructor(model: ImageTokenModel, options: DecodeLoopOptions) {
    const { rows, length = model.config.imageLength, reserve = false, rowsOfPass = 32 } = options;
    checkSize('rows', rows, 1, Number.POSITIVE_INFINITY);
    checkSize('length', length, 1, model.config.imageLength);
    checkSize('rowsOfPass', rowsOfPass, 2, Number.POSITIVE_INFINITY);
    this.model = model;
    this.mostRows = rows;
    this.length = length;
    this.reserve = reserve;
    this.rowsOfPass = rowsOfPass;
  }

  /** The pictures being drawn, in the order in which they were admitted. */
  get drawings(): readonly Drawing[] {
    return [...this.slots];
  }

  /** Number of rows that no picture has taken. */
  get freeRows(): number {
    return this.mostRows - this.takenRows.size;
  }

  /** Whether enough rows are free for a picture with this conditionScale. */
  fits({ conditionScale = 1 }: Pick<SamplingOptions, 'conditionScale'>): boolean {
    return (conditionScale === 1 ? 1 : 2) <= this.freeRows;
  }

  /**
   * Throws what `admit` would throw for this request whatever room there is: ConfigError for settings
   * out of range, DataError for a text that does not fit the model.
   */
  check(request: DrawingRequest): void {
    this.planOf(request);
  }

  /**
   * Makes room for so many rows, at most all of them, so that the caches are not copied as pictures
   * come one by one.
   */
  prepare(rows: number): void {
    this.checkOpen();
    this.makeRoom(Math.min(rows, this.mostRows), 1);
  }

  /**
   * Admits a picture and encodes its texts, unless the state has them. It may be called while a
   * step is under way; the picture's first token comes with the next step. Throws ConfigError for
   * settings out of range, DataError for a text that does not fit the model, and EaselError if
   * there is no room (ask `fits` first). If it throws, nothing has changed.
   */
  admit(request: DrawingRequest): Drawing {
    this.checkOpen();
    const { sampler, texts } = this.planOf(request);
    if (sampler.rows > this.freeRows) {
      throw new EaselError(
        `DecodeLoop: expected room for ${sampler.rows} rows, found ${this.freeRows} of ${this.mostRows} free. Wait until a picture is done, or release one.`,
      );
    }
    const placed: PlacedText[] = [];
    try {
      for (const text of texts) placed.push(this.place(text));
      const rows = this.takeRows(sampler.rows);
      const slot = new Slot(sampler, rows, placed);
      this.slots.add(slot);
      return slot;
    } catch (error) {
      for (const text of placed) text.users--;
      throw error;
    }
  }

  /**
   * Gives every picture one more token, and returns the pictures that got one. A picture that is
   * then done has left the loop. Pictures admitted meanwhile wait for the next step; pictures
   * released meanwhile get no token. Throws EaselError while another step is under way. If it
   * throws, no picture has changed, and the step may be tried again.
   */
  async step(): Promise<readonly Drawing[]> {
    this.checkOpen();
    if (this.stepping) throw new EaselError('DecodeLoop: a step is under way; await it before the next.');
    this.stepping = true;
    const passes: Pass[] = [];
    try {
      for (const slots of this.passes()) passes.push({ slots, logits: this.feed(slots) });
      const values = await Promise.all(passes.map(({ logits }) => logits.data()));
      const stepped: Slot[] = [];
      for (const [i, { slots }] of passes.entries()) {
        stepped.push(...this.sample(slots, values[i] as Float32Array));
      }
      return stepped;
    } finally {
      for (const { logits } of passes) logits.dispose();
      this.stepping = false;
      if (this.disposed) this.state?.dispose();
    }
  }

  /**
   * Removes a picture, done or not, and frees its rows at once. A picture that has already left is
   * ignored.
   */
  release(drawing: Drawing): void {
    const slot = drawing as Slot;
    if (!this.slots.delete(slot)) return;
    for (const row of slot.rows) this.takenRows.delete(row);
    for (const text of slot.texts) text.users--;
  }

  /**
   * Removes all pictures and frees the memory. If a step is under way, the memory is freed when it
   * has ended.
   */
  dispose(): void {
    if (this.disposed) return;
    for (const slot of this.slots) this.release(slot);
    this.texts.clear();
    this.disposed = true;
    if (!this.stepping) this.state?.dispose();
  }

  /** The sampler of a request's picture, and the text that each of its rows looks at. */
  private planOf(request: DrawingRequest): { readonly sampler: Sampler; readonly texts: readonly TextIds[] } {
    const { config } = this.model;
    const sampler = new Sampler(config, request, request.noise);
    if (sampler.total > this.length) {
      throw new ConfigError(
        `DecodeLoop: expected maxLength to be at most ${this.length + 1} (its length and the start token), got ${sampler.total + 1}.`,
      );
    }
    const texts = textsOf(request, sampler.rows);
    for (const text of texts) checkText(text, config);
    return { sampler, texts };
  }

  /**
   * Splits the pictures into groups of nearly equal size. Each group goes through the model
   * together.
   */
  private passes(): Slot[][] {
    const total = this.takenRows.size;
    const even = Math.ceil(total / Math.ceil(total / this.rowsOfPass));
    const most = Math.min(this.rowsOfPass, even + 1); // a picture's two rows stay together
    const groups: Slot[][] = [];
    let rows = Number.POSITIVE_INFINITY;
    for (const slot of this.slots) {
      if (rows + slot.rows.length > most) {
        groups.push([]);
        rows = 0;
      }
      (groups.at(-1) as Slot[]).push(slot);
      rows += slot.rows.length;
    }
    return groups;
  }

  /**
   * Feeds each picture's newest token to the model, in each row of the picture. Returns the logits,
   * [rows, V].
   */
  private feed(slots: readonly Slot[]): tf.Tensor2D {
    const each = (value: (slot: Slot, i: number) => number): Int32Array =>
      Int32Array.from(slots.flatMap((slot) => slot.rows.map((_, i) => value(slot, i))));
    const rows: StepRows = {
      ids: each((slot) => slot.newest),
      positions: each((slot) => slot.step),
      rows: each((slot, i) => slot.rows[i] as number),
      texts: each((slot, i) => (slot.texts[i] as PlacedText).place),
    };
    return this.model.step(this.state as DecodeState, rows);
  }

  /**
   * Chooses a token for each picture that has not been released. logits: [rows, V], flat. Returns
   * these pictures.
   */
  private sample(slots: readonly Slot[], logits: Float32Array): Slot[] {
    const vocabulary = logits.length / slots.reduce((rows, slot) => rows + slot.rows.length, 0);
    const stepped: Slot[] = [];
    let at = 0;
    for (const slot of slots) {
      const row = (i: number): Float32Array =>
        logits.subarray(at + i * vocabulary, at + (i + 1) * vocabulary);
      if (this.slots.has(slot)) {
        const { token, ends } = slot.sampler.choose(row(0), row(slot.rows.length - 1), slot.step + 1);
        slot.tokens[slot.step] = token;
        slot.step++;
        slot.done = ends || slot.step === slot.total;
        if (slot.done) this.release(slot);
        stepped.push(slot);
      }
      at += slot.rows.length * vocabulary;
    }
    return stepped;
  }

  /** Takes the lowest free rows and makes room for them in the state. */
  private takeRows(count: number): number[] {
    const rows: number[] = [];
    for (let row = 0; rows.length < count; row++) if (!this.takenRows.has(row)) rows.push(row);
    this.makeRoom((rows.at(-1) as number) + 1, 1);
    for (const row of rows) this.takenRows.add(row);
    return rows;
  }

  /**
   * Returns the text as it lies in the state, and counts one more row that looks at it. A text that
   * is not there is encoded and put in.
   */
  private place(text: TextIds): PlacedText {
    const content = `${text.ids}|${text.mask}`;
    const known = this.texts.get(content);
    const found = known ?? { place: this.freePlace(), content, users: 0 };
    if (!known) placeText(this.model, this.state as DecodeState, found.place, text);
    // Deleting and setting moves the text to the end of the map: it is the last one used.
    this.texts.delete(content);
    this.texts.set(content, found);
    found.users++;
    return found;
  }

  /**
   * Returns a free place for a text, for which the state grows if it must. If all places are taken,
   * the text that no row looks at and that was used least recently gives up its place.
   */
  private freePlace(): number {
    const taken = new Set([...this.texts.values()].map(({ place }) => place));
    for (let place = 0; place < this.mostRows; place++) {
      if (taken.has(place)) continue;
      this.makeRoom(1, place + 1);
      return place;
    }
    // An unused text exists: there are as many places as rows, each taken row looks at one text,
    // and at least one row is free.
    const unused = [...this.texts.values()].find(({ users }) => users === 0) as PlacedText;
    this.texts.delete(unused.content);
    return unused.place;
  }

  /**
   * Makes room for so many rows and texts. Room at least doubles each time it grows, so that the
   * caches are seldom copied.
   */
  private makeRoom(rows: number, texts: number): void {
    const { model, length, mostRows, state } = this;
    if (state === undefined) {
      const textLength = model.config.maxTextLength;
      const first = { rows: this.reserve ? mostRows : rows, length, texts, textLength };
      this.state = model.startDecoding(first);
      return;
    }
    const more = (needed: number, had: number): number =>
      needed <= had ? had : Math.min(mostRows, Math.max(needed, 2 * had));
    const { room } = state;
    if (rows > room.rows || texts > room.texts) state.grow(more(rows, room.rows), more(texts, room.texts));
  }

  private checkOpen(): void {
    if (this.disposed) throw new EaselError('DecodeLoop: it has been disposed; make another one.');
  }
}

/**
 * Returns the text that each row of a picture looks at. Throws ConfigError if super conditioning
 * lacks noText.
 */
function textsOf({ text, noText }: DrawingRequest, rows: 1 | 2): TextIds[] {
  if (rows === 1) return [text];
  if (noText === undefined) {
    throw new ConfigError(
      'generate: super conditioning (conditionScale other than 1) needs the text of "no prompt": noText, or uncondInputIds and uncondAttentionMask, which the processor makes.',
    );
  }
  return [text, noText];
}

function checkSize(name: string, size: number, least: number, most: number): void {
  if (Number.isInteger(size) && size >= least && size <= most) return;
  const range = Number.isFinite(most) ? `from ${least} to ${most}` : `of at least ${least}`;
  throw new ConfigError(`DecodeLoop: expected ${name} to be a whole number ${range}, got ${size}.`);
}
