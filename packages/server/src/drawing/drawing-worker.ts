import { Worker } from 'node:worker_threads';
import { EaselError } from '@easel/core';
import type { QueueLoad } from '@easel/draw';
import type {
  DrawingEvent,
  DrawRequest,
  FromThread,
  Hints,
  ModelFacts,
  ThreadError,
  ThreadSettings,
  ToThread,
} from './messages.js';

/** The thread that drew a request has ended in the middle of it. */
export class ThreadLost extends Error {
  override readonly name = 'ThreadLost';
}

/** A request that the thread gave up. */
export class DrawingFailed extends Error {
  override readonly name = 'DrawingFailed';
  /** Whether the request is at fault. */
  readonly refused: boolean;

  constructor({ message, refused }: ThreadError) {
    super(message);
    this.refused = refused;
  }
}

/** Longest time in milliseconds between two attempts to start the thread. */
const LONGEST_PAUSE = 10_000;
const FIRST_PAUSE = 100;

const NO_LOAD: QueueLoad = { waiting: 0, requests: 0, drawing: 0 };

/** A request on its way through the thread: its events, one after another. */
export class Drawing implements AsyncIterableIterator<DrawingEvent> {
  readonly id: number;
  /** What the model makes of the prompt; there before the first event. */
  hints: Hints | undefined;
  private readonly post: (message: ToThread) => void;
  private readonly onEnd: () => void;
  private waiting: PromiseWithResolvers<IteratorResult<DrawingEvent>> | undefined;
  private end: { readonly error?: unknown } | undefined;

  constructor(id: number, post: (message: ToThread) => void, onEnd: () => void) {
    this.id = id;
    this.post = post;
    this.onEnd = onEnd;
  }

  /** Whether there are no more events. */
  get ended(): boolean {
    return this.end !== undefined;
  }

  /**
   * Asks for the next event. Throws DrawingFailed if the thread gave the request up, ThreadLost if
   * the thread has ended, or what `cancel` was given.
   */
  async next(): Promise<IteratorResult<DrawingEvent>> {
    const { end } = this;
    if (end !== undefined) {
      if (end.error !== undefined) throw end.error;
      return { done: true, value: undefined };
    }
    this.waiting = withResolvers();
    this.post({ type: 'next', id: this.id });
    return this.waiting.promise;
  }

  async return(): Promise<IteratorResult<DrawingEvent>> {
    this.cancel();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the request at once; its slots are free after the present step. */
  cancel(reason: unknown = new DOMException('The request was cancelled.', 'AbortError')): void {
    if (this.end !== undefined) return;
    this.post({ type: 'cancel', id: this.id });
    this.finish({ error: reason });
  }

  deliver(event: DrawingEvent): void {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.resolve({ done: false, value: event });
  }

  finish(end: { readonly error?: unknown }): void {
    if (this.end !== undefined) return;
    this.end = end;
    const { waiting } = this;
    this.waiting = undefined;
    if (end.error === undefined) waiting?.resolve({ done: true, value: undefined });
    else waiting?.reject(end.error);
    this.onEnd();
  }
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  return { promise, resolve, reject };
}

/** What a DrawingWorker tells its owner. */
export interface WorkerEvents {
  /** The thread has ended by itself; a new one is being started. */
  onCrash?(error: unknown): void;
}

/** The program of the thread. */
const PROGRAM = new URL('./drawing-thread.js', import.meta.url);

/**
 * Draws in a thread, so that this one can always answer. If the thread ends by itself, its requests
 * fail with ThreadLost and another thread is started; attempts that fail are repeated, with pauses
 * that grow to ten seconds.
 */
export class DrawingWorker {
  private readonly settings: ThreadSettings;
  private readonly events: WorkerEvents;
  private readonly program: URL;
  private readonly drawings = new Map<number, Drawing>();
  private worker: Worker | undefined;
  private known: ModelFacts | undefined;
  private isReady = false;
  private isClosed = false;
  private pause = FIRST_PAUSE;
  private retry: NodeJS.Timeout | undefined;
  private lastId = 0;
  /** What the queue was doing at its last message. */
  load: QueueLoad = NO_LOAD;

