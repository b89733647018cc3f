import type { Drawing, DrawingRequest } from '@easel/bart';
import { ConfigError, DataError, type Raster } from '@easel/core';
import { IterationKeys } from './iteration-keys.js';
import { JobEvents } from './job-events.js';
import type { PictureParts } from './picture-parts.js';
import type { PictureEvent, PicturePlace, PictureRequest } from './picture-request.js';
import { PreviewCanvas } from './preview.js';
import { type SamplingSearch, samplingOptions, settingsFor, type TokenSearch } from './token-search.js';

/**
 * A request in a PictureQueue. Its reader iterates over its events, once; the iteration ends when
 * all pictures have come, and throws if the request failed or was cancelled. To leave the iteration
 * cancels the request.
 */
export interface PictureJob extends AsyncIterableIterator<PictureEvent> {
  /** Ends the request at once. Finished pictures can still be read; then the reader gets `reason`. */
  cancel(reason?: unknown): void;
}

/** A picture of a job, from the queue to the VQGAN. */
export class PictureTask implements PicturePlace {
  readonly job: Job;
  /** Number of the picture among all of the job. */
  readonly number: number;
  readonly prompt: string;
  readonly promptIndex: number;
  readonly index: number;
  /** The picture in the DecodeLoop, while it is there. */
  drawing: Drawing | undefined;
  /** The codes, once all are there. */
  tokens: Int32Array | undefined;
  /** Number of codes so far. */
  steps = 0;
  readonly canvas: PreviewCanvas;

  constructor(job: Job, number: number) {
    const { prompts, images } = job;
    this.job = job;
    this.number = number;
    this.promptIndex = Math.floor(number / images);
    this.index = number % images;
    this.prompt = prompts[this.promptIndex] as string;
    this.canvas = new PreviewCanvas(Math.sqrt(job.imageLength));
  }

  get place(): PicturePlace {
    const { prompt, promptIndex, index } = this;
    return { prompt, promptIndex, index };
  }
}

/** What a Job asks of its queue. */
export interface JobOwner {
  readonly parts: PictureParts;
  /** The job's reader has taken a picture. */
  onRead(): void;
  /** The job is to be ended; see `Job.close`. */
  onEnd(job: Job, end: { readonly error?: unknown }): void;
}

/** A request with its pictures, and what has become of them. */
export class Job implements PictureJob {
  readonly prompts: readonly string[];
  readonly images: number;
  readonly search: TokenSearch;
  readonly allIds: boolean;
  readonly preview: boolean;
  readonly imageLength: number;
  /** Pictures that take part in steps. */
  readonly drawn = new Set<PictureTask>();
  /**
   * When the job came, or last began a picture or finished one. The queue counts such moments of all
   * jobs.
   */
  lastServed: number;
  /** The place in the queue that the reader was told last. */
  place: number | undefined;
  /** Set off when the job ends. */
  readonly stop = new AbortController();
  private readonly owner: JobOwner;
  private readonly events = new JobEvents();
  private readonly keys: IterationKeys;
  private readonly sampling: SamplingRequest | undefined;
  private readonly signal: AbortSignal | undefined;
  /** Pictures that were begun and must be begun anew. */
  private readonly again: PictureTask[] = [];
  private begun = 0;
  /** Pictures that have all their codes. */
  private whole = 0;
  private read = 0;
  private delivered = 0;
  /** Pictures that wait for one before them. */
  private readonly early = new Map<number, PictureEvent>();

  /** Throws DataError or ConfigError for a request that cannot be drawn. */
  constructor(request: PictureRequest, owner: JobOwner, lastServed: number) {
    const { prompts, images = 1, seed = 0, settings = {}, signal, preview = false } = request;
    const { search = { way: 'dalle-mini' }, allIds = false } = request;
    if (!Array.isArray(prompts) || prompts.some((prompt) => typeof prompt !== 'string')) {
      throw new DataError(
        'Drawing: expected prompts to be a list of strings. Put a single prompt into a list.',
      );
    }
    if (!Number.isInteger(images) || images < 1) {
      throw new ConfigError(`Drawing: expected images to be a whole number from 1, got ${images}.`);
    }
    this.prompts = prompts;
    this.images = images;
    this.search = search;
    this.allIds = allIds;
    this.preview = preview;
    this.owner = owner;
    this.lastServed = lastServed;
    this.keys = new IterationKeys(seed);
    this.signal = signal;
    const { text, settings: ofModel } = owner.parts;
    this.imageLength = text.model.config.imageLength;
    if (search.way !== 'beams') {
      const chosen = settingsFor(search, ofModel, settings);
      this.sampling = samplingOptions(search satisfies SamplingSearch, chosen, text.model.config, allIds);
    }
    signal?.addEventListener('abort', this.onAbort);
  }

