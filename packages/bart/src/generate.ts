import { ConfigError, categorical, DataError, type Key, prngKey, split } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { DalleBartConfig } from './config.js';
import type { DecodeState } from './decoder.js';
import {
  argmax,
  forcedToken,
  type LogitsRule,
  minLength,
  onlyIdsBelow,
  temperature,
  topK,
  topP,
} from './logits-rules.js';
import type { DalleBart } from './model.js';
import type { ProcessedPrompts } from './processor.js';

/** Prompts to draw; "no prompt" rows are only needed for super conditioning. */
export type GenerateInputs = Omit<ProcessedPrompts, 'uncondInputIds' | 'uncondAttentionMask'> &
  Partial<Pick<ProcessedPrompts, 'uncondInputIds' | 'uncondAttentionMask'>>;

/** What is known after a step. */
export interface GenerateProgress {
  /** Tokens a row so far, from 1 to total. */
  readonly step: number;
  readonly total: number;
  /** The newest token of each row. */
  readonly tokens: Int32Array;
}

/** How to draw. Defaults that are not named come from the model's config. */
export interface GenerateOptions {
  /** Key of the draws (default prngKey(0), as in the original). */
  readonly key?: Key;
  /**
   * A key for each row in place of `key`: a row is then drawn as if it were alone with its key, so its tokens don't depend on
   * the rows beside it.
   */
  readonly rowKeys?: readonly Key[] | undefined;
  /** Take the likeliest token instead of drawing (default: not do_sample). */
  readonly greedy?: boolean;
  /** Logits are divided by it: below 1 bolder, above 1 wilder (default 1). */
  readonly temperature?: number;
  /** Draw among this many of the likeliest tokens; 0 for all (default 50). */
  readonly topK?: number;
  /** Draw among the likeliest tokens that make up this share of probability; 1 for all (default 1). */
  readonly topP?: number;
  /**
   * Super conditioning: logits = u + scale·(c − u), c with the prompt, u without. 1 (the default) takes no second pass;
   * higher follows the prompt more closely.
   */
  readonly conditionScale?: number;
  /** Least and most tokens of a row, start token included. */
  readonly minLength?: number;
  readonly maxLength?: number;
  /**
   * Ids from here on are never drawn (default: the start token's, the first that no picture has). The original draws them,
   * though its picture decoder has no such code; Infinity does as the original.
   */
  readonly idsBelow?: number;
  /** Ids that a row starts with, ends with and is filled up with. A start of 0 counts as not given, as in the original. */
  readonly decoderStartTokenId?: number;
  readonly eosTokenId?: number;
  readonly padTokenId?: number;
  /** The first token of each row. */
  readonly forcedBosTokenId?: number | undefined;
  /** The last token of a row of maxLength. */
  readonly forcedEosTokenId?: number | undefined;
  /** Called after each step. */
  readonly onToken?: ((progress: GenerateProgress) => void) | undefined;
  /** Stops at the next step: the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Draws image tokens for prompts: one Int32Array of maxLength − 1 ids a row, start token left out. Rows that end early are
 * filled up with the padding id.
 *
 * The text is encoded once, with and without the prompt in one batch; each step feeds the newest token of each row, applies
 * the rules in the original's order and draws with a key of its own (now, key = split(key)). One block of noise serves the
 * batch, so a row's tokens depend on its place in it, unless rows have keys of their own. Same key, weights and prompts: the
 * original's tokens.
 *
 * Gives the event loop a turn once a step. Throws DataError for ids that do not fit the model, ConfigError for options out of
 * range. Source: dalle-mini `modeling.py`, generate; transformers 4.25.1 `generation/flax_utils.py`.
 */
export async function generateTokens(
  model: DalleBart,
  inputs: GenerateInputs,
  options: GenerateOptions = {},
): Promise<Int32Array[]> {
  const { config } = model;
  const { rows } = inputs;
  const scale = options.conditionScale ?? 1;
  const total = tokensPerRow(config, options);
  const rules = rulesOf(config, options, total);
  const greedy = options.greedy ?? !config.doSample;
  const start = options.decoderStartTokenId || config.decoderStartTokenId;
  const eos = options.eosTokenId ?? config.eosTokenId;
  const pad = options.padTokenId ?? config.padTokenId;
  checkStart(config, start);
  const text = textOf(inputs, scale, config);

  const output = Array.from({ length: rows }, () => new Int32Array(total).fill(pad));
  const finished = new Uint8Array(rows);
  let tokens = new Int32Array(rows).fill(start);
  let keys = keysOf(options, rows);
  options.signal?.throwIfAborted();
  const state = startState(model, text);
  try {
    for (let step = 0; step < total; step++) {
      const raw = await nextLogits(model, state, tokens, text.copies);
      const logits = conditioned(raw, rows, scale);
      const ruled = logits.map((row) => rules.reduce((changed, rule) => rule(changed, step + 1), row));
      const pairs = keys.map((key) => split(key) as [Key, Key]);
      keys = pairs.map(([, next]) => next);
      const now = pairs.map(([key]) => key);
      const chosen = greedy ? Int32Array.from(ruled, argmax) : draw(now, ruled);
      tokens = chosen.map((token, row) => {
        const ends = token === eos;
        // Drawing writes padding in place of the end token, taking the likeliest writes the end token itself.
        const padded = finished[row] === 1 || (ends && !greedy);
        if (ends) finished[row] = 1;
        return padded ? pad : token;
      });
      for (const [row, ids] of output.entries()) ids[step] = tokens[row] as number;
      options.onToken?.({ step: step + 1, total, tokens: tokens.slice() });
      await eventLoopTurn();
      options.signal?.throwIfAborted();
      if (finished.every((done) => done === 1)) break;
    }
  } finally {
    state.dispose();
  }
  return output;
}

/**
 * The keys of a run's pictures, as the original's notebook makes them of a seed on one device: each iteration does
 * key, subkey = split(key) and draws one picture of every prompt with split(subkey, 1)[0].
 */
export function iterationKeys(seed: number | bigint, iterations: number): Key[] {
  let key = prngKey(seed);
  return Array.from({ length: iterations }, () => {
    const [next, subkey] = split(key) as [Key, Key];
    key = next;
    return split(subkey, 1)[0] as Key;
  });
}

function tokensPerRow(config: DalleBartConfig, options: GenerateOptions): number {
  const length = options.maxLength ?? config.maxLength;
  if (!Number.isInteger(length) || length < 2 || length > config.imageLength + 1) {
    throw new ConfigError(
      `generate: expected maxLength to be a whole number from 2 to ${config.imageLength + 1} (the image's tokens and the start token), got ${length}.`,
    );
  }
  return length - 1;
}

/** Processors, then warpers, in the original's order; the conditioning of raw logits comes before them. */
function rulesOf(config: DalleBartConfig, options: GenerateOptions, total: number): LogitsRule[] {
  const { forcedBosTokenId, forcedEosTokenId } = options;
  const idsBelow = options.idsBelow ?? (config.decoderStartTokenId || config.imageVocabSize);
  if (!(idsBelow >= 1)) {
    throw new ConfigError(`generate: expected idsBelow to be at least 1, got ${idsBelow}.`);
  }
  const least = options.minLength ?? config.minLength;
  if (!(least >= 0)) throw new ConfigError(`generate: expected minLength of at least 0, got ${least}.`);
  for (const id of [forcedBosTokenId, forcedEosTokenId]) {
    if (id !== undefined && !(Number.isInteger(id) && id >= 0 && id <= config.imageVocabSize)) {
      throw new ConfigError(
        `generate: expected a forced token id from 0 to ${config.imageVocabSize}, got ${id}.`,
      );
    }
  }
  const processors = [
    onlyIdsBelow(idsBelow),
    minLength(least, options.eosTokenId ?? config.eosTokenId),
    ...(forcedBosTokenId === undefined ? [] : [forcedToken(forcedBosTokenId, 1)]),
    ...(forcedEosTokenId === undefined ? [] : [forcedToken(forcedEosTokenId, total)]),
  ];
  const share = options.topP ?? config.topP;
  const warpers = [
    temperature(options.temperature ?? config.temperature),
    topK(options.topK ?? config.topK),
    ...(share >= 1 ? [] : [topP(share)]),
  ];
  return (options.greedy ?? !config.doSample) ? processors : [...processors, ...warpers];
}

function checkStart(config: DalleBartConfig, start: number): void {
  if (!Number.isInteger(start) || start < 0 || start > config.imageVocabSize) {
    throw new ConfigError(
      `generate: expected decoderStartTokenId from 0 to ${config.imageVocabSize}, got ${start}.`,
    );
  }
}

interface Text {
  readonly ids: Int32Array;
  readonly mask: Int32Array;
  readonly length: number;
  /** 2 with the rows of "no prompt" behind the prompts', else 1. */
  readonly copies: 1 | 2;
}

function textOf(inputs: GenerateInputs, scale: number, config: DalleBartConfig): Text {
  const { inputIds, attentionMask, uncondInputIds, uncondAttentionMask, rows, length } = inputs;
  if (!Number.isFinite(scale)) {
    throw new ConfigError(`generate: expected conditionScale to be a number, got ${scale}.`);
  }
  if (!(rows >= 1) || length > config.maxTextLength) {
    throw new DataError(
      `generate: expected at least one row of at most ${config.maxTextLength} text tokens, got ${rows} of ${length}. Make the inputs with the model's own processor.`,
    );
  }
  checkIds(inputIds, attentionMask, rows * length, config);
  if (scale === 1) return { ids: inputIds, mask: attentionMask, length, copies: 1 };
  if (!uncondInputIds || !uncondAttentionMask) {
    throw new ConfigError(
      'generate: super conditioning (conditionScale other than 1) needs uncondInputIds and uncondAttentionMask, which the processor makes.',
    );
  }
  checkIds(uncondInputIds, uncondAttentionMask, rows * length, config);
  return {
    ids: Int32Array.of(...inputIds, ...uncondInputIds),
    mask: Int32Array.of(...attentionMask, ...uncondAttentionMask),
    length,
    copies: 2,
  };
}

function checkIds(ids: Int32Array, mask: Int32Array, size: number, config: DalleBartConfig): void {
  if (ids.length !== size || mask.length !== size) {
    throw new DataError(
      `generate: expected ${size} text ids and as many mask values (rows × length), got ${ids.length} and ${mask.length}.`,
    );
  }
  const wrong = ids.find((id) => id < 0 || id >= config.encoderVocabSize);
  if (wrong !== undefined) {
    throw new DataError(
      `generate: text id ${wrong} is outside the model's text vocabulary of ${config.encoderVocabSize}. Does the tokenizer belong to this model?`,
    );
  }
}

function startState(model: DalleBart, { ids, mask, length }: Text): DecodeState {
  const shape: [number, number] = [ids.length / length, length];
  const inputIds = tf.tensor2d(ids, shape, 'int32');
  const attentionMask = tf.tensor2d(mask, shape, 'int32');
  const encoded = model.encode(inputIds, attentionMask);
  try {
    return model.startDecoding(encoded, attentionMask);
  } finally {
    tf.dispose([inputIds, attentionMask, encoded]);
  }
}

/** Logits behind the newest tokens: [copies·rows, V], flat. */
async function nextLogits(
  model: DalleBart,
  state: DecodeState,
  tokens: Int32Array,
  copies: 1 | 2,
): Promise<Float32Array> {
  const fed = copies === 1 ? tokens : Int32Array.of(...tokens, ...tokens);
  const ids = tf.tensor1d(fed, 'int32');
  const logits = model.step(state, ids);
  try {
    return (await logits.data()) as Float32Array;
  } finally {
    tf.dispose([ids, logits]);
  }
}

/** One row a prompt: u + scale·(c − u) where there are both, each operation rounded to float32. */
function conditioned(raw: Float32Array, rows: number, scale: number): Float32Array[] {
  const both = scale !== 1;
  const vocabulary = raw.length / (both ? 2 * rows : rows);
  return Array.from({ length: rows }, (_, row) => {
    const cond = raw.slice(row * vocabulary, (row + 1) * vocabulary);
    if (!both) return cond;
    const uncond = raw.subarray((rows + row) * vocabulary, (rows + row + 1) * vocabulary);
    const factor = Math.fround(scale);
    return cond.map((c, id) => {
      const u = uncond[id] as number;
      return u + Math.fround(factor * Math.fround(c - u));
    });
  });
}

/** One key for all rows, or one a row. */
function keysOf({ key, rowKeys }: GenerateOptions, rows: number): readonly Key[] {
  if (rowKeys === undefined) return [key ?? prngKey(0)];
  if (key !== undefined || rowKeys.length !== rows) {
    throw new ConfigError(
      `generate: expected either key, or rowKeys with a key for each of ${rows} rows; got ${rowKeys.length}${key === undefined ? '' : ' and key'}.`,
    );
  }
  return rowKeys;
}

/** Draws with one block of noise for all rows, or with each row's own. */
function draw(keys: readonly Key[], logits: readonly Float32Array[]): Int32Array {
  const vocabulary = (logits[0] as Float32Array).length;
  const [key, second] = keys;
  if (second !== undefined) {
    return Int32Array.from(
      logits,
      (row, r) => categorical(keys[r] as Key, row, [1, vocabulary])[0] as number,
    );
  }
  const flat = new Float32Array(logits.length * vocabulary);
  for (const [row, values] of logits.entries()) flat.set(values, row * vocabulary);
  return categorical(key as Key, flat, [logits.length, vocabulary]);
}

/** Lets timers, input and the freeing of native memory run. Browsers have no setImmediate. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
