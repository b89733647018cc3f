import type { ModelFiles } from '../files/model-files.js';
import type { TokenizerFiles } from './files.js';

/**
 * The texts of a tokenizer's files in Hugging Face's form, of those files that are there.
 * tokenizer.json is read only if vocab.json and merges.txt are missing; they win over it. Throws
 * ConfigError for a file that is not text.
 */
export async function readTokenizerFiles(files: ModelFiles): Promise<TokenizerFiles> {
  const [vocab, merges, specialTokensMap, tokenizerConfig] = await Promise.all(
    ['vocab.json', 'merges.txt', 'special_tokens_map.json', 'tokenizer_config.json'].map((name) =>
      files.text(name),
    ),
  );
  const isWhole = vocab !== undefined && merges !== undefined;
  const tokenizerJson = isWhole ? undefined : await files.text('tokenizer.json');
  return { vocab, merges, tokenizerJson, specialTokensMap, tokenizerConfig };
}
