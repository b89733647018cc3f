import { DataError } from '@easel/core';
import type { TextNormalizer } from './normalizer/text-normalizer.js';
import type { BpeTokenizer } from './tokenizer/bpe-tokenizer.js';

/** Prompts in the form that the model takes. Each array is [rows, length], row after row. */
export interface ProcessedPrompts {
  readonly inputIds: Int32Array;
  readonly attentionMask: Int32Array;
  /**
   * The ids of "no prompt", repeated for each prompt. Super conditioning moves the logits away from
   * it.
   */
  readonly uncondInputIds: Int32Array;
  readonly uncondAttentionMask: Int32Array;
  readonly rows: number;
  readonly length: number;
}

/** The parts of a Processor. */
export interface ProcessorParts {
  readonly tokenizer: BpeTokenizer;
  /** The normalizer, applied first. Leave it out for a model with normalize_text false. */
  readonly normalizer?: TextNormalizer | undefined;
  readonly maxTextLength: number;
}

/**
 * Turns prompts into ids and masks, and adds the row of "no prompt". That row is the empty text
 * without normalization. The prompt "" differs from it: it normalizes to one space and has one
 * token more. Source: dalle-mini `model/processor.py`.
 */
export class Processor {
  private readonly parts: ProcessorParts;

  constructor(parts: ProcessorParts) {
    this.parts = parts;
  }

  /** A prompt as the model reads it: normalized, and in lower case if the tokenizer lowers it. */
  textOf(prompt: string): string {
    const text = this.normalized(prompt);
    return this.parts.tokenizer.wordOptions.lowerCase ? text.toLowerCase() : text;
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
    const { tokenizer, maxTextLength: maxLength } = this.parts;
    const texts = prompts.map((prompt) => this.normalized(prompt));
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

  /** Whether a prompt is longer than the model reads, so that its end is left out. */
  cuts(prompt: string): boolean {
    const { tokenizer, maxTextLength } = this.parts;
    return tokenizer.encode(this.normalized(prompt)).length > maxTextLength;
  }

  private normalized(prompt: string): string {
    return this.parts.normalizer?.normalize(prompt) ?? prompt;
  }
}