  get total(): number {
    return this.prompts.length * this.images;
  }

  /** Rows that a picture takes in the DecodeLoop. */
  get rows(): 1 | 2 {
    return (this.sampling?.conditionScale ?? 1) === 1 ? 1 : 2;
  }

  get ended(): boolean {
    return this.events.ended;
  }

  get hasBegun(): boolean {
    return this.begun > 0;
  }

  /** Number of pictures that may be begun, if at most `unread` may be without a reader. */
  startable(unread: number): number {
    const left = this.total - this.begun + this.again.length;
    return Math.max(0, Math.min(left, unread - (this.begun - this.again.length - this.read)));
  }

  /** The next picture to begin. */
  take(): PictureTask {
    return this.again.shift() ?? new PictureTask(this, this.begun++);
  }

  /** Takes a picture back that `take` gave, to begin it anew. */
  putBack(task: PictureTask): void {
    task.steps = 0;
    task.drawing = undefined;
    this.drawn.delete(task);
    this.again.push(task);
    this.again.sort((a, b) => a.number - b.number);
  }

  /** The ids of a picture's prompt. */
  textOf({ prompt }: PictureTask) {
    const { text, emoji } = this.owner.parts;
    return text.processor.process([emoji?.apply(prompt) ?? prompt]);
  }

  /** A picture as the DecodeLoop takes it. */
  drawingOf(task: PictureTask): DrawingRequest {
    const { inputIds, attentionMask, uncondInputIds, uncondAttentionMask } = this.textOf(task);
    return {
      ...this.sampling,
      text: { ids: inputIds, mask: attentionMask },
      noText: { ids: uncondInputIds, mask: uncondAttentionMask },
      noise: { key: this.keys.at(task.index) },
    };
  }

  /** Takes note that a picture has all its codes. */
  finish(task: PictureTask, tokens: Int32Array): void {
    this.drawn.delete(task);
    task.drawing = undefined;
    task.tokens = tokens;
    this.whole++;
  }

  /** Tells the reader how many codes are there. */
  tellTokens(): void {
    let done = this.whole * this.imageLength;
    for (const { steps } of this.drawn) done += steps;
    this.events.add({ type: 'tokens', done, total: this.total * this.imageLength });
  }

  tellPlace(place: number): void {
    if (place === this.place) return;
    this.place = place;
    this.events.add({ type: 'queued', place });
  }

  tellPreview(task: PictureTask, pixels: Raster): void {
    const share = task.canvas.shownLines / Math.sqrt(this.imageLength);
    this.events.add({ type: 'preview', preview: { ...task.place, share, pixels } });
  }

  /** Hands out a picture when those before it have gone. Ends the job with the last one. */
  deliver(task: PictureTask, pixels: Raster): void {
    const tokens = task.tokens as Int32Array;
    this.early.set(task.number, { type: 'picture', picture: { ...task.place, tokens, pixels } });
    for (let event = this.early.get(this.delivered); event; event = this.early.get(this.delivered)) {
      this.early.delete(this.delivered++);
      this.events.add(event);
    }
    if (this.delivered === this.total) this.owner.onEnd(this, {});
  }

  /** Ends the events. The queue calls it when it has let go of the job's pictures. */
  close(end: { readonly error?: unknown }): void {
    this.signal?.removeEventListener('abort', this.onAbort);
    this.early.clear();
    this.events.finish(end);
    this.stop.abort();
  }

  cancel(reason: unknown = new DOMException('The request was cancelled.', 'AbortError')): void {
    this.owner.onEnd(this, { error: reason });
  }

  async next(): Promise<IteratorResult<PictureEvent>> {
    const event = await this.events.next();
    if (event === undefined) return { done: true, value: undefined };
    if (event.type === 'picture') {
      this.read++;
      this.owner.onRead();
    }
    return { done: false, value: event };
  }

  async return(): Promise<IteratorResult<PictureEvent>> {
    this.owner.onEnd(this, {});
    this.events.clear();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private readonly onAbort = (): void => this.cancel(this.signal?.reason);
}

type SamplingRequest = ReturnType<typeof samplingOptions>;
