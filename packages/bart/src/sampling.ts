import { ConfigError, categoricalRow, type Key, prngKey, split } from '@easel/core';
import type { GenerationConfig } from './generation-config.js';
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

/** The program whose rule draws a token from logits. */
export type SamplingRule = 'dalle-mini' | 'min-dalle';

/**
 * Options on how the tokens of a picture are chosen. Defaults that are not named come from the
 * model's config.
 */
export interface SamplingOptions extends Omit<RowOptions, 'signal'> {
  /**
   * Whether the likeliest token is taken instead of a drawn one (default: the opposite of the
   * config's do_sample).
   */
  readonly greedy?: boolean;
  /**
   * DALL·E mini's rule (the default) applies temperature, then exactly topK, then topP. min-dalle's
   * rule applies topK with all ties of the last one (default 256), then temperature. With
   * min-dalle's rule rows never end early, and there is no topP, minLength or forced token.
   */
  readonly rule?: SamplingRule;
  /**
   * The logits are divided by this (default 1). Values below 1 favour likely tokens; values above 1
   * give more varied ones.
   */
  readonly temperature?: number;
  /** Number of likeliest tokens among which one is drawn; 0 means all (default 50). */
  readonly topK?: number;
  /**
   * Share of probability that the likeliest tokens, among which one is drawn, make up; 1 means all
   * (default 1).
   */
  readonly topP?: number;
  /**
   * Super conditioning: logits = u + scale·(c − u), with c the logits with the prompt and u those
   * without. A higher scale follows the prompt more closely. At 1 (the default) the second row is
   * not needed.
   */
  readonly conditionScale?: number;
}

/** Source of a picture's noise. */
export interface Noise {
  /**
   * The key, which each step splits: now, key = split(key) (default prngKey(0), as in the
   * original).
   */
  readonly key?: Key | undefined;
  /**
   * The picture's row in the block of noise that `now` makes for `rows` pictures (default: the only
   * row).
   */
  readonly row?: number | undefined;
  readonly rows?: number | undefined;
}

/**
 * Chooses the tokens of one picture from its logits, one after the other. Each step applies super
 * conditioning and then the rules in the original's order. Then it takes the likeliest token, or
 * draws one with the step's own key.
 */
export class Sampler {
  /** Number of tokens of a row, without the start token. */
  readonly total: number;
  /** The token that is fed first. */
  readonly start: number;
  /** The id that fills up rows that end early. */
  readonly pad: number;
  /**
   * Number of rows of logits that a picture takes: one with the prompt, and with super conditioning
   * a second one without it.
   */
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
   * Chooses the token that follows `length` tokens (start token included), and says whether it ends
   * the picture. `conditioned` and `unconditioned` are the logits [V] of the picture's rows; the
   * second is only used if there are two rows.
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
    // As in the original, a drawn end token is written as padding, and a greedy end token as
    // itself.
    return { token: ends && !this.greedy ? this.pad : token, ends };
  }
}

/** The rules that are applied to a row of logits before a token is chosen. */
interface Sampling {
  readonly condition: (c: Float32Array, u: Float32Array, scale: number) => Float32Array;
  readonly rules: readonly LogitsRule[];
  /** The id that ends a row, if there is one. */
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
