import { ConfigError } from '../errors.js';
import { type AddedToken, parseAddedTokens, withAddedTokens } from './added-tokens.js';
import type { BytePairs } from './byte-pair-encoder.js';
import { parseJsonObject, parseMerges, parseSpecialToken, parseVocab, type TokenizerFiles } from './files.js';
import type { SpecialToken } from './special-tokens.js';

/**
 * The vocabulary, with added tokens, and the merges of a tokenizer folder. vocab.json and merges.txt
 * win over tokenizer.json, which `fromJson` reads. Throws ConfigError that names the file and field.
 */
export function parsePairs(
  files: TokenizerFiles,
  fromJson: (text: string) => BytePairs,
): BytePairs & { readonly added: readonly AddedToken[] } {
  const pairs = pairsOf(files, fromJson);
  const added = parseAddedTokens(files, pairs.vocab);
  return { ...pairs, vocab: withAddedTokens(pairs.vocab, added), added };
}

function pairsOf(files: TokenizerFiles, fromJson: (text: string) => BytePairs): BytePairs {
  if (files.vocab !== undefined && files.merges !== undefined)
    return { vocab: parseVocab(files.vocab), merges: parseMerges(files.merges) };
  if (files.tokenizerJson !== undefined) return fromJson(files.tokenizerJson);
  throw new ConfigError(
    'Tokenizer folder: expected vocab.json and merges.txt, or tokenizer.json; found neither pair nor file.',
  );
}

/**
 * The special tokens of the roles that `standard` has: of special_tokens_map.json, else of
 * tokenizer_config.json, else the standard ones. Throws ConfigError that names the file and field.
 */
export function parseRoles<Roles extends { readonly [Role in keyof Roles]: SpecialToken }>(
  files: TokenizerFiles,
  standard: Roles,
): Roles {
  const map = files.specialTokensMap
    ? parseJsonObject(files.specialTokensMap, 'special_tokens_map.json')
    : {};
  const config = files.tokenizerConfig ? parseJsonObject(files.tokenizerConfig, 'tokenizer_config.json') : {};
  const roles = Object.entries<SpecialToken>(standard).map(([role, token]) => {
    const key = `${role}_token`;
    const file = key in map ? 'special_tokens_map.json' : 'tokenizer_config.json';
    return [role, parseSpecialToken(map[key] ?? config[key], token, `${file}, ${key}`)];
  });
  return Object.fromEntries(roles) as Roles;
}
