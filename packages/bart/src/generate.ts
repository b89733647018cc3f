import { ConfigError, categorical, type Key, prngKey, split } from '@easel/core';
import { eventLoopTurn } from '@easel/core/internals';
import type { GenerationConfig, ImageTokenModel } from './image-token-model.js';
import {
  argmax,
  type LogitsRule,
  minDalle,
  minDalleConditioned,
  onlyIdsBelow,
  superConditioned,
  temperature,
  topK,
  topP,
} from './logits-rules.js';
import { planRows, type RowOptions, type RowPlan } from './row-options.js';
import {
  checkIds,
  type GenerateInputs,
  nextLogits,
  promptRows,
  startState,
  type TextRows,
} from './text-inputs.js';

/** What is known after a step. */
export interface GenerateProgress {
  /** Tokens a row so far, from 1 to total. */
  readonly step: number;
  readonly total: number;
  /** The newest token of each row. */
  readonly tokens: Int32Array;
}

/** By whose rule a token is drawn from logits. */
export type SamplingRule = 'dalle-mini' | 'min-dalle';

/** How to draw. Defaults that are not named come from the model's config. */
export interface GenerateOptions extends RowOptions {
  /** Key of the draws (default prngKey(0), as in the original). */
  readonly key?: Key;
  /**
   * A key for each row in place of `key`: a row is then drawn as if it were alone with its key, so its tokens don't depend on
   * the rows beside it.
   */
  readonly rowKeys?: readonly Key[] | undefined;
  /** Take the likeliest token instead of drawing (default: not do_sample). */
  readonly greedy?: boolean;
  /**
   * DALL·E mini's rule (the default): temperature, then exactly topK, then topP. min-dalle's: topK and all ties with the last
   * of them (default 256), then temperature; rows never end early, and it has no topP, minLength or forced tokens.
   */
  readonly rule?: SamplingRule;
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
  /** Called after each step. */
  readonly onToken?: ((progress: GenerateProgress) => void) | undefined;
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
  model: ImageTokenModel,
  inputs: GenerateInputs,
  options: GenerateOptions = {},
): Promise<Int32Array[]> {
  const { config } = model;
  const { rows } = inputs;
  const scale = options.conditionScale ?? 1;
  const greedy = options.greedy ?? !config.doSample;
  const plan = planRows(config, options);
  const { total, pad } = plan;
  const { rules, condition, eos } = samplingOf(config, options, plan, greedy);
  const text = textOf(inputs, scale, config);

  const output = Array.from({ length: rows }, () => new Int32Array(total).fill(pad));
  const finished = new Uint8Array(rows);
  let tokens = new Int32Array(rows).fill(plan.start);
  let keys = keysOf(options, rows);
  options.signal?.throwIfAborted();
  const state = startState(model, text);
  try {
    for (let step = 0; step < total; step++) {
      const fed = scale === 1 ? tokens : Int32Array.of(...tokens, ...tokens);
      const raw = await nextLogits(model, state, fed);
      const vocabulary = raw.length / fed.length;
      const rowOf = (row: number): Float32Array => raw.slice(row * vocabulary, (row + 1) * vocabulary);
      const ruled = Array.from(tokens, (_, row) => {
        const logits = scale === 1 ? rowOf(row) : condition(rowOf(row), rowOf(rows + row), scale);
        return rules.reduce((changed, rule) => rule(changed, step + 1), logits);
      });
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

/** What is done to a row of logits before a token is chosen. */
interface Sampling {
  readonly condition: (c: Float32Array, u: Float32Array, scale: number) => Float32Array;
  readonly rules: readonly LogitsRule[];
  /** The id that ends a row, if one does. */
  readonly eos: number | undefined;
}

function samplingOf(
  config: GenerationConfig,
  options: GenerateOptions,
  plan: RowPlan,
  greedy: boolean,
): Sampling {
  const rule = options.rule ?? 'dalle-mini';
  if (rule === 'min-dalle') return minDalleSampling(config, options, plan);
  if (rule !== 'dalle-mini') {
    throw new ConfigError(`generate: expected rule to be "dalle-mini" or "min-dalle", got "${rule}".`);
  }
  const share = options.topP ?? config.topP;
  const warpers = [
    temperature(options.temperature ?? config.temperature),
    topK(options.topK ?? config.topK),
    ...(share >= 1 ? [] : [topP(share)]),
  ];
  const rules = greedy ? plan.processors : [...plan.processors, ...warpers];
  return { condition: superConditioned, rules, eos: plan.eos };
}

const NOT_IN_MIN_DALLE = ['topP', 'minLength', 'forcedBosTokenId', 'forcedEosTokenId'] as const;

function minDalleSampling(config: GenerationConfig, options: GenerateOptions, plan: RowPlan): Sampling {
  const foreign = NOT_IN_MIN_DALLE.find((name) => options[name] !== undefined);
  if (foreign !== undefined) {
    throw new ConfigError(
      `generate: min-dalle's rule has no ${foreign}. Leave it out, or take dalle-mini's.`,
    );
  }
  const codes = Math.min(plan.idsBelow, config.imageVocabSize + 1);
  const k = options.topK ?? Math.min(256, codes);
  const rule = minDalle(k, options.temperature ?? 1, codes);
  return { condition: minDalleConditioned, rules: [onlyIdsBelow(codes), rule], eos: undefined };
}

/** The prompts' rows, and for super conditioning those of "no prompt" behind them. */
function textOf(inputs: GenerateInputs, scale: number, config: GenerationConfig): TextRows {
  if (!Number.isFinite(scale)) {
    throw new ConfigError(`generate: expected conditionScale to be a number, got ${scale}.`);
  }
  const prompts = promptRows(inputs, config);
  if (scale === 1) return prompts;
  const { uncondInputIds: ids, uncondAttentionMask: mask } = inputs;
  if (!ids || !mask) {
    throw new ConfigError(
      'generate: super conditioning (conditionScale other than 1) needs uncondInputIds and uncondAttentionMask, which the processor makes.',
    );
  }
  checkIds(ids, mask, prompts.ids.length, config);
  return {
    ids: Int32Array.of(...prompts.ids, ...ids),
    mask: Int32Array.of(...prompts.mask, ...mask),
    length: prompts.length,
  };
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
