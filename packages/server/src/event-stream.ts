import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import { ApiError } from './api-error.js';
import type { HttpContext } from './context.js';

/** Milliseconds between two comments that keep proxies from ending a quiet stream. */
const KEEP_ALIVE = 15_000;

/** Sends one event. */
export type SendEvent = (event: string | undefined, data: object) => Promise<void>;

/**
 * Answers with server-sent events. A reader that takes nothing for `seconds` is left. An error of
 * `work` goes to `onError`, which may send a last event; `end` is called at the end, whatever
 * happened.
 */
export function eventStream(
  c: HttpContext,
  seconds: number,
  work: (send: SendEvent) => Promise<void>,
  onError: (error: ApiError, send: SendEvent) => Promise<void>,
  end: () => void,
): Response {
  return streamSSE(c, async (stream) => {
    const writer = new EventWriter(c, stream, seconds);
    try {
      await work(writer.send);
    } catch (error) {
      await onError(asApiError(error, c), writer.send);
    } finally {
      writer.stop();
      end();
    }
  });
}

/** An error as its client may see it. Others than ApiErrors are told on the log alone. */
export function asApiError(error: unknown, c: HttpContext): ApiError {
  if (error instanceof ApiError) return error;
  c.get('onFault')(error);
  return new ApiError(
    500,
    `The server failed at this request; its log has more under ${c.get('requestId')}.`,
  );
}

class EventWriter {
  private readonly c: HttpContext;
  private readonly stream: SSEStreamingApi;
  private readonly seconds: number;
  private readonly timer: NodeJS.Timeout;
  private writing = false;

  constructor(c: HttpContext, stream: SSEStreamingApi, seconds: number) {
    this.c = c;
    this.stream = stream;
    this.seconds = seconds;
    this.timer = setInterval(() => {
      if (!this.writing) void this.within(stream.write(':\n\n'));
    }, KEEP_ALIVE);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  readonly send: SendEvent = (event, data) =>
    this.within(
      this.stream.writeSSE({ data: JSON.stringify(data), ...(event === undefined ? {} : { event }) }),
    );

  private async within(written: Promise<unknown>): Promise<void> {
    this.writing = true;
    const leave = setTimeout(() => this.c.env.outgoing.destroy(), this.seconds * 1000);
    try {
      await written;
    } finally {
      clearTimeout(leave);
      this.writing = false;
    }
  }
}
