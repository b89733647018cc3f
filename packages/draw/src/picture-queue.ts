import { DecodeLoop, type Drawing, generateBeams } from '@easel/bart';
import { ConfigError, EaselError, type Raster } from '@easel/core';
import { eventLoopTurn } from '@easel/core/internals';
import { decodeBatchOf } from '@easel/vqgan/internals';
import { drawRows } from './draw-rows.js';
import { checkMemory, ROWS_OF_SLOT } from './drawing-memory.js';
import { Job, type JobOwner, type PictureJob, PictureTask } from './picture-job.js';
import type { PictureParts } from './picture-parts.js';
import type { PictureRequest } from './picture-request.js';
import { type Band, PreviewBudget } from './preview.js';
import { beamOptions } from './token-search.js';

/** Options of a PictureQueue. */
export interface PictureQueueOptions {
  /**
   * Number of pictures that are drawn at a time, at most (default 8). More is faster and takes more
   * memory.
   */
  readonly slots?: number;
  /** Most beams of a request (default 0: beam searches are refused). One search goes on at a time. */
  readonly beams?: number;
  /**
   * Bytes that drawing may take beside the weights. A queue that needs more is refused (default: no
   * limit is known).
   */
  readonly memory?: number | undefined;
  /**
   * Time of previews over the time of decoding steps, at most (default 0.1). Where it doesn't suffice,
   * previews are left out. Infinity: a preview at each line of codes.
   */
  readonly previewShare?: number;
  /** Returns the milliseconds of a clock, for tests. */
  readonly now?: () => number;
}

/** What a queue is doing. */
export interface QueueLoad {
  /** Requests of which no picture has been begun. */
  readonly waiting: number;
  /** Requests that have not ended, those that wait among them. */
  readonly requests: number;
  /** Pictures in slots. */
  readonly drawing: number;
}

/** A picture's band, to be decoded for a preview. */
interface DueBand {
  readonly task: PictureTask;
  readonly band: Band;
}

/**
 * Draws the pictures of many requests together, with continuous batching: requests come and go at
 * any time, and each decoding step gives every picture in a slot one more code. A picture is what it
 * would be if it were drawn alone; on the native backend to the last bit.
 *
 * ```ts
 * const queue = new PictureQueue(model, { slots: 16 });
 * const job = queue.submit({ prompts: ['a red heart'], images: 4, seed: 7, signal });
 * for await (const event of job) if (event.type === 'picture') show(event.picture.pixels);
 * await queue.close();
 * ```
 *
 * A free slot goes to the request that has the fewest pictures in slots, and among equals to the one
 * that has waited longest. So a request of a hundred pictures leaves slots to one of one picture.
 * Finished codes are decoded by the VQGAN between two steps, one batch after each step at most. A
 * request whose reader has left twice as many pictures as there are slots unread gets no more slots
 * until it reads.
 *
 * A request fails alone: for prompts or settings that cannot be drawn, and where a picture does not
 * fit into memory. If a step of several pictures does not fit, the newest picture gives its slot
 * back and is begun anew when another has left, so that a picture fails only if it does not fit
 * alone. The queue does not own the model. The design follows vLLM's scheduler (waiting and running
 * requests, preemption by recomputing; Kwon et al. 2023, arXiv:2309.06180).
 */
export class PictureQueue {
  /** Number of pictures that are drawn at a time, at most. */
  readonly slots: number;
  private readonly parts: PictureParts;
  private readonly beams: number;
  private readonly now: () => number;
  private readonly loop: DecodeLoop;
  private readonly decodeBatch: number;
  private readonly budget: PreviewBudget;
  private readonly owner: JobOwner;
  /** The requests that have not ended, in the order in which they came. */
  private readonly jobs = new Set<Job>();
  /** The pictures in slots, in the order in which they got them. */
  private readonly drawn = new Map<Drawing, PictureTask>();
  /** Pictures with all their codes, for the VQGAN. */
  private toDecode: PictureTask[] = [];
  /** Slots that fit into memory, as far as is known. */
  private fitting: number;
  private served = 0;
  private isRunning = false;
  private running: Promise<void> = Promise.resolve();
  private searching: Promise<void> | undefined;
  private refusal: string | undefined;
  private closing: Promise<void> | undefined;
  private readonly drained: (() => void)[] = [];

