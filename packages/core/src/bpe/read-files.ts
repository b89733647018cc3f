import type { ModelFiles } from '../files/model-files.js';
import type { TokenizerFiles } from './files.js';

/**
 * The texts of a tokenizer's files in Hugging Face form, those that are there; tokenizer.json only
 * where vocab.json and merges.txt are not, which win over it. Throws ConfigError for one that is no
 * text.
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
