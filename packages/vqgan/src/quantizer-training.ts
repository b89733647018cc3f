import { CheckpointError, type Key, permutation, randint, ShapeError, split } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { CodebookNorm } from './config.js';
import { nearestCodes } from './quantizer.js';

/** Settings of a CodebookTracker. */
export interface CodebookTrackerOptions {
  /** The model's config.codebookNorm. With 'l2' codes are kept at length 1. */
  readonly norm: CodebookNorm;
  /**
   * What moves the codes: moving averages of latents (default), or the caller's gradient. With the
   * gradient the tracker only follows how often codes are used.
   */
  readonly learning?: 'averages' | 'gradient';
  /** Weight of the old value in the moving averages (default 0.99). */
  readonly decay?: number;
  /** A code is dead if its mean use is below this share of an even spread (default 0.02). */
  readonly restartBelow?: number;
}

/**
 * Number that keeps the mean use of a code above 0 (only with norm 'none'). Source: taming's
 * EMAVectorQuantizer.
 */
const SMOOTHING = 1e-5;

/**
 * Number of rows compared with the codebook at a time. With 1024 codes, 4096 rows give 16 MiB of
 * distances.
 */
const CHUNK_ROWS = 4096;

/**
 * Keeps each code at the mean of the latents that choose it, in place of a gradient. It holds
 * moving averages of how often a code is chosen, and of the sum of the latents that choose it.
 *
 * With norm 'l2' a code is the direction of its sum; otherwise it is the sum divided by the
 * smoothed use. Codes that learn by gradient stay where the optimizer put them, except that norm
 * 'l2' sets their length to 1. Codes that are hardly ever chosen are moved onto latents. Every
 * random choice takes an explicit key. `update` and `restartDead` write the model's codebook.
 * Sources: van den Oord et al. 2017, arXiv:1711.00937 appendix A.1 (moving averages); Łańcucki et
 * al. 2020, arXiv:2005.08520 (k-means start, restarts); Yu et al. 2021, arXiv:2110.04627 §3.2
 * (codes on the unit sphere).
 */
export class CodebookTracker {
  private readonly codebook: tf.Variable;
  private readonly count: number;
  private readonly width: number;
  private readonly norm: CodebookNorm;
  private readonly learning: 'averages' | 'gradient';
  private readonly decay: number;
  private readonly restartBelow: number;
  /** Moving average of how often each code is chosen in an update, [n]. */
  private readonly use: Float32Array;
  /** Moving average of the sum of the latents that choose each code, [n·E]. */
  private readonly sums: Float32Array;
  /** Number of dead codes moved so far. */
  private moved = 0;
  /**
   * The same three as variables for checkpoints, written by state(). `sums` exists only if codes
   * follow averages.
   */
  private readonly saved: { readonly use: tf.Variable; readonly restarts: tf.Variable; sums?: tf.Variable };

  /**
   * Makes a tracker that begins from the present codes, as if each had been chosen once. `codebook`
   * is model.quantizer.codes, [n, E].
   */
  static async create(codebook: tf.Variable, options: CodebookTrackerOptions): Promise<CodebookTracker> {
    return new CodebookTracker(codebook, options, Float32Array.from(await codebook.data()));
  }

  private constructor(codebook: tf.Variable, options: CodebookTrackerOptions, codes: Float32Array) {
    const [count, width] = codebook.shape as [number, number];
    this.codebook = codebook;
    this.count = count;
    this.width = width;
    this.norm = options.norm;
    this.learning = options.learning ?? 'averages';
    this.decay = options.decay ?? 0.99;
    this.restartBelow = options.restartBelow ?? 0.02;
    this.use = new Float32Array(count).fill(1);
    this.sums = codes;
    this.saved = tf.tidy(() => ({
      use: tf.variable(tf.zeros([count]), false),
      restarts: tf.variable(tf.scalar(0), false),
      ...(this.learning === 'averages' && { sums: tf.variable(tf.zeros([count, width]), false) }),
    }));
  }

