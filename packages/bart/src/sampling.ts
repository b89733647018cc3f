import { ConfigError, categoricalRow, type Key, prngKey, split } from '@easel/core';
import type { GenerationConfig } from './image-token-model.js';
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

/** By whose rule a token is drawn from logits. */
export type SamplingRule = 'dalle-mini' | 'min-dalle';

/**
 * How the tokens of a picture are chosen. Defaults that are not named come from the model's config.
 */
export interface SamplingOptions extends Omit<RowOptions, 'signal'> {
  /** Take the likeliest token instead of drawing (default: not do_sample). */
  readonly greedy?: boolean;
  /**
   * DALL·E mini's rule (the default): temperature, then exactly topK, then topP. min-dalle's: topK
   * and all ties with the last of them (default 256), then temperature; rows never end early, and
   * it has no topP, minLength or forced tokens.
   */
  readonly rule?: SamplingRule;
  /** Logits are divided by it: below 1 bolder, above 1 wilder (default 1). */
  readonly temperature?: number;
  /** Draw among this many of the likeliest tokens; 0 for all (default 50). */
  readonly topK?: number;
  /**
   * Draw among the likeliest tokens that make up this share of probability; 1 for all (default 1).
   */
  readonly topP?: number;
  /**
   * Super conditioning: logits = u + scale·(c − u), c with the prompt, u without. 1 (the default)
   * takes no second row; higher follows the prompt more closely.
   */
  readonly conditionScale?: number;
}

/** Where a picture's noise comes from. */
export interface Noise {
  /** Each step splits it: now, key = split(key) (default prngKey(0), as in the original). */
  readonly key?: Key | undefined;
  /**
   * The noise is row `row` of a block that `now` makes for `rows` pictures (default: the only row).
   */
  readonly row?: number | undefined;
  readonly rows?: number | undefined;
}

/**
 * Chooses the tokens of one picture from its logits, one after the other: super conditioning, the
 * rules in the original's order, then the likeliest token or one drawn with a key of the step's
 * own.
 */
export class Sampler {
  /** Tokens of a row, start token left out. */
  readonly total: number;
  /** The token that is fed first. */
  readonly start: number;
  /** What rows that end early are filled up with. */
  readonly pad: number;
  /** Rows of logits that a picture takes: with the prompt, and for super conditioning without. */
  readonly rows: 1 | 2;
  private readonly scale: number;
  private readonly greedy: boolean;
  private readonly sampling: Sampling;
  private readonly noise: { readonly row: number; readonly rows: number };
  private key: Key;

  /** Throws ConfigError for options out of range. */
  constructor(config: GenerationConfig, options: SamplingOptions, noise: Noise = {}) {
    const plan = planRows(config, options);
    this.total = plan.total;
    this.start = plan.start;
    this.pad = plan.pad;
    this.scale = options.conditionScale ?? 1;
    if (!Number.isFinite(this.scale)) {
      throw new ConfigError(`generate: expected conditionScale to be a number, got ${this.scale}.`);
    }
    this.rows = this.scale === 1 ? 1 : 2;
    this.greedy = options.greedy ?? !config.doSample;
    this.sampling = samplingOf(config, options, plan, this.greedy);
    this.key = noise.key ?? prngKey(0);
    this.noise = { row: noise.row ?? 0, rows: noise.rows ?? 1 };
  }

  /**
   * The token behind `length` tokens (start token included), and whether it ends the picture.
   * `conditioned` and `unconditioned`: logits [V] of the picture's rows; the second counts where
   * there are two.
   */
  choose(
    conditioned: Float32Array,
    unconditioned: Float32Array,
    length: number,
  ): { readonly token: number; readonly ends: boolean } {
    const { condition, rules, eos } = this.sampling;
    const logits = this.rows === 1 ? conditioned : condition(conditioned, unconditioned, this.scale);
    const ruled = rules.reduce((changed, rule) => rule(changed, length), logits);
    const [now, next] = split(this.key) as [Key, Key];
    this.key = next;
    const { row, rows } = this.noise;
    const token = this.greedy ? argmax(ruled) : categoricalRow(now, ruled, row, rows);
    const ends = token === eos;
    // Drawing writes padding in place of the end token, taking the likeliest writes the end token
    // itself.
    return { token: ends && !this.greedy ? this.pad : token, ends };
  }
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
  options: SamplingOptions,
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

function minDalleSampling(config: GenerationConfig, options: SamplingOptions, plan: RowPlan): Sampling {
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
