import { ConfigError } from '@easel/core';
import { showValue } from '@easel/core/config';
import {
  addedTokensDecoder,
  type BytePairs,
  parseJsonObject,
  parsePairs,
  parseRoles,
  parseTokenizerJson,
  type TokenizerFiles,
  tokenToJson,
  typeOf,
  vocabToJson,
} from '@easel/core/internals';
import { BART_SPECIAL_TOKENS } from './special-tokens.js';
import type { BpeTokenizerData, DescribedTokenizer } from './tokenizer-data.js';

const ROLES = ['bos', 'eos', 'pad', 'unk', 'mask'] as const;

/**
 * Parses the files of a tokenizer folder. vocab.json and merges.txt win over tokenizer.json.
 * Special tokens come from special_tokens_map.json, else from tokenizer_config.json, else they are
 * BART's.
 *
 * Throws ConfigError that names the file and field for anything that is not a byte-level BPE in
 * this form.
 */
export function parseTokenizerFiles(files: TokenizerFiles): BpeTokenizerData {
  const config = files.tokenizerConfig ? parseJsonObject(files.tokenizerConfig, 'tokenizer_config.json') : {};
  return {
    specials: parseRoles(files, BART_SPECIAL_TOKENS),
    lowerCase: flag(config, 'do_lower_case'),
    addPrefixSpace: flag(config, 'add_prefix_space'),
    ...parsePairs(files, parseBytePairs),
  };
}

/**
 * Returns the files that describe `tokenizer`, by name, in the form that parseTokenizerFiles and
 * transformers read.
 */
export function tokenizerFiles(tokenizer: DescribedTokenizer): ReadonlyMap<string, string> {
  const { specials, added, wordOptions } = tokenizer;
  const merges = tokenizer.merges.map(([left, right]) => `${left} ${right}\n`).join('');
  const roles = Object.fromEntries(
    ROLES.map((role) => [`${role}_token`, tokenToJson(specials[role])] as const),
  );
  const config = {
    tokenizer_class: 'BartTokenizerFast',
    add_prefix_space: wordOptions.addPrefixSpace,
    do_lower_case: wordOptions.lowerCase,
    ...roles,
    ...(added.length === 0 ? {} : { added_tokens_decoder: addedTokensDecoder(added) }),
  };
  return new Map([
    ['vocab.json', vocabToJson(tokenizer.vocab, added)],
    ['merges.txt', `#version: 0.2\n${merges}`],
    ['special_tokens_map.json', `${JSON.stringify(roles, null, 2)}\n`],
    ['tokenizer_config.json', `${JSON.stringify(config, null, 2)}\n`],
  ]);
}

/** Parses the model of a tokenizer.json. Only byte-level BPE without affixes can be read. */
function parseBytePairs(text: string): BytePairs {
  const file = 'tokenizer.json';
  const { pairs, normalizer, preTokenizer } = parseTokenizerJson(text, file);
  if (typeOf(preTokenizer) !== 'ByteLevel') {
    throw new ConfigError(
      `${file}: expected "pre_tokenizer" of type "ByteLevel", got ${showValue(typeOf(preTokenizer))}. Only byte-level BPE is read.`,
    );
  }
  if (normalizer !== undefined) {
    throw new ConfigError(`${file}: expected no "normalizer", got ${showValue(normalizer)}.`);
  }
  if (pairs.endOfWord !== undefined) {
    throw new ConfigError(
      `${file}: expected no "model.end_of_word_suffix", got ${showValue(pairs.endOfWord)}. Is it CLIP's?`,
    );
  }
  return pairs;
}

function flag(config: Record<string, unknown>, key: string): boolean {
  const value = config[key] ?? false;
  if (typeof value !== 'boolean') {
    throw new ConfigError(
      `tokenizer_config.json: expected ${key} to be true or false, got ${showValue(value)}.`,
    );
  }
  return value;
}
