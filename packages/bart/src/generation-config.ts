import { flag, integer, optional, real, type Settings } from '@easel/core/config';

/**
 * The part of a model's config that generation reads: sizes, special ids, and the defaults of its
 * options.
 */
export interface GenerationConfig {
  /** Rows of the text embedding. */
  readonly encoderVocabSize: number;
  /**
   * Number of image codes without the start token. There is one logit more, and the image embedding
   * has one row more.
   */
  readonly imageVocabSize: number;
  /** Image tokens of a picture, T. */
  readonly imageLength: number;
  /** Text tokens of a prompt, S. */
  readonly maxTextLength: number;
  readonly decoderStartTokenId: number;
  readonly eosTokenId: number;
  readonly padTokenId: number;
  /** Ids that every generated row starts and ends with; null for none. */
  readonly forcedBosTokenId: number | null;
  readonly forcedEosTokenId: number | null;
  /** Least and greatest number of tokens of a generated row, start token included. */
  readonly minLength: number;
  readonly maxLength: number;
  readonly doSample: boolean;
  readonly topK: number;
  readonly topP: number;
  readonly temperature: number;
  /** Beam search divides a finished row's score by length^lengthPenalty. */
  readonly lengthPenalty: number;
  /** Beam search ends once it has as many finished rows as beams. */
  readonly earlyStopping: boolean;
}

/** A token id that a file may leave out. */
export const tokenId = optional(integer({ min: 0 }));

/**
 * Settings of generation in the config.json of either version. A value of null follows from other
 * settings.
 */
export const generationFields = {
  decoderStartTokenId: tokenId,
  bosTokenId: tokenId,
  eosTokenId: tokenId,
  minLength: optional(integer({ min: 0 })),
  maxLength: optional(integer({ min: 1 })),
  doSample: flag(true),
  topK: integer({ min: 0, default: 50 }),
  topP: real({ above: 0, default: 1 }),
  temperature: real({ above: 0, default: 1 }),
  lengthPenalty: real({ default: 1 }),
  earlyStopping: flag(false),
  forcedBosTokenId: tokenId,
  forcedEosTokenId: tokenId,
};

/**
 * Fills in what follows from the sizes: the start tokens are the row behind the image codes, and a
 * row has a start token and `imageLength` tokens.
 */
export function generationDefaults(
  found: Settings<typeof generationFields>,
  { imageVocabSize, imageLength }: Pick<GenerationConfig, 'imageVocabSize' | 'imageLength'>,
): Pick<GenerationConfig, 'decoderStartTokenId' | 'minLength' | 'maxLength'> & { bosTokenId: number } {
  return {
    decoderStartTokenId: found.decoderStartTokenId ?? imageVocabSize,
    bosTokenId: found.bosTokenId ?? imageVocabSize,
    minLength: found.minLength ?? imageLength + 1,
    maxLength: found.maxLength ?? imageLength + 1,
  };
}
