import type { Hints } from './drawer.js';
import { finishedOf, type Progress, secondsLeft } from './progress.js';

/** A duration in words, coarse enough not to flicker. */
export function duration(seconds: number): string {
  if (seconds < 1.5) return 'a second';
  if (seconds < 10) return `${Math.round(seconds)} seconds`;
  if (seconds < 60) return `${Math.ceil(seconds / 5) * 5} seconds`;
  const minutes = Math.round(seconds / 60);
  return minutes <= 1 ? 'a minute' : `${minutes} minutes`;
}

const counted = (number: number) => (number === 1 ? 'one picture' : `${number} pictures`);

/** What the reader may know of a drawing, in a sentence. */
export function statusText(progress: Progress, now: number): string {
  const { phase, place, seconds, ended, first, request, error } = progress;
  const finished = finishedOf(progress).length;
  switch (phase) {
    case 'waiting': {
      if (place === undefined) return 'About to begin.';
      const wait =
        seconds === null || seconds === undefined ? '' : ` It begins in about ${duration(seconds)}.`;
      return `Number ${place} in the queue.${wait}`;
    }
    case 'drawing': {
      const left = secondsLeft(progress, now);
      const percent = Math.floor((100 * progress.done) / progress.total);
      return `Drawing, ${percent} %.${left === undefined ? '' : ` About ${duration(left)} left.`}`;
    }
    case 'finished': {
      const took =
        ended === undefined || first === undefined ? '' : ` in ${duration((ended - progress.time) / 1000)}`;
      return `${counted(finished).replace(/^o/, 'O')}${took}.`;
    }
    case 'cancelled':
      return `Cancelled. ${finished === 0 ? 'None' : `${finished} of ${request.images}`} had been finished.`;
    case 'failed':
      return error ?? 'It failed.';
  }
}

/** What is told to those who can't see it: no count that changes all the time. */
export function announcement(progress: Progress): string {
  const { phase, place, request } = progress;
  if (phase === 'waiting') return place === undefined ? '' : `Number ${place} in the queue.`;
  if (phase !== 'drawing') return statusText(progress, 0);
  const finished = finishedOf(progress).length;
  if (finished === 0) return `Drawing ${counted(request.images)}.`;
  return `${finished} of ${request.images} finished.`;
}

/** What the model makes of a prompt, as sentences. */
export function hintTexts(hints: Hints | undefined): readonly string[] {
  if (hints === undefined) return [];
  const unknown = hints.unknown.map(({ word, suggestions }) =>
    suggestions.length === 0
      ? `The model never saw the word “${word}”.`
      : `The model never saw the word “${word}”. It knows ${suggestions.map((one) => `“${one}”`).join(', ')}.`,
  );
  return [
    ...(hints.empty ? ['No word of the prompt is left that the model can read, so it draws anything.'] : []),
    ...(hints.cut ? ['The prompt is longer than the model reads; its end is left out.'] : []),
    ...unknown,
  ];
}
