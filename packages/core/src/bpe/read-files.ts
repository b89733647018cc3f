import type { ModelFiles } from '../files/model-files.js';
import type { TokenizerFiles } from './files.js';

/**
 * The texts of a tokenizer's files in Hugging Face's form, of those files that are there.
 * vocab.json and merges.txt win over the model of tokenizer.json, whose added tokens always count.
 * Throws ConfigError for a file that is not text.
 */
export async function readTokenizerFiles(files: ModelFiles): Promise<TokenizerFiles> {
  const [vocab, merges, tokenizerJson, addedTokens, specialTokensMap, tokenizerConfig] = await Promise.all(
    [
      'vocab.json',
      'merges.txt',
      'tokenizer.json',
      'added_tokens.json',
      'special_tokens_map.json',
      'tokenizer_config.json',
    ].map((name) => files.text(name)),
  );
  return { vocab, merges, tokenizerJson, addedTokens, specialTokensMap, tokenizerConfig };
}
