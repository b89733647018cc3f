import { ApiError } from './api-error.js';
import {
  DrawingFailed,
  type DrawingWorker,
  type Drawing as ThreadDrawing,
  ThreadLost,
} from './drawing/drawing-worker.js';
import type { DrawingEvent, DrawRequest, Hints } from './drawing/messages.js';
import { Metrics } from './metrics.js';
import type { ServerLimits } from './server-options.js';
import { Throughput } from './throughput.js';

/** Longest time in seconds after which a refused client is asked to try again. */
const LONGEST_RETRY = 60;

/** An event with what the desk adds to it. */
export type DeskEvent =
  | Exclude<DrawingEvent, { readonly type: 'queued' }>
  /** seconds: until the first picture is begun, as far as can be said. */
  | { readonly type: 'queued'; readonly place: number; readonly seconds: number | null };

/** A request that was accepted. Whoever began it must `close` it. */
export interface AcceptedDrawing extends AsyncIterable<DeskEvent> {
  /** What the model makes of the prompt. */
  readonly hints: Hints | undefined;
  /** Gives it up. */
  cancel(): void;
  /** Lets go of it; gives it up if it has not ended. */
  close(): void;
}

/** Accepts requests within bounds, and passes them to the drawing thread. */
export class DrawingDesk {
  readonly metrics: Metrics;
  private readonly worker: DrawingWorker;
  private readonly limits: ServerLimits;
  private readonly throughput = new Throughput();
  private readonly byClient = new Map<string, number>();
  private count = 0;
  private isDraining = false;
  private readonly emptied: (() => void)[] = [];

  constructor(worker: DrawingWorker, limits: ServerLimits) {
    this.worker = worker;
    this.limits = limits;
    this.metrics = new Metrics(() => ({
      ...worker.load,
      requests: this.count,
      slots: worker.facts.slots,
      tokensPerSecond: this.throughput.perSecond,
      ready: this.ready,
    }));
  }

  /** Whether requests are accepted and drawn. */
  get ready(): boolean {
    return this.worker.ready && !this.isDraining;
  }

  /** Takes no more requests, and resolves when those that were accepted have ended. */
  async drain(): Promise<void> {
    this.isDraining = true;
    if (this.count > 0) await new Promise<void>((resolve) => this.emptied.push(resolve));
  }

  /**
   * Throws ApiError 503 where the server drains, is full or starts its thread again, and 429 where
   * the client has too many requests.
   */
  check(client: string): void {
    if (this.isDraining) {
      this.refuse('draining', 503, 'The server is shutting down and takes no more requests.', 10);
    }
    const own = this.byClient.get(client) ?? 0;
    if (own >= this.limits.clientRequests) {
      const most = this.limits.clientRequests;
      this.refuse(
        'client',
        429,
        `You have ${own} requests here, and ${most} at a time are allowed. Wait for one.`,
      );
    }
    if (this.count >= this.limits.requests) {
      this.refuse(
        'full',
        503,
        `The queue is full: ${this.count} requests are drawn or wait. Try again later.`,
      );
    }
  }

  /**
   * Accepts a request of a client, and resolves at its first event, which is read again with the
   * others. When `gone` resolves before the end, the client has left, and the request is given up.
   * Throws ApiError: see `check`, and 400 for what the model cannot draw.
   */
  async begin(client: string, request: DrawRequest, gone?: Promise<void>): Promise<AcceptedDrawing> {
    this.check(client);
    const began = performance.now();
    let drawing: ThreadDrawing;
    try {
      drawing = this.worker.draw(request);
    } catch (error) {
      throw this.asApiError(error);
    }
    this.enter(client);
    let isOpen = true;
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      drawing.cancel();
      this.leave(client);
    };
    const cancel = () => {
      if (drawing.ended) return;
      this.metrics.cancelled.inc();
      drawing.cancel(new ApiError(499, 'The request was cancelled.', { code: 'cancelled' }));
    };
    void gone?.then(cancel);
    try {
      const first = await drawing.next();
      this.metrics.firstEventSeconds.observe((performance.now() - began) / 1000);
      return {
        hints: drawing.hints,
        cancel,
        close,
        [Symbol.asyncIterator]: () => this.follow(drawing, first, began),
      };
    } catch (error) {
      close();
      throw this.asApiError(error);
    }
  }

  private async *follow(
    drawing: ThreadDrawing,
    first: IteratorResult<DrawingEvent>,
    began: number,
  ): AsyncGenerator<DeskEvent> {
    let tokens = 0;
    try {
      for (let result = first; !result.done; result = await drawing.next()) {
        const event = result.value;
        if (event.type === 'tokens') {
          this.throughput.add(Math.max(0, event.done - tokens));
          this.metrics.tokens.inc(Math.max(0, event.done - tokens));
          tokens = Math.max(tokens, event.done); // a picture may be begun anew
        }
        if (event.type === 'picture') this.metrics.pictures.inc();
        yield event.type === 'queued' ? { ...event, seconds: this.secondsUntil(event.place) } : event;
      }
      this.metrics.drawSeconds.observe((performance.now() - began) / 1000);
    } catch (error) {
      throw this.asApiError(error);
    }
  }

  /**
   * The time until `place` pictures have ended: a request that has no picture yet comes before those
   * that have some.
   */
  private secondsUntil(place: number): number | null {
    const { perSecond } = this.throughput;
    if (perSecond === undefined) return null;
    return Math.round((10 * place * this.worker.facts.imageLength) / perSecond) / 10;
  }

  private enter(client: string): void {
    this.count++;
    this.byClient.set(client, (this.byClient.get(client) ?? 0) + 1);
    this.throughput.begin();
  }

  private leave(client: string): void {
    this.count--;
    const left = (this.byClient.get(client) ?? 1) - 1;
    if (left === 0) this.byClient.delete(client);
    else this.byClient.set(client, left);
    if (this.count > 0) return;
    this.throughput.pause();
    for (const resolve of this.emptied.splice(0)) resolve();
  }

  private refuse(reason: string, status: 429 | 503, message: string, seconds?: number): never {
    this.metrics.refused.inc({ reason });
    const retryAfter = seconds ?? Math.min(LONGEST_RETRY, Math.max(1, Math.ceil(this.secondsUntil(1) ?? 1)));
    throw new ApiError(status, message, {
      retryAfter,
      code: status === 429 ? 'rate_limit_exceeded' : 'server_overloaded',
    });
  }

  private asApiError(error: unknown): unknown {
    if (error instanceof ThreadLost)
      return new ApiError(503, error.message, { retryAfter: 1, code: 'thread_lost' });
    if (error instanceof DrawingFailed && error.refused) return new ApiError(400, error.message);
    return error;
  }
}
