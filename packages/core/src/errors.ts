import { distance } from 'fastest-levenshtein';

/**
 * The base of every error that Easel throws on purpose. The message is one paragraph: where, what
 * was expected, what was found, what to try. A command prints it without a stack. Any other error
 * that reaches the user is a defect.
 */
export class EaselError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * The shape or dtype of a tensor or weight is not the one that an operation, layer or checkpoint
 * needs.
 */
export class ShapeError extends EaselError {}

/** A configuration value or option is unknown, unsupported or out of range. */
export class ConfigError extends EaselError {}

/** A checkpoint is missing, truncated, foreign, or does not fit the model. */
export class CheckpointError extends EaselError {}

/** Input data (pictures, captions, shards) cannot be used. */
export class DataError extends EaselError {}

/**
 * The number of edits from one word to another. Two neighbouring letters swapped, the commonest
 * slip, are one edit.
 */
function edits(from: string, to: string): number {
  const first = [...from].findIndex((letter, i) => letter !== to[i]);
  const swapped =
    from.slice(0, first) + (from[first + 1] ?? '') + (from[first] ?? '') + from.slice(first + 2);
  return first >= 0 && swapped === to ? 1 : distance(from, to);
}

/**
 * The candidates that a user may have meant by `name`, nearest first, by edit distance without
 * regard to case. Equally near ones keep their order. Near means at most a third of the longer
 * word's letters; one edit is always allowed.
 */
export function nearestOnes(name: string, candidates: Iterable<string>, most: number): string[] {
  const near: { readonly candidate: string; readonly apart: number }[] = [];
  for (const candidate of candidates) {
    const limit = Math.max(1, Math.max(name.length, candidate.length) / 3);
    if (Math.abs(name.length - candidate.length) > limit) continue;
    const apart = edits(name.toLowerCase(), candidate.toLowerCase());
    if (apart <= limit) near.push({ candidate, apart });
  }
  return near
    .sort((a, b) => a.apart - b.apart)
    .slice(0, most)
    .map(({ candidate }) => candidate);
}

/** The candidate that a user probably meant by `name`, as `nearestOnes` finds it. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  return nearestOnes(name, candidates, 1)[0];
}

/**
 * ` Did you mean "x"?` for the end of an error message, or an empty string if no candidate is near.
 */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const near = nearest(name, candidates);
  return near === undefined ? '' : ` Did you mean "${near}"?`;
}
