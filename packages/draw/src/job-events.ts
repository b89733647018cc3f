import type { PictureEvent } from './picture-request.js';

/** The place of an event's newer one, which replaces it while nobody has read it. */
function kindOf(event: PictureEvent): string {
  if (event.type === 'picture') return placeOf(event.picture);
  return event.type === 'preview' ? placeOf(event.preview) : event.type;
}

function placeOf({ promptIndex, index }: { readonly promptIndex: number; readonly index: number }): string {
  return `${promptIndex}/${index}`;
}

/**
 * The events of a request on their way to its reader. News replace what they make old: of counts the
 * newest is kept, and of a picture its newest preview or itself. So a slow reader costs no memory
 * but that of finished pictures.
 */
export class JobEvents {
  private readonly waiting = new Map<string, PictureEvent>();
  private end: { readonly error?: unknown } | undefined;
  private wake: (() => void) | undefined;

  /** Whether no more events will come. */
  get ended(): boolean {
    return this.end !== undefined;
  }

  add(event: PictureEvent): void {
    if (this.end) return;
    const kind = kindOf(event);
    this.waiting.delete(kind); // so that the new one goes to the end
    this.waiting.set(kind, event);
    this.tell();
  }

  /** Ends the events; those that wait are still read. With an error the reader gets it last. */
  finish(end: { readonly error?: unknown } = {}): void {
    if (this.end) return;
    this.end = end;
    if ('error' in end) {
      for (const [kind, { type }] of this.waiting) if (type !== 'picture') this.waiting.delete(kind);
    }
    this.tell();
  }

  /** Drops what waits. */
  clear(): void {
    this.waiting.clear();
  }

  /** Returns the next event, or undefined at the end. Throws the error that ended them. */
  async next(): Promise<PictureEvent | undefined> {
    for (;;) {
      for (const [kind, event] of this.waiting) {
        this.waiting.delete(kind);
        return event;
      }
      if (this.end) {
        if ('error' in this.end) throw this.end.error;
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  private tell(): void {
    this.wake?.();
    this.wake = undefined;
  }
}
