import { ConfigError, type Key } from '@easel/core';
import { eventLoopTurn } from '@easel/core/internals';
import { DecodeLoop, type DrawingRequest } from './decode-loop.js';
import type { GenerationConfig } from './generation-config.js';
import type { ImageTokenModel } from './image-token-model.js';
import type { RowOptions } from './row-options.js';
import { Sampler, type SamplingOptions } from './sampling.js';
import { type GenerateInputs, textRows } from './text-inputs.js';

/** Progress of a drawing after a step. */
export interface GenerateProgress {
  /** Number of tokens of a row so far, from 1 to `total`. */
  readonly step: number;
  readonly total: number;
  /** The newest token of each row. */
  readonly tokens: Int32Array;
}

/** Options of a drawing. Defaults that are not named come from the model's config. */
export interface GenerateOptions extends SamplingOptions, RowOptions {
  /** Key of the draws (default prngKey(0), as in the original). */
  readonly key?: Key;
  /**
   * A key for each row, in place of `key`. Each row is then drawn as if it were alone with its key,
   * so its tokens don't depend on the rows beside it.
   */
  readonly rowKeys?: readonly Key[] | undefined;
  /** Called after each step. */
  readonly onToken?: ((progress: GenerateProgress) => void) | undefined;
}

/**
 * Draws image tokens for prompts: one Int32Array of maxLength − 1 ids a row, start token left out.
 * Rows that end early are filled up with the padding id.
 *
 * All rows join one DecodeLoop at the start. Each text is encoded once, by itself. Each step feeds
 * the newest token of each row, applies the rules in the original's order, and draws with a key of
 * its own (now, key = split(key)). With `key`, one block of noise serves the whole batch, so a
 * row's tokens depend on its place in the batch, as in the original. With `rowKeys` they do not.
 * The same key, weights and prompts give the original's tokens.
 *
 * The event loop gets a turn after each text and each step. Throws DataError for ids that do not
 * fit the model, and ConfigError for options out of range. Source: dalle-mini `modeling.py`,
 * generate; transformers 4.25.1 `generation/flax_utils.py`.
 */
export async function generateTokens(
  model: ImageTokenModel,
  inputs: GenerateInputs,
  options: GenerateOptions = {},
): Promise<Int32Array[]> {
  const { signal, onToken } = options;
  const { total, rows: rowsEach } = new Sampler(model.config, options);
  const requests = requestsOf(inputs, options, model.config);
  signal?.throwIfAborted();
  const rows = requests.length * rowsEach;
  const loop = new DecodeLoop(model, { rows, length: total, reserve: true });
  try {
    const drawings = [];
    for (const request of requests) {
      drawings.push(loop.admit(request));
      await eventLoopTurn();
      signal?.throwIfAborted();
    }
    for (let step = 0; drawings.some(({ done }) => !done); step++) {
      await loop.step();
      onToken?.({
        step: step + 1,
        total,
        tokens: Int32Array.from(drawings, ({ tokens }) => tokens[step] as number),
      });
      await eventLoopTurn();
      signal?.throwIfAborted();
    }
    return drawings.map(({ tokens }) => tokens);
  } finally {
    loop.dispose();
  }
}

/** Makes a request for each row of the inputs. */
function requestsOf(
  inputs: GenerateInputs,
  options: GenerateOptions,
  config: GenerationConfig,
): DrawingRequest[] {
  const { inputIds, attentionMask, uncondInputIds, uncondAttentionMask, rows } = inputs;
  const texts = textRows(inputIds, attentionMask, inputs, config);
  const withoutPrompt =
    uncondInputIds && uncondAttentionMask && (options.conditionScale ?? 1) !== 1
      ? textRows(uncondInputIds, uncondAttentionMask, inputs, config)
      : undefined;
  const keys = keysOf(options, rows);
  return texts.map((text, row) => ({
    ...options,
    text,
    noText: withoutPrompt?.[row],
    noise: keys ? { key: keys[row] } : { key: options.key, row, rows },
  }));
}

/**
 * Returns `rowKeys` if they are given. Throws ConfigError if `key` is given too, or a row has no
 * key.
 */
function keysOf({ key, rowKeys }: GenerateOptions, rows: number): readonly Key[] | undefined {
  if (rowKeys === undefined) return undefined;
  if (key !== undefined || rowKeys.length !== rows) {
    throw new ConfigError(
      `generate: expected either key, or rowKeys with a key for each of ${rows} rows; got ${rowKeys.length}${key === undefined ? '' : ' and key'}.`,
    );
  }
  return rowKeys;
}