  /**
   * Sets the codes to the means that k-means finds among the latents [R·E] of many pictures,
   * starting from a random choice of these latents. A code that loses all its latents on the way is
   * put onto a random one. The averages are reset. R should be many times n.
   */
  async startFromLatents(latents: Float32Array, key: Key, { rounds = 8 } = {}): Promise<void> {
    const rows = this.rowsOf(latents);
    const [orderKey, roundsKey] = split(key) as [Key, Key];
    const order = permutation(orderKey, rows);
    const codes = new Float32Array(this.count * this.width);
    for (let code = 0; code < this.count; code++)
      this.copyRow(latents, order[code % rows] as number, codes, code);
    const roundKeys = split(roundsKey, Math.max(1, rounds));
    for (let round = 0; round < rounds; round++) {
      const chosen = await this.nearest(latents, codes);
      const { use, sums } = this.tally(latents, chosen);
      const spare = randint(roundKeys[round] as Key, [this.count], 0, rows);
      for (let code = 0; code < this.count; code++) {
        if (use[code] === 0) this.copyRow(latents, spare[code] as number, codes, code);
        else this.setCode(codes, code, sums, use[code] as number);
      }
    }
    this.use.fill(1);
    this.sums.set(codes);
    this.write(codes);
  }

  /**
   * Takes in one update's latents [R·E] and the codes [R] that they chose, and writes the new
   * codebook. Throws ShapeError if the sizes do not fit.
   */
  async update(latents: Float32Array, indices: Int32Array): Promise<void> {
    if (this.rowsOf(latents) !== indices.length) {
      throw new ShapeError(
        `CodebookTracker: expected one code for each of ${latents.length / this.width} latents, got ${indices.length}.`,
      );
    }
    const { use, sums } = this.tally(latents, indices);
    blend(this.use, use, this.decay);
    if (this.learning === 'averages') {
      blend(this.sums, sums, this.decay);
      this.writeMeans();
    } else if (this.norm === 'l2') {
      const codes = await this.codes();
      for (let code = 0; code < this.count; code++) this.setCode(codes, code, codes, 1);
      this.write(codes);
    }
  }

  /**
   * Moves each dead code onto a random one of these latents [R·E] (those of the last update) and
   * writes the codebook. Returns how many codes were dead. A moved code counts as chosen half a
   * time, so that it lives on for a while.
   */
  async restartDead(latents: Float32Array, key: Key): Promise<number> {
    const rows = this.rowsOf(latents);
    const least = (this.restartBelow * rows) / this.count;
    const dead: number[] = [];
    for (let code = 0; code < this.count; code++) if ((this.use[code] as number) < least) dead.push(code);
    if (dead.length === 0) return 0;
    const places = randint(key, [dead.length], 0, rows);
    const byGradient = this.learning === 'gradient';
    const codes = byGradient ? await this.codes() : this.sums;
    dead.forEach((code, i) => {
      this.copyRow(latents, places[i] as number, codes, code);
      this.use[code] = 0.5;
      if (byGradient) return;
      for (let j = code * this.width; j < (code + 1) * this.width; j++) codes[j] = (codes[j] as number) / 2;
    });
    if (byGradient) this.write(codes);
    else this.writeMeans();
    this.moved += dead.length;
    return dead.length;
  }

  /** Number of dead codes moved since the training began, resumed runs included. */
  get restarts(): number {
    return this.moved;
  }

  /**
   * exp of the entropy of the moving averages of use. It is the number of codes that an even spread
   * of the same entropy would use.
   */
  get perplexity(): number {
    return codeUsage(this.use).perplexity;
  }

  /**
   * Returns the tracker's state by name, for a checkpoint beside the model's weights: `use` [n],
   * `sums` [n, E] if codes follow averages, and the count `restarts`. The tracker owns the tensors:
   * read or save them before the next call, and do not dispose them.
   */
  state(): Map<string, tf.Tensor> {
    tf.tidy(() => {
      this.saved.use.assign(tf.tensor1d(Float32Array.from(this.use)));
      this.saved.restarts.assign(tf.scalar(this.moved));
      this.saved.sums?.assign(tf.tensor2d(Float32Array.from(this.sums), [this.count, this.width]));
    });
    return new Map<string, tf.Tensor>(Object.entries(this.saved));
  }

  /**
   * Restores a state that `state` gave. The codebook itself comes with the model's weights. Throws
   * CheckpointError if the state does not fit.
   */
  async loadState(state: ReadonlyMap<string, tf.Tensor>): Promise<void> {
    for (const [name, own] of Object.entries(this.saved)) {
      const tensor = state.get(name);
      if (tensor === undefined && name === 'restarts') continue; // states had none at first
      if (tensor === undefined || `${tensor.shape}` !== `${own.shape}`) {
        const found = tensor === undefined ? 'none' : `[${tensor.shape}]`;
        throw new CheckpointError(
          `codebook state: expected "${name}" of shape [${own.shape}], found ${found}. Is it that of another VQGAN?`,
        );
      }
    }
    const read = async (name: string) => (await state.get(name)?.data()) as Float32Array | undefined;
    const [use, restarts, sums] = await Promise.all(['use', 'restarts', 'sums'].map(read));
    this.use.set(use as Float32Array);
    this.moved = restarts?.[0] ?? 0;
    if (this.saved.sums !== undefined) this.sums.set(sums as Float32Array);
  }

