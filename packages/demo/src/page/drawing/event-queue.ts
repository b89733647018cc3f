/** Events on their way to one reader. */
export class EventQueue<T> implements AsyncIterable<T> {
  private readonly waiting: T[] = [];
  private ended: { readonly error: unknown } | undefined;
  private wake: (() => void) | undefined;

  add(event: T): void {
    if (this.ended) return;
    this.waiting.push(event);
    this.wake?.();
  }

  /** Ends the events, with an error at once, else once those that wait have been read. */
  end(error?: unknown): void {
    if (this.ended) return;
    this.ended = { error };
    if (error !== undefined) this.waiting.length = 0;
    this.wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const event = this.waiting.shift();
      if (event !== undefined) yield event;
      else if (this.ended) {
        if (this.ended.error !== undefined) throw this.ended.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    }
  }
}
