import type { DrawnPicture } from '../history/history.js';
import type { DrawingEvent, DrawingRequest, Hints } from './drawer.js';

/** A picture of a drawing, as far as it is there. */
export interface Canvas {
  readonly index: number;
  /** What there is to see: a preview or the finished picture. */
  readonly picture?: Blob | undefined;
  /** How much of it is there, from its top, 0 to 1. */
  readonly share: number;
  readonly finished?: DrawnPicture | undefined;
}

/** How far a drawing is. */
export interface Progress {
  readonly id: string;
  readonly time: number;
  readonly model: string;
  readonly request: DrawingRequest;
  readonly phase: 'waiting' | 'drawing' | 'finished' | 'cancelled' | 'failed';
  readonly canvases: readonly Canvas[];
  readonly hints?: Hints | undefined;
  /** Place in the queue, and seconds until it is begun. */
  readonly place?: number | undefined;
  readonly seconds?: number | null | undefined;
  /** Codes that are drawn, of all. */
  readonly done: number;
  readonly total: number;
  /** When the first code was there, and how many there were then. */
  readonly first?: { readonly at: number; readonly done: number } | undefined;
  /** When it ended. */
  readonly ended?: number | undefined;
  /** Why it failed. */
  readonly error?: string | undefined;
}

/** A drawing that is about to begin. now: milliseconds since 1970. */
export function begun(id: string, model: string, request: DrawingRequest, now: number): Progress {
  const canvases = Array.from({ length: request.images }, (_, index) => ({ index, share: 0 }));
  return { id, time: now, model, request, phase: 'waiting', canvases, done: 0, total: 0 };
}

/** A drawing after an event. */
export function after(progress: Progress, event: DrawingEvent, now: number): Progress {
  switch (event.type) {
    case 'accepted':
      return { ...progress, hints: event.hints };
    case 'queued':
      return { ...progress, place: event.place, seconds: event.seconds };
    case 'tokens': {
      const { done, total } = event;
      const first = progress.first ?? { at: now, done };
      return { ...progress, phase: 'drawing', place: undefined, done, total, first };
    }
    case 'preview': {
      const { index, share, picture } = event;
      return { ...progress, canvases: withCanvas(progress.canvases, { index, share, picture }) };
    }
    case 'picture': {
      const { index, picture, score } = event;
      const finished = { index, file: picture, score };
      return {
        ...progress,
        canvases: withCanvas(progress.canvases, { index, share: 1, picture, finished }),
      };
    }
  }
}

function withCanvas(canvases: readonly Canvas[], changed: Canvas): readonly Canvas[] {
  return canvases.map((canvas) => (canvas.index === changed.index ? changed : canvas));
}

/** The pictures that are finished. */
export function finishedOf({ canvases }: Progress): readonly DrawnPicture[] {
  return canvases.flatMap(({ finished }) => finished ?? []);
}

/** Seconds until a drawing ends, by the codes so far; undefined where not known. */
export function secondsLeft({ first, done, total }: Progress, now: number): number | undefined {
  if (first === undefined || done <= first.done) return undefined;
  return ((now - first.at) / 1000) * ((total - done) / (done - first.done));
}