  /** Throws ConfigError for sizes out of range, and for slots that do not fit into the memory. */
  constructor(parts: PictureParts, options: PictureQueueOptions = {}) {
    const { slots = 8, beams = 0, memory, previewShare = 0.1, now = () => performance.now() } = options;
    checkNumber('slots', slots, 1);
    checkNumber('beams', beams, 0);
    if (!(previewShare >= 0)) {
      throw new ConfigError(`PictureQueue: expected previewShare to be at least 0, got ${previewShare}.`);
    }
    if (memory !== undefined) checkMemory(parts, { slots, beams }, memory, 'PictureQueue: slots');
    this.parts = parts;
    this.slots = slots;
    this.fitting = slots;
    this.beams = beams;
    this.now = now;
    this.loop = new DecodeLoop(parts.text.model, { rows: ROWS_OF_SLOT * slots });
    this.decodeBatch = decodeBatchOf(parts.vqgan.config);
    this.budget = new PreviewBudget(previewShare);
    this.owner = {
      parts,
      onRead: () => this.wake(),
      onEnd: (job, end) => this.end(job, end),
    };
  }

  /** What the queue is doing now. */
  get load(): QueueLoad {
    const waiting = [...this.jobs].filter(({ hasBegun }) => !hasBegun).length;
    return { waiting, requests: this.jobs.size, drawing: this.drawn.size };
  }

  /**
   * Takes a request. Its pictures come by the job that is returned, and so does every fault of the
   * request: DataError for a prompt, ConfigError for settings. Throws EaselError after `drain` or
   * `close`.
   */
  submit(request: PictureRequest): PictureJob {
    if (this.refusal !== undefined) throw new EaselError(this.refusal);
    let job: Job;
    try {
      job = new Job(request, this.owner, ++this.served);
    } catch (error) {
      job = new Job({ prompts: [] }, this.owner, 0);
      job.close({ error });
      return job;
    }
    this.jobs.add(job);
    try {
      request.signal?.throwIfAborted();
      this.check(job);
      if (job.total === 0) this.end(job, {});
    } catch (error) {
      this.end(job, { error });
    }
    this.wake();
    return job;
  }

  /** Takes no more requests, and resolves when those that were taken have ended. */
  async drain(): Promise<void> {
    this.refusal ??= 'PictureQueue: it is being drained and takes no more requests.';
    if (this.jobs.size > 0) await new Promise<void>((resolve) => this.drained.push(resolve));
  }

  /**
   * Ends all requests, waits for the present step, and frees the memory. The requests' readers get an
   * EaselError, after the pictures that are finished.
   */
  close(): Promise<void> {
    this.closing ??= (async () => {
      this.refusal = 'PictureQueue: it has been closed; make another one.';
      for (const job of this.jobs) {
        this.end(job, { error: new EaselError('PictureQueue: it was closed before the request had ended.') });
      }
      await this.running;
      await this.searching;
      this.loop.dispose();
    })();
    return this.closing;
  }

  /** Throws for a request whose first picture could not be drawn, however much room there is. */
  private check(job: Job): void {
    const { search } = job;
    if (job.total === 0) return;
    if (search.way !== 'beams') this.loop.check(job.drawingOf(new PictureTask(job, 0)));
    else if (search.beams > this.beams) {
      throw new ConfigError(
        `PictureQueue: expected a search of at most ${this.beams} beams, got ${search.beams}. The queue's option "beams" allows more.`,
      );
    }
  }

  /** Ends a request: its slots are free at once. */
  private end(job: Job, end: { readonly error?: unknown }): void {
    if (job.ended) return;
    this.jobs.delete(job);
    for (const task of job.drawn) if (task.drawing) this.leave(task.drawing);
    job.drawn.clear();
    this.toDecode = this.toDecode.filter((task) => task.job !== job);
    job.close(end);
    if (this.jobs.size === 0) for (const resolve of this.drained.splice(0)) resolve();
    this.wake();
  }

  /** Frees a picture's slot. */
  private leave(drawing: Drawing): void {
    this.loop.release(drawing);
    this.drawn.delete(drawing);
    this.fitting = Math.min(this.slots, this.fitting + 1);
  }