  private constructor(settings: ThreadSettings, events: WorkerEvents, program: URL) {
    this.settings = settings;
    this.events = events;
    this.program = program;
  }

  /**
   * Starts the thread and resolves when the model is open. Throws EaselError, with the thread's
   * message, if the model or the backend cannot be opened. `program` is the thread's, for tests.
   */
  static async start(
    settings: ThreadSettings,
    events: WorkerEvents = {},
    program: URL = PROGRAM,
  ): Promise<DrawingWorker> {
    const started = new DrawingWorker(settings, events, program);
    await started.spawn();
    return started;
  }

  /** Whether the model is open. */
  get ready(): boolean {
    return this.isReady;
  }

  /** What is known of the model. */
  get facts(): ModelFacts {
    return this.known as ModelFacts;
  }

  /**
   * Begins a request. One that comes while a new thread is being started waits for it. Throws
   * ThreadLost between two attempts.
   */
  draw(request: DrawRequest): Drawing {
    const { worker } = this;
    if (worker === undefined) throw new ThreadLost('The drawing thread is being started again.');
    const id = ++this.lastId;
    const post = (message: ToThread) => worker.postMessage(message);
    const drawing = new Drawing(id, post, () => this.drawings.delete(id));
    this.drawings.set(id, drawing);
    post({ type: 'draw', id, request });
    return drawing;
  }

  /** Ends the thread; requests that go on fail. */
  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.retry);
    await this.worker?.terminate();
  }

  /** Ends the thread as a crash would, for tests. */
  async crash(): Promise<void> {
    await this.worker?.terminate();
  }

  /** Starts a thread. Resolves when it is ready, throws if it ends before that. */
  private spawn(): Promise<void> {
    const worker = new Worker(this.program, { workerData: this.settings, name: 'easel drawing' });
    this.worker = worker;
    return new Promise((resolve, reject) => {
      let failure: unknown;
      worker.on('message', (message: FromThread) => {
        if (message.type === 'failed') failure = new EaselError(message.message);
        else if (message.type === 'ready') {
          this.known = message.facts;
          this.isReady = true;
          this.pause = FIRST_PAUSE;
          resolve();
        } else this.receive(message);
      });
      worker.on('error', (error) => {
        failure = error;
      });
      worker.on('exit', () => {
        const wasReady = this.isReady;
        const error = failure ?? new ThreadLost('The drawing thread has ended.');
        this.lose();
        if (!wasReady) reject(error);
        else if (!this.isClosed) {
          this.events.onCrash?.(error);
          void this.restart();
        }
      });
    });
  }

  private async restart(): Promise<void> {
    try {
      await this.spawn();
    } catch (error) {
      if (this.isClosed) return;
      this.events.onCrash?.(error);
      this.retry = setTimeout(() => void this.restart(), this.pause);
      this.pause = Math.min(LONGEST_PAUSE, 2 * this.pause);
    }
  }

  private lose(): void {
    this.worker = undefined;
    this.isReady = false;
    this.load = NO_LOAD;
    const error = new ThreadLost('The drawing thread ended while it drew this request. Send it again.');
    for (const drawing of [...this.drawings.values()]) drawing.finish({ error });
  }

  private receive(message: Exclude<FromThread, { readonly type: 'ready' | 'failed' }>): void {
    const drawing = this.drawings.get(message.id);
    if (message.type !== 'hints') this.load = message.load;
    if (drawing === undefined) return; // it was cancelled
    if (message.type === 'hints') drawing.hints = message.hints;
    else if (message.type === 'event') drawing.deliver(message.event);
    else drawing.finish(message.error === undefined ? {} : { error: new DrawingFailed(message.error) });
  }
}
