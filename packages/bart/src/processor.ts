import { DataError } from '@easel/core';
import type { TextNormalizer } from './normalizer/text-normalizer.js';
import type { BpeTokenizer } from './tokenizer/bpe-tokenizer.js';

/** Prompts as the model takes them: each array is [rows, length], row after row. */
export interface ProcessedPrompts {
  readonly inputIds: Int32Array;
  readonly attentionMask: Int32Array;
  /** The row of "no prompt", once for each prompt: what super conditioning moves away from. */
  readonly uncondInputIds: Int32Array;
  readonly uncondAttentionMask: Int32Array;
  readonly rows: number;
  readonly length: number;
}

/** What prompts go through. */
export interface ProcessorParts {
  readonly tokenizer: BpeTokenizer;
  /** Applied first; leave it out for a model with normalize_text false. */
  readonly normalizer?: TextNormalizer | undefined;
  readonly maxTextLength: number;
}

/**
 * Prompts → ids and masks, with the row of "no prompt" beside them. That row is the empty text, not
 * normalized: the prompt "" normalizes to one space and has a token more. Source: dalle-mini
 * `model/processor.py`.
 */
export class Processor {
  private readonly parts: ProcessorParts;

  constructor(parts: ProcessorParts) {
    this.parts = parts;
  }

  /**
   * Throws DataError unless prompts is a list of at least one string. Long prompts are cut to
   * maxTextLength tokens.
   */
  process(prompts: readonly string[]): ProcessedPrompts {
    if (!Array.isArray(prompts) || prompts.some((prompt) => typeof prompt !== 'string')) {
      throw new DataError('Processor: expected a list of strings. Put a single prompt into a list.');
    }
    if (prompts.length === 0) {
      throw new DataError('Processor: expected at least one prompt, got an empty list.');
    }
    const { tokenizer, normalizer, maxTextLength: maxLength } = this.parts;
    const texts = normalizer ? prompts.map((prompt) => normalizer.normalize(prompt)) : prompts;
    const given = tokenizer.encodeBatch(texts, { maxLength });
    const empty = tokenizer.encodeBatch(
      prompts.map(() => ''),
      { maxLength },
    );
    return {
      ...given,
      uncondInputIds: empty.inputIds,
      uncondAttentionMask: empty.attentionMask,
    };
  }
}