  /** Passes a picture that has all its codes on to the VQGAN. */
  private finish(task: PictureTask, tokens: Int32Array): void {
    task.job.finish(task, tokens);
    task.job.lastServed = ++this.served;
    this.toDecode.push(task);
  }

  private wake(): void {
    if (this.isRunning || !this.hasWork()) return;
    this.isRunning = true;
    this.running = this.run();
  }

  private hasWork(): boolean {
    if (this.drawn.size > 0 || this.toDecode.length > 0) return true;
    return this.nextJob(false) !== undefined || this.canSearch();
  }

  private async run(): Promise<void> {
    await eventLoopTurn(); // requests of the same moment begin together
    try {
      while (this.hasWork()) {
        await this.admitPictures();
        this.beginSearch();
        this.tellPlaces();
        await this.step();
        await this.drawPreviews();
        await this.decode();
        await eventLoopTurn();
      }
    } catch (error) {
      for (const job of this.jobs) this.end(job, { error });
    } finally {
      this.isRunning = false;
    }
  }

  /** The requests of one kind that may begin a picture, the one first whose turn it is. */
  private startable(byBeams: boolean): Job[] {
    return [...this.jobs]
      .filter((job) => (job.search.way === 'beams') === byBeams && job.startable(2 * this.slots) > 0)
      .sort((a, b) => a.drawn.size - b.drawn.size || a.lastServed - b.lastServed);
  }

  private nextJob(byBeams: boolean): Job | undefined {
    return this.startable(byBeams)[0];
  }

  /** Gives free slots to requests. */
  private async admitPictures(): Promise<void> {
    this.prepareRoom();
    while (this.drawn.size < this.fitting) {
      const job = this.nextJob(false);
      if (job === undefined) return;
      this.admit(job);
      await eventLoopTurn();
    }
  }

  private admit(job: Job): void {
    const task = job.take();
    job.lastServed = ++this.served;
    try {
      const drawing = this.loop.admit(job.drawingOf(task));
      task.drawing = drawing;
      job.drawn.add(task);
      this.drawn.set(drawing, task);
    } catch (error) {
      job.putBack(task);
      // What the request cannot be blamed for may go better when others have left.
      if (error instanceof EaselError || this.drawn.size === 0) this.end(job, { error });
      else this.fitting = this.drawn.size;
    }
  }

  /** Makes room for all pictures that are about to begin, so that the caches are copied once. */
  private prepareRoom(): void {
    let slots = this.fitting - this.drawn.size;
    let rows = 0;
    for (const { job } of this.drawn.values()) rows += job.rows;
    const before = rows;
    for (const job of this.startable(false)) {
      const pictures = Math.min(slots, job.startable(2 * this.slots));
      slots -= pictures;
      rows += pictures * job.rows;
    }
    if (rows === before) return;
    try {
      this.loop.prepare(rows);
    } catch {
      // Then `admit` makes as much room as there is memory for, or says why there is none.
    }
  }

  /** Tells requests that wait for their first picture which place they have. */
  private tellPlaces(): void {
    for (const byBeams of [false, true]) {
      for (const [i, job] of this.startable(byBeams).entries()) if (!job.hasBegun) job.tellPlace(i + 1);
    }
  }

  /** Gives each picture in a slot one more code. */
  private async step(): Promise<void> {
    if (this.drawn.size === 0) return;
    const began = this.now();
    let stepped: readonly Drawing[];
    try {
      stepped = await this.loop.step();
    } catch (error) {
      this.giveWay(error);
      return;
    }
    this.budget.earn(this.now() - began);
    const jobs = new Set<Job>();
    for (const drawing of stepped) {
      const task = this.drawn.get(drawing);
      if (task === undefined) continue; // its request has ended
      jobs.add(task.job);
      task.steps = drawing.step;
      if (!drawing.done) continue;
      this.leave(drawing);
      this.finish(task, drawing.tokens);
    }
    for (const job of jobs) job.tellTokens();
  }

