import { ConfigError, EaselError } from '../errors.js';
import { type ModelSource, modelFiles } from '../files/model-source.js';
import type { TokenizerFiles } from './files.js';

/** The files of a tokenizer in Hugging Face's form. */
const NAMES = {
  vocab: 'vocab.json',
  merges: 'merges.txt',
  tokenizerJson: 'tokenizer.json',
  addedTokens: 'added_tokens.json',
  specialTokensMap: 'special_tokens_map.json',
  tokenizerConfig: 'tokenizer_config.json',
} satisfies Record<keyof TokenizerFiles, string>;

/**
 * Opens the tokenizer among a model's files, in Hugging Face's form. `fromFiles` makes it of the
 * texts of those files that are there. Throws ConfigError that names place and file for a file that
 * is not text, and for what `fromFiles` refuses with an EaselError.
 */
export async function openTokenizerFiles<T>(
  source: ModelSource,
  fromFiles: (texts: TokenizerFiles) => T,
): Promise<T> {
  const files = modelFiles(source);
  const texts = await Promise.all(
    Object.entries(NAMES).map(async ([key, name]) => [key, await files.text(name)] as const),
  );
  try {
    return fromFiles(Object.fromEntries(texts));
  } catch (error) {
    if (!(error instanceof EaselError)) throw error;
    throw new ConfigError(`${files.description}: ${error.message}`, { cause: error });
  }
}
