import { ConfigError } from '@easel/core';
import { eventLoopTurn } from '@easel/core/internals';
import type { ImageTokenModel } from './image-token-model.js';
import { isAbove, type LogitsRule } from './logits-rules.js';
import { planRows, type RowOptions } from './row-options.js';
import { type GenerateInputs, nextLogits, placeText, textRows } from './text-inputs.js';

/** Options of a beam search. Defaults that are not named come from the model's config. */
export interface BeamOptions extends RowOptions {
  /** Number of rows that the search follows for each prompt, K; at least 2. */
  readonly beams: number;
  /**
   * The score of a finished row is divided by length^lengthPenalty. At 0 or below the search takes
   * no step.
   */
  readonly lengthPenalty?: number;
  /**
   * Whether the search ends as soon as each prompt has K finished rows. Without it the search ends
   * when no row can improve any more. The default comes from the model's config.
   */
  readonly earlyStopping?: boolean;
  /** Called after each step. `step` counts the tokens of a row so far, from 1 to `total`. */
  readonly onStep?: ((progress: { readonly step: number; readonly total: number }) => void) | undefined;
}

/** The best row of each prompt. */
export interface BeamResult {
  /**
   * maxLength − 1 ids for each prompt. The start token is left out, the end token is kept, and
   * padding follows it.
   */
  readonly tokens: Int32Array[];
  /**
   * One score for each prompt: the sum of the row's log-probabilities, divided by
   * length^lengthPenalty if the row has ended.
   */
  readonly scores: Float32Array;
}

/**
 * A finite stand-in for −∞, with which the original starts and punishes scores. float32 rounds sums
 * with it to whole numbers.
 */
const WORST = -1e7;

/**
 * Options of generateTokens that have no meaning in a beam search. They are refused at run time,
 * for callers whose types did not keep them out.
 */
const OF_SAMPLING = ['conditionScale', 'key', 'rowKeys', 'temperature', 'topK', 'topP', 'rule'] as const;

/** A row that the search still follows, or one that has ended. Its score is float32. */
interface Beam {
  readonly ids: Int32Array;
  readonly score: number;
  readonly ended: boolean;
}

/**
 * The K running and K finished rows of one prompt. Both lists have the worst row first, except at
 * the start.
 */
interface Search {
  readonly running: readonly Beam[];
  readonly finished: readonly Beam[];
}

/**
 * A Search after a step. `from` holds, for each new running row, the index of the old running row
 * that it continues.
 */
interface Advance extends Search {
  readonly from: readonly number[];
}

/**
 * Finds the likeliest row of tokens for each prompt by a search with K beams.
 *
 * Each step takes the 2K best of all continuations of a prompt's K rows. Those that end compete for
 * the prompt's K finished rows by score / length^lengthPenalty. The best K others go on. As in the
 * original:
 * - the search stops for all prompts as soon as one of them cannot improve, so a row depends on the
 *   prompts beside it;
 * - the first test compares the start score with itself divided by maxLength^lengthPenalty, so that
 *   with a lengthPenalty of 0 or below no step is taken: padding only, score −1e7;
 * - a prompt without finished rows gives its best running row, with a plain sum as the score;
 * - rules on ids act on log-probabilities.
 * Beams have no sampling and no super conditioning, as in the original. The original's search fails
 * with stacked layers; this one does not.
 *
 * The search gives the event loop a turn once a step. It throws DataError for ids that do not fit
 * the model, and ConfigError for options out of range. Source: transformers 4.25.1
 * `generation/flax_utils.py`, _beam_search.
 */
export async function generateBeams(
  model: ImageTokenModel,
  inputs: GenerateInputs,
  options: BeamOptions,
): Promise<BeamResult> {
  const { beams } = options;
  if (!Number.isInteger(beams) || beams < 2) {
    throw new ConfigError(
      `generate: expected beams to be a whole number of at least 2, got ${beams}. For one, take the likeliest token each time (generateTokens with greedy).`,
    );
  }
  const foreign = OF_SAMPLING.find(
    (name) => (options as unknown as Record<string, unknown>)[name] !== undefined,
  );
  if (foreign !== undefined) {
    throw new ConfigError(`generate: beam search has no ${foreign}, neither here nor in the original.`);
  }
  const plan = planRows(model.config, options);
  const { total, eos, pad } = plan;
  const penalty = penaltyOf(options.lengthPenalty ?? model.config.lengthPenalty, total + 1);
  const early = options.earlyStopping ?? model.config.earlyStopping;
  const texts = textRows(inputs.inputIds, inputs.attentionMask, inputs, model.config);

  let searches = Array.from({ length: inputs.rows }, () => startSearch(beams, total, pad));
  options.signal?.throwIfAborted();
  const all = Int32Array.from({ length: inputs.rows * beams }, (_, row) => row);
  const textOfRow = all.map((row) => Math.floor(row / beams));
  const state = model.startDecoding({
    rows: all.length,
    length: total,
    texts: texts.length,
    textLength: inputs.length,
  });
  try {
    for (const [place, text] of texts.entries()) placeText(model, state, place, text);
    for (let step = 0; step < total && canImprove(searches, penalty(total + 1), early); step++) {
      const newest = searches.flatMap(({ running }) =>
        running.map(({ ids }) => (step === 0 ? plan.start : (ids[step - 1] as number))),
      );
      const logits = await nextLogits(model, state, {
        ids: Int32Array.from(newest),
        positions: new Int32Array(all.length).fill(step),
        rows: all,
        texts: textOfRow,
      });
      const vocabulary = logits.length / newest.length;
      const advances = searches.map((search, row) => {
        const first = row * beams * vocabulary;
        const own = logits.subarray(first, first + beams * vocabulary);
        const scores = continuationScores(own, search, plan.processors, step + 1);
        return advance(search, scores, { step, eos, penalty: penalty(step + 1), early });
      });
      state.reorder(
        Int32Array.from(advances.flatMap(({ from }, row) => from.map((beam) => row * beams + beam))),
      );
      searches = advances;
      options.onStep?.({ step: step + 1, total });
      await eventLoopTurn();
      options.signal?.throwIfAborted();
    }
  } finally {
    state.dispose();
  }
  const best = searches.map(({ running, finished }) => {
    const chosen = finished.some(({ ended }) => ended) ? finished : running;
    return chosen[beams - 1] as Beam;
  });
  return { tokens: best.map(({ ids }) => ids), scores: Float32Array.from(best, ({ score }) => score) };
}