  /**
   * After a step that failed: the newest picture gives its slot back and is begun anew later. Where
   * it was alone, its request fails.
   */
  private giveWay(error: unknown): void {
    const newest = [...this.drawn.entries()].at(-1);
    if (newest === undefined) return; // all of them have ended meanwhile
    const [drawing, task] = newest;
    const others = this.drawn.size - 1;
    if (others === 0) {
      this.end(task.job, { error });
      return;
    }
    this.leave(drawing);
    task.job.putBack(task);
    this.fitting = others;
  }

  /** Decodes one batch of finished codes. */
  private async decode(): Promise<void> {
    const tasks = this.toDecode.splice(0, this.decodeBatch);
    if (tasks.length > 0) await this.decodeTasks(tasks);
  }

  private async decodeTasks(tasks: readonly PictureTask[]): Promise<void> {
    let pictures: Raster[];
    try {
      pictures = await drawRows(
        this.parts.vqgan,
        tasks.map(({ tokens }) => tokens as Int32Array),
      );
    } catch (error) {
      const [only] = tasks;
      if (tasks.length === 1 && only) return this.end(only.job, { error });
      for (const task of tasks) await this.decodeTasks([task]);
      return;
    }
    for (const [i, task] of tasks.entries()) {
      if (!task.job.ended) task.job.deliver(task, pictures[i] as Raster);
    }
  }

  /** Decodes the new lines of pictures that are furthest behind, as far as the time allows. */
  private async drawPreviews(): Promise<void> {
    const due = [...this.drawn.values()].filter(({ job }) => job.preview);
    due.sort((a, b) => a.canvas.shownLines - b.canvas.shownLines);
    const most = Math.min(this.budget.lines, this.decodeBatch * this.side);
    let lines = 0;
    const chosen: DueBand[] = [];
    for (const task of due) {
      const band = task.canvas.bandOf((task.drawing as Drawing).tokens, task.steps);
      if (band === undefined) continue;
      lines += band.to - band.from;
      if (lines > most) break;
      chosen.push({ task, band });
    }
    const heights = new Set(chosen.map(({ band }) => band.codes.length));
    for (const height of heights) {
      await this.drawBands(chosen.filter(({ band }) => band.codes.length === height));
    }
  }

  /** Decodes bands of one height. */
  private async drawBands(bands: readonly DueBand[]): Promise<void> {
    const began = this.now();
    let pictures: Raster[];
    try {
      pictures = await drawRows(
        this.parts.vqgan,
        bands.map(({ band }) => band.codes),
        this.side,
      );
    } catch (error) {
      const [only] = bands;
      if (bands.length === 1 && only) return this.end(only.task.job, { error });
      for (const one of bands) await this.drawBands([one]);
      return;
    }
    this.budget.spend(
      this.now() - began,
      bands.reduce((sum, { band }) => sum + band.to - band.from, 0),
    );
    for (const [i, { task, band }] of bands.entries()) {
      if (!task.job.ended) task.job.tellPreview(task, task.canvas.draw(band, pictures[i] as Raster));
    }
  }

  /** Codes in a line of a picture. */
  private get side(): number {
    return Math.sqrt(this.parts.text.model.config.imageLength);
  }

  private canSearch(): boolean {
    return this.searching === undefined && this.nextJob(true) !== undefined;
  }

  /** Begins a beam search, if none goes on. It steps beside the slots' pictures. */
  private beginSearch(): void {
    const job = this.searching === undefined ? this.nextJob(true) : undefined;
    if (job === undefined) return;
    job.lastServed = ++this.served;
    this.searching = this.search(job, job.take()).finally(() => {
      this.searching = undefined;
      this.wake();
    });
  }

  private async search(job: Job, task: PictureTask): Promise<void> {
    if (job.search.way !== 'beams') return;
    job.drawn.add(task);
    try {
      const { tokens } = await generateBeams(this.parts.text.model, job.textOf(task), {
        ...beamOptions(job.search, job.allIds),
        signal: job.stop.signal,
        onStep: ({ step }) => {
          task.steps = step;
          job.tellTokens();
        },
      });
      if (job.ended) return;
      this.finish(task, tokens[0] as Int32Array);
    } catch (error) {
      this.end(job, { error });
    }
  }
}

function checkNumber(name: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new ConfigError(`PictureQueue: expected ${name} to be a whole number from ${least}, got ${value}.`);
}