  /** Frees the tensors of state(). The codebook stays. */
  dispose(): void {
    tf.dispose(Object.values(this.saved));
  }

  private rowsOf(latents: Float32Array): number {
    const rows = latents.length / this.width;
    if (!Number.isInteger(rows) || rows === 0) {
      throw new ShapeError(
        `CodebookTracker: expected latents [R, ${this.width}] with R at least 1, got ${latents.length} numbers.`,
      );
    }
    return rows;
  }

  private copyRow(from: Float32Array, row: number, to: Float32Array, toRow: number): void {
    to.set(from.subarray(row * this.width, (row + 1) * this.width), toRow * this.width);
  }

  /** Counts how many latents chose each code, and sums these latents. */
  private tally(latents: Float32Array, indices: Int32Array): { use: Float32Array; sums: Float32Array } {
    const use = new Float32Array(this.count);
    const sums = new Float32Array(this.count * this.width);
    for (let row = 0; row < indices.length; row++) {
      const code = indices[row] as number;
      use[code] = (use[code] as number) + 1;
      for (let j = 0; j < this.width; j++) {
        const at = code * this.width + j;
        sums[at] = (sums[at] as number) + (latents[row * this.width + j] as number);
      }
    }
    return { use, sums };
  }

  private async nearest(latents: Float32Array, codes: Float32Array): Promise<Int32Array> {
    const rows = latents.length / this.width;
    const chosen = new Int32Array(rows);
    const table = tf.tensor2d(codes.slice(), [this.count, this.width]);
    for (let from = 0; from < rows; from += CHUNK_ROWS) {
      const to = Math.min(rows, from + CHUNK_ROWS);
      const chunk = latents.slice(from * this.width, to * this.width);
      const indices = tf.tidy(() => nearestCodes(tf.tensor2d(chunk, [to - from, this.width]), table));
      chosen.set(await indices.data(), from);
      indices.dispose();
    }
    table.dispose();
    return chosen;
  }

  /** Sets codes[code] to the mean that belongs to a sum of latents. */
  private setCode(codes: Float32Array, code: number, sums: Float32Array, use: number): void {
    const [from, to] = [code * this.width, (code + 1) * this.width];
    let scale = 1 / use;
    if (this.norm === 'l2') {
      let squares = 0;
      for (let j = from; j < to; j++) squares += (sums[j] as number) ** 2;
      scale = 1 / Math.max(Math.sqrt(squares), 1e-12);
    }
    for (let j = from; j < to; j++) codes[j] = (sums[j] as number) * scale;
  }

  private writeMeans(): void {
    const codes = new Float32Array(this.count * this.width);
    let total = 0;
    for (const use of this.use) total += use;
    const smooth = total / (total + this.count * SMOOTHING);
    for (let code = 0; code < this.count; code++) {
      this.setCode(codes, code, this.sums, ((this.use[code] as number) + SMOOTHING) * smooth);
    }
    this.write(codes);
  }

  /** Reads the present codes [n·E] into an array that may be changed. */
  private async codes(): Promise<Float32Array> {
    return Float32Array.from(await this.codebook.data());
  }

  private write(codes: Float32Array): void {
    tf.tidy(() => this.codebook.assign(tf.tensor2d(codes, [this.count, this.width])));
  }
}

/** average = decay·average + (1 − decay)·value. */
function blend(average: Float32Array, value: Float32Array, decay: number): void {
  for (let i = 0; i < average.length; i++) {
    average[i] = decay * (average[i] as number) + (1 - decay) * (value[i] as number);
  }
}

/**
 * Returns how many codes are chosen at all, and exp of the entropy of their shares. `counts` says
 * how often each code is chosen.
 */
export function codeUsage(counts: ArrayLike<number>): { used: number; perplexity: number } {
  let [used, total, weighted] = [0, 0, 0];
  for (let code = 0; code < counts.length; code++) {
    const count = counts[code] as number;
    if (count <= 0) continue;
    used++;
    total += count;
    weighted += count * Math.log(count);
  }
  return { used, perplexity: total === 0 ? 0 : Math.exp(Math.log(total) - weighted / total) };
}
