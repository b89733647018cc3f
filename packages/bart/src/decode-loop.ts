import { ConfigError, EaselError } from '@easel/core';
import type * as tf from '@tensorflow/tfjs';
import type { DecodeState, StepRows } from './decode-state.js';
import type { ImageTokenModel } from './image-token-model.js';
import { type Noise, Sampler, type SamplingOptions } from './sampling.js';
import { checkText, placeText, type TextIds } from './text-inputs.js';

/** How much a DecodeLoop holds. */
export interface DecodeLoopOptions {
  /** Rows at most: a picture takes one, with super conditioning two. This bounds the memory. */
  readonly rows: number;
  /** Tokens of a picture at most (default the model's imageLength). */
  readonly length?: number;
  /** Make room for all rows at once, in place of as they come (default false). */
  readonly reserve?: boolean;
  /**
   * Rows of one pass through the model at most (default 32); more rows take several. On the native
   * backend a row's numbers are the same to the last bit whatever the rows beside it, for passes of
   * up to 32.
   */
  readonly rowsOfPass?: number;
}

/** A picture to draw. */
export interface DrawingRequest extends SamplingOptions {
  readonly text: TextIds;
  /** The text of "no prompt", which super conditioning (conditionScale other than 1) needs. */
  readonly noText?: TextIds | undefined;
  /** Default: a picture of its own with prngKey(0). */
  readonly noise?: Noise;
}

/** A picture of a DecodeLoop. */
export interface Drawing {
  /**
   * Its tokens, start token left out; those that are still to come, and those behind an early end,
   * are the padding id.
   */
  readonly tokens: Int32Array;
  /** How many tokens it has so far. */
  readonly step: number;
  /** How many it will have, unless it ends early. */
  readonly total: number;
  /** Whether it has all its tokens. */
  readonly done: boolean;
}

/** A Drawing with its place in the loop. */
class Slot implements Drawing {
  readonly tokens: Int32Array;
  step = 0;
  done = false;
  readonly sampler: Sampler;
  /** Rows of the state's caches: with the prompt, then without. */
  readonly rows: readonly number[];
  /** The texts that these look at. */
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

/** A text in the state, and how many rows look at it. */
interface PlacedText {
  readonly place: number;
  readonly content: string;
  users: number;
}

/** Pictures that go through the model together, and what it gave. */
interface Pass {
  readonly slots: readonly Slot[];
  readonly logits: tf.Tensor2D;
}

/**
 * Draws pictures that come and go: a request is admitted at any time, each step gives all pictures
 * one token more, and a picture leaves when it has all or is released. Each has a text, noise,
 * settings and place of its own, and gets the tokens it would get alone; on the native backend to
 * the last bit of its logits.
 *
 * ```ts
 * const loop = new DecodeLoop(model, { rows: 16 });
 * const drawing = loop.admit({ text, noText, conditionScale: 10, noise: { key } });
 * while (!drawing.done) await loop.step();
 * loop.dispose();
 * ```
 *
 * Each text is encoded once, by itself, and shared by all rows that look at it, such as those of
 * "no prompt"; it stays for later requests until its place is needed. The two rows of super
 * conditioning lie side by side in a step. Nothing is read before it has been awaited. Queues and
 * fairness are the caller's: see `fits`. After llama.cpp's server, update_slots.
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
  /** By content, in the order of their last use. */
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

  /** Pictures that are being drawn, in the order in which they came. */
  get drawings(): readonly Drawing[] {
    return [...this.slots];
  }

  /** Rows that no picture has. */
  get freeRows(): number {
    return this.mostRows - this.takenRows.size;
  }

  /** Whether there are rows for such a picture now. */
  fits({ conditionScale = 1 }: Pick<SamplingOptions, 'conditionScale'>): boolean {
    return (conditionScale === 1 ? 1 : 2) <= this.freeRows;
  }

  /**
   * Takes a picture in: its first token comes with the next step, also while one is under way.
   * Encodes its texts, unless they are there. If it throws, nothing has changed: ConfigError for
   * settings out of range, DataError for a text that does not fit the model, EaselError if there is
   * no room (ask `fits` before).
   */
  admit(request: DrawingRequest): Drawing {
    this.checkOpen();
    const { config } = this.model;
    const sampler = new Sampler(config, request, request.noise);
    if (sampler.total > this.length) {
      throw new ConfigError(
        `DecodeLoop: expected maxLength to be at most ${this.length + 1} (its length and the start token), got ${sampler.total + 1}.`,
      );
    }
    const texts = textsOf(request, sampler.rows);
    for (const text of texts) checkText(text, config);
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
   * Gives every picture one token more and returns those that got one; a picture that is done has
   * left. Pictures that are admitted meanwhile wait for the next step, and those that are released
   * meanwhile get none. If it throws, no picture has changed, and it may be tried again. Throws
   * EaselError while another step is under way.
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
   * Lets a picture go, done or not; its rows are free at once. One that has left already is passed
   * over.
   */
  release(drawing: Drawing): void {
    const slot = drawing as Slot;
    if (!this.slots.delete(slot)) return;
    for (const row of slot.rows) this.takenRows.delete(row);
    for (const text of slot.texts) text.users--;
  }

  /** Lets all pictures go and frees the memory; once a step that is under way has ended. */
  dispose(): void {
    if (this.disposed) return;
    for (const slot of this.slots) this.release(slot);
    this.texts.clear();
    this.disposed = true;
    if (!this.stepping) this.state?.dispose();
  }

  /** The pictures in groups that go through the model together, of nearly equal size. */
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

  /** Feeds each picture's newest token, to both of its rows. */
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

  /** Chooses a token for each picture that is still there. logits: [rows, V], flat. */
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

  /** The lowest free rows, for which the state makes room. */
  private takeRows(count: number): number[] {
    const rows: number[] = [];
    for (let row = 0; rows.length < count; row++) if (!this.takenRows.has(row)) rows.push(row);
    this.makeRoom((rows.at(-1) as number) + 1, 1);
    for (const row of rows) this.takenRows.add(row);
    return rows;
  }

  /**
   * A text's place in the state, where it is or is put now; counted as looked at by one row more.
   */
  private place(text: TextIds): PlacedText {
    const content = `${text.ids}|${text.mask}`;
    const known = this.texts.get(content);
    const found = known ?? { place: this.freePlace(), content, users: 0 };
    if (!known) placeText(this.model, this.state as DecodeState, found.place, text);
    // Again at the end: the last one used.
    this.texts.delete(content);
    this.texts.set(content, found);
    found.users++;
    return found;
  }

  /**
   * A place for a text: one that the state has or can have, else that of the text which nobody has
   * looked at for longest.
   */
  private freePlace(): number {
    const taken = new Set([...this.texts.values()].map(({ place }) => place));
    for (let place = 0; place < this.mostRows; place++) {
      if (taken.has(place)) continue;
      this.makeRoom(1, place + 1);
      return place;
    }
    // There are as many places as rows, each row looks at one text, and at least one row is free.
    const unused = [...this.texts.values()].find(({ users }) => users === 0) as PlacedText;
    this.texts.delete(unused.content);
    return unused.place;
  }

  /**
   * Makes room for so many rows and texts, each time twice what there was, so that it is seldom
   * copied.
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

/** The texts that a picture's rows look at. */
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
