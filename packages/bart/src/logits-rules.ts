import { ConfigError } from '@easel/core';

/**
 * A change of one row of logits, [V] → [V], before a token is chosen from it. `length` counts the
 * tokens of the row so far, start token included. A rule leaves its input as it is.
 *
 * Ids that are ruled out get −∞. Source: transformers 4.25.1 `generation/flax_logits_process.py`.
 */
export type LogitsRule = (logits: Float32Array, length: number) => Float32Array;

const RULED_OUT = Number.NEGATIVE_INFINITY;

/** Rules out every id from `first` on. */
export function onlyIdsBelow(first: number): LogitsRule {
  return (logits) => (first < logits.length ? logits.slice().fill(RULED_OUT, first) : logits);
}

/** Rules out `eos` while a row has at most `least` tokens. */
export function minLength(least: number, eos: number): LogitsRule {
  return (logits, length) => {
    if (length > least || eos >= logits.length) return logits;
    const changed = logits.slice();
    changed[eos] = RULED_OUT;
    return changed;
  };
}

/** Rules out everything but `id` when a row has `at` tokens. */
export function forcedToken(id: number, at: number): LogitsRule {
  return (logits, length) => {
    if (length !== at) return logits;
    const changed = new Float32Array(logits.length).fill(RULED_OUT);
    changed[id] = 0;
    return changed;
  };
}

/** Divides by `value`. Throws ConfigError unless it is above 0. */
export function temperature(value: number): LogitsRule {
  checkTemperature(value);
  return (logits) => logits.map((logit) => logit / value);
}

/**
 * Keeps the `k` highest logits. Of equal logits it prefers those with lower ids. A `k` of 0 keeps
 * all.
 * Throws ConfigError unless k is a whole number of at least 0.
 */
export function topK(k: number): LogitsRule {
  if (!Number.isInteger(k) || k < 0) {
    throw new ConfigError(`top-k: expected a whole number of at least 0 (0 keeps all), got ${k}.`);
  }
  return (logits) => {
    if (k === 0 || k >= logits.length) return logits;
    const threshold = logits.slice().sort()[logits.length - k] as number; // typed arrays sort −0 below +0
    let room = k;
    for (const logit of logits) if (isAbove(logit, threshold)) room--;
    return logits.map((logit) => {
      if (isAbove(logit, threshold)) return logit;
      return Object.is(logit, threshold) && room-- > 0 ? logit : RULED_OUT;
    });
  };
}

/**
 * Keeps the likeliest ids until their probabilities sum up to `p`. An id stays if the likelier ones
 * sum to less; the first always stays. To keep all ids, leave the rule out: at 1 it drops ids whose
 * probability is lost in rounding. Throws ConfigError unless p is at least 0.
 */
export function topP(p: number): LogitsRule {
  if (!(p >= 0)) throw new ConfigError(`top-p: expected a number of at least 0, got ${p}.`);
  return (logits) => {
    const order = Array.from(logits.keys()).sort((a, b) => {
      const [x, y] = [logits[a] as number, logits[b] as number];
      return isAbove(x, y) ? -1 : isAbove(y, x) ? 1 : a - b;
    });
    const highest = logits[order[0] as number] as number;
    const weights = Float32Array.from(order, (id) => Math.exp((logits[id] as number) - highest));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const kept = new Float32Array(logits.length).fill(RULED_OUT);
    let before = 0;
    for (const [rank, id] of order.entries()) {
      if (rank > 0 && !(before < p)) break;
      kept[id] = logits[id] as number;
      before = Math.fround(before + Math.fround((weights[rank] as number) / total));
    }
    return kept;
  };
}

/**
 * Turns logits into scores as min-dalle does. Logits at least as high as the `k`-th highest stay,
 * all ties with it included; their score is (logit − highest) / temperature. min-dalle draws with
 * exp(score) as weights.
 *
 * Throws ConfigError unless k is a whole number from 1 to `codes`, the number of ids that may be
 * drawn, and the temperature `value` is above 0. Source: kuprel/min-dalle
 * `models/dalle_bart_decoder.py`, sample_tokens.
 */
export function minDalle(k: number, value: number, codes: number): LogitsRule {
  if (!Number.isInteger(k) || k < 1 || k > codes) {
    throw new ConfigError(
      `top-k: expected a whole number from 1 to ${codes} (min-dalle's rule has no 0 for all), got ${k}.`,
    );
  }
  checkTemperature(value);
  return (logits) => {
    const sorted = logits.slice().sort();
    const threshold = sorted[logits.length - k] as number;
    const highest = sorted[logits.length - 1] as number;
    return logits.map((logit) => (logit >= threshold ? Math.fround(logit - highest) / value : RULED_OUT));
  };
}

/**
 * Super conditioning: u + scale·(c − u), c [V] with the prompt and u [V] without, each operation
 * rounded to float32.
 */
export function superConditioned(c: Float32Array, u: Float32Array, scale: number): Float32Array {
  const factor = Math.fround(scale);
  return c.map((logit, id) => {
    const base = u[id] as number;
    return base + Math.fround(factor * Math.fround(logit - base));
  });
}

/** Super conditioning with min-dalle's rounding: u·(1 − scale) + c·scale. */
export function minDalleConditioned(c: Float32Array, u: Float32Array, scale: number): Float32Array {
  const factor = Math.fround(scale);
  const rest = Math.fround(1 - factor);
  return c.map((logit, id) => Math.fround((u[id] as number) * rest) + Math.fround(logit * factor));
}

/** Returns the index of the highest logit; of equal logits the lowest index. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) {
    if ((logits[id] as number) > (logits[best] as number)) best = id;
  }
  return best;
}

function checkTemperature(value: number): void {
  if (!(value > 0 && Number.isFinite(value))) {
    throw new ConfigError(`temperature: expected a number above 0, got ${value}.`);
  }
}

/** Whether a > b, where +0 counts as above −0. */
export function isAbove(a: number, b: number): boolean {
  return a > b || (a === b && Object.is(b, -0) && !Object.is(a, -0));
}