/**
 * Returns length → length^lengthPenalty in float32. Throws ConfigError if lengthPenalty is not
 * finite, or the power is not finite at the longest length.
 */
function penaltyOf(lengthPenalty: number, longest: number): (length: number) => number {
  if (!Number.isFinite(lengthPenalty) || !Number.isFinite(Math.fround(longest ** lengthPenalty))) {
    throw new ConfigError(
      `generate: expected lengthPenalty to be a number for which ${longest}^lengthPenalty is finite, got ${lengthPenalty}.`,
    );
  }
  return (length) => Math.fround(length ** lengthPenalty);
}

function startSearch(beams: number, total: number, pad: number): Search {
  const ids = new Int32Array(total).fill(pad);
  const of = (score: number): Beam => ({ ids, score, ended: false });
  return {
    running: Array.from({ length: beams }, (_, beam) => of(beam === 0 ? 0 : WORST)),
    finished: Array.from({ length: beams }, () => of(WORST)),
  };
}

/**
 * Whether the search goes on: every prompt can still improve on each of its finished rows. With
 * `early` it stops when all finished rows have ended.
 */
function canImprove(searches: readonly Search[], longestPenalty: number, early: boolean): boolean {
  if (early && searches.every(allEnded)) return false;
  return searches.every(({ running, finished }) => {
    const best = Math.fround((running.at(-1) as Beam).score / longestPenalty);
    const lowest = Math.min(...finished.map(({ score }) => score));
    return finished.every(({ ended }) => (ended ? lowest : WORST) < best);
  });
}

function allEnded({ finished }: Search): boolean {
  return finished.every(({ ended }) => ended);
}

/** Returns the score of every continuation of a prompt's rows. logits and result: [K, V], flat. */
function continuationScores(
  logits: Float32Array,
  { running }: Search,
  processors: readonly LogitsRule[],
  length: number,
): Float32Array {
  const vocabulary = logits.length / running.length;
  const scores = new Float32Array(logits.length);
  for (const [beam, { score }] of running.entries()) {
    const row = logSoftmax(logits.subarray(beam * vocabulary, (beam + 1) * vocabulary));
    const ruled = processors.reduce((changed, rule) => rule(changed, length), row);
    for (let id = 0; id < vocabulary; id++) scores[beam * vocabulary + id] = (ruled[id] as number) + score;
  }
  return scores;
}

interface Step {
  readonly step: number;
  readonly eos: number;
  /** length^lengthPenalty for the length of the rows before the step. */
  readonly penalty: number;
  readonly early: boolean;
}

function advance(search: Search, scores: Float32Array, { step, eos, penalty, early }: Step): Advance {
  const { running, finished } = search;
  const beams = running.length;
  const vocabulary = scores.length / beams;
  const places = highest(scores, 2 * beams);
  const candidates = places.map((place) => {
    const ids = (running[Math.floor(place / vocabulary)] as Beam).ids.slice();
    const id = place % vocabulary;
    ids[step] = id;
    return { ids, score: scores[place] as number, ended: id === eos };
  });

  const goingOn = candidates.map((beam) => ({
    ...beam,
    score: beam.ended ? punished(beam.score) : beam.score,
  }));
  const next = bestOf(goingOn, beams);

  const full = early && allEnded(search);
  const ending = candidates.map((beam) => {
    const score = Math.fround(beam.score / penalty);
    return { ...beam, score: !beam.ended || full ? punished(score) : score };
  });
  const merged = [...finished, ...ending];
  return {
    running: next.map((index) => goingOn[index] as Beam),
    from: next.map((index) => Math.floor((places[index] as number) / vocabulary)),
    finished: bestOf(merged, beams).map((index) => merged[index] as Beam),
  };
}

function punished(score: number): number {
  return Math.fround(score + WORST);
}

/** Indices of the `count` highest scores, the highest last. */
function bestOf(beams: readonly Beam[], count: number): number[] {
  const scores = Float32Array.from(beams, ({ score }) => score);
  return highest(scores, count).reverse();
}

/**
 * Indices of the `count` highest values, the highest first; of equal ones the lower index. count ≤
 * values.length.
 */
function highest(values: Float32Array, count: number): number[] {
  const found: number[] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    const last = found[count - 1];
    if (last !== undefined && !isAbove(value, values[last] as number)) continue;
    let place = Math.min(found.length, count - 1);
    while (place > 0 && isAbove(value, values[found[place - 1] as number] as number)) place--;
    found.splice(place, 0, i);
    if (found.length > count) found.pop();
  }
  return found;
}

/** x − max − ln Σ exp(x − max), rounded to float32 where jax does. */
function logSoftmax(logits: Float32Array): Float32Array {
  const top = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const shifted = logits.map((logit) => logit - top);
  const sum = shifted.reduce((total, x) => total + Math.exp(x), 0);
  const log = Math.fround(Math.log(Math.fround(sum)));
  return shifted.map((x) => x - log);
}
