import { ConfigError } from '@easel/core';
import type { GenerationConfig } from './generation-config.js';
import { forcedToken, type LogitsRule, minLength, onlyIdsBelow } from './logits-rules.js';

/**
 * Options on the shape of a generated row. Defaults that are not named come from the model's
 * config.
 */
export interface RowOptions {
  /** Least and greatest number of tokens of a row, start token included. */
  readonly minLength?: number;
  readonly maxLength?: number;
  /**
   * Ids from this one on are never drawn. The default is the id of the start token, the first that
   * no picture has. The original draws such ids too, though its picture decoder has no code for
   * them; Infinity does the same.
   */
  readonly idsBelow?: number;
  /**
   * The ids that a row starts with, ends with and is filled up with. A start of 0 counts as not
   * given, as in the original.
   */
  readonly decoderStartTokenId?: number;
  readonly eosTokenId?: number;
  readonly padTokenId?: number;
  /** The first token of each row. */
  readonly forcedBosTokenId?: number | undefined;
  /** The last token of a row of maxLength. */
  readonly forcedEosTokenId?: number | undefined;
  /** Stops the run at the next step. The promise is then rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** RowOptions with all defaults filled in. */
export interface RowPlan {
  /** Number of tokens of a row, without the start token. */
  readonly total: number;
  readonly start: number;
  readonly eos: number;
  readonly pad: number;
  readonly idsBelow: number;
  /**
   * The rules on logits that every way of choosing tokens applies first, in the original's order.
   */
  readonly processors: readonly LogitsRule[];
}

/**
 * Returns the number of ids that pictures are drawn from: those below the start token, which is the
 * first id that no picture has. A vocabulary may be larger: DALL·E mega's has 16,415 ids, of which
 * those from 16,384 on are padding and never labels. A start token of 0 counts as not given, as in
 * the original.
 */
export function drawableIds(
  config: Pick<GenerationConfig, 'decoderStartTokenId' | 'imageVocabSize'>,
): number {
  return config.decoderStartTokenId || config.imageVocabSize;
}

/**
 * Fills in the config's values for options that are not given. Throws ConfigError for an option out
 * of range.
 */
export function planRows(config: GenerationConfig, options: RowOptions): RowPlan {
  const total = tokensPerRow(config, options);
  const start = options.decoderStartTokenId || config.decoderStartTokenId;
  checkId('decoderStartTokenId', start, config);
  const eos = options.eosTokenId ?? config.eosTokenId;
  const idsBelow = options.idsBelow ?? drawableIds(config);
  if (!(idsBelow >= 1)) {
    throw new ConfigError(`generate: expected idsBelow to be at least 1, got ${idsBelow}.`);
  }
  const least = options.minLength ?? config.minLength;
  if (!(Number.isInteger(least) && least >= 0)) {
    throw new ConfigError(`generate: expected minLength to be a whole number of at least 0, got ${least}.`);
  }
  const first = options.forcedBosTokenId ?? config.forcedBosTokenId;
  const last = options.forcedEosTokenId ?? config.forcedEosTokenId;
  if (first !== null) checkId('a forced token id', first, config);
  if (last !== null) checkId('a forced token id', last, config);
  const processors = [
    onlyIdsBelow(idsBelow),
    minLength(least, eos),
    ...(first === null ? [] : [forcedToken(first, 1)]),
    ...(last === null ? [] : [forcedToken(last, total)]),
  ];
  return { total, start, eos, pad: options.padTokenId ?? config.padTokenId, idsBelow, processors };
}

function tokensPerRow(config: GenerationConfig, options: RowOptions): number {
  const length = options.maxLength ?? config.maxLength;
  if (!Number.isInteger(length) || length < 2 || length > config.imageLength + 1) {
    throw new ConfigError(
      `generate: expected maxLength to be a whole number from 2 to ${config.imageLength + 1} (the image's tokens and the start token), got ${length}.`,
    );
  }
  return length - 1;
}

function checkId(what: string, id: number, config: GenerationConfig): void {
  if (!Number.isInteger(id) || id < 0 || id > config.imageVocabSize) {
    throw new ConfigError(`generate: expected ${what} from 0 to ${config.imageVocabSize}, got ${id}.`);
  }
}
