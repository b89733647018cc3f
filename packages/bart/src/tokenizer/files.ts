import { ConfigError } from '@easel/core';
import type { BpeTokenizer, BpeTokenizerData } from './bpe-tokenizer.js';
import { BART_SPECIAL_TOKENS, type SpecialToken, type SpecialTokens } from './special-tokens.js';

/** The texts of a tokenizer folder in Hugging Face form; give vocab and merges, or tokenizerJson. */
export interface TokenizerFiles {
  /** vocab.json: an object of token → id. */
  readonly vocab?: string | undefined;
  /** merges.txt: a `#version` line, then one pair a line. */
  readonly merges?: string | undefined;
  /** tokenizer.json of the `tokenizers` library. */
  readonly tokenizerJson?: string | undefined;
  /** special_tokens_map.json. */
  readonly specialTokensMap?: string | undefined;
  /** tokenizer_config.json. */
  readonly tokenizerConfig?: string | undefined;
}

const ROLES = ['bos', 'eos', 'pad', 'unk', 'mask'] as const;

/**
 * Reads a tokenizer folder's files. vocab.json and merges.txt win over tokenizer.json; special tokens come from
 * special_tokens_map.json, else tokenizer_config.json, else they are BART's.
 *
 * Throws ConfigError that names the file and field for anything that is not a byte-level BPE in this form.
 */
export function parseTokenizerFiles(files: TokenizerFiles): BpeTokenizerData {
  const config = files.tokenizerConfig ? object(files.tokenizerConfig, 'tokenizer_config.json') : {};
  const map = files.specialTokensMap ? object(files.specialTokensMap, 'special_tokens_map.json') : {};
  const specials = specialTokens(map, config);
  const lowerCase = flag(config, 'do_lower_case');
  const addPrefixSpace = flag(config, 'add_prefix_space');
  if (files.vocab !== undefined && files.merges !== undefined) {
    return {
      vocab: vocabOf(object(files.vocab, 'vocab.json'), 'vocab.json'),
      merges: parseMerges(files.merges),
      specials,
      lowerCase,
      addPrefixSpace,
    };
  }
  if (files.tokenizerJson !== undefined) {
    return { ...parseTokenizerJson(files.tokenizerJson), specials, lowerCase, addPrefixSpace };
  }
  throw new ConfigError(
    'Tokenizer folder: expected vocab.json and merges.txt, or tokenizer.json; found neither pair nor file.',
  );
}

/** The files that describe `tokenizer`, by name, as parseTokenizerFiles and transformers read them. */
export function tokenizerFiles(
  tokenizer: Pick<BpeTokenizer, 'vocab' | 'merges' | 'specials' | 'wordOptions'>,
): ReadonlyMap<string, string> {
  const { specials, wordOptions } = tokenizer;
  const tokens = [...tokenizer.vocab].sort((a, b) => a[1] - b[1]);
  const vocab = tokens.map(([token, id]) => `${JSON.stringify(token)}:${id}`).join(',');
  const merges = tokenizer.merges.map(([left, right]) => `${left} ${right}\n`).join('');
  const roles = Object.fromEntries(
    ROLES.map((role) => [`${role}_token`, addedToken(specials[role])] as const),
  );
  const config = {
    tokenizer_class: 'BartTokenizerFast',
    add_prefix_space: wordOptions.addPrefixSpace,
    do_lower_case: wordOptions.lowerCase,
    ...roles,
  };
  return new Map([
    ['vocab.json', `{${vocab}}`],
    ['merges.txt', `#version: 0.2\n${merges}`],
    ['special_tokens_map.json', `${JSON.stringify(roles, null, 2)}\n`],
    ['tokenizer_config.json', `${JSON.stringify(config, null, 2)}\n`],
  ]);
}

/** merges.txt: comment lines that start with `#version` and empty lines are skipped. */
function parseMerges(text: string): [string, string][] {
  const merges: [string, string][] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const clean = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (clean === '' || clean.startsWith('#version')) continue;
    merges.push(mergeOf(clean, `merges.txt, line ${index + 1}`));
  }
  return merges;
}

function mergeOf(value: unknown, where: string): [string, string] {
  const parts = typeof value === 'string' ? value.split(' ') : value;
  if (Array.isArray(parts) && parts.length === 2 && parts.every((p) => typeof p === 'string' && p !== '')) {
    return parts as [string, string];
  }
  throw new ConfigError(
    `${where}: expected two tokens with a space between, got ${show(value)}. Is this a byte-level BPE file?`,
  );
}

/** The model of a tokenizer.json: byte-level BPE without affixes is what we can read. */
function parseTokenizerJson(text: string): Pick<BpeTokenizerData, 'vocab' | 'merges' | 'unknown'> {
  const file = 'tokenizer.json';
  const root = object(text, file);
  const model = root.model;
  if (!isObject(model) || (model.type !== undefined && model.type !== 'BPE')) {
    throw new ConfigError(
      `${file}: expected "model" of type "BPE", got ${show(isObject(model) ? model.type : model)}. Only byte-level BPE is read.`,
    );
  }
  const preTokenizer = root.pre_tokenizer;
  if (!isObject(preTokenizer) || preTokenizer.type !== 'ByteLevel') {
    throw new ConfigError(
      `${file}: expected "pre_tokenizer" of type "ByteLevel", got ${show(isObject(preTokenizer) ? preTokenizer.type : preTokenizer)}. Only byte-level BPE is read.`,
    );
  }
  if (root.normalizer !== null && root.normalizer !== undefined) {
    throw new ConfigError(`${file}: expected no "normalizer", got ${show(root.normalizer)}.`);
  }
  for (const affix of ['continuing_subword_prefix', 'end_of_word_suffix']) {
    if (model[affix]) {
      throw new ConfigError(`${file}: expected no "model.${affix}", got ${show(model[affix])}.`);
    }
  }
  if (!isObject(model.vocab)) {
    throw new ConfigError(`${file}: expected "model.vocab" to be an object, got ${show(model.vocab)}.`);
  }
  if (!Array.isArray(model.merges)) {
    throw new ConfigError(`${file}: expected "model.merges" to be a list, got ${show(model.merges)}.`);
  }
  const unknown = model.unk_token ?? undefined;
  if (unknown !== undefined && typeof unknown !== 'string') {
    throw new ConfigError(
      `${file}: expected "model.unk_token" to be a string or null, got ${show(unknown)}.`,
    );
  }
  const vocab = new Map(vocabOf(model.vocab, file));
  const added = Array.isArray(root.added_tokens) ? root.added_tokens : [];
  for (const token of added) {
    if (isObject(token) && typeof token.content === 'string' && Number.isInteger(token.id)) {
      vocab.set(token.content, token.id as number);
    }
  }
  const merges = model.merges.map((merge: unknown, i: number) =>
    mergeOf(merge, `${file}, model.merges[${i}]`),
  );
  return { vocab, merges, unknown };
}

function vocabOf(entries: Record<string, unknown>, file: string): Map<string, number> {
  const vocab = new Map<string, number>();
  const tokens = new Map<number, string>();
  const most = Object.keys(entries).length * 2 + 1024; // room for gaps, but no array of 2^31 from one bad id
  for (const [token, id] of Object.entries(entries)) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > most) {
      throw new ConfigError(
        `${file}: expected the id of ${show(token)} to be a whole number from 0 to ${most}, got ${show(id)}.`,
      );
    }
    const other = tokens.get(id);
    if (other !== undefined) {
      throw new ConfigError(`${file}: id ${id} belongs to both ${show(other)} and ${show(token)}.`);
    }
    tokens.set(id, token);
    vocab.set(token, id);
  }
  return vocab;
}

function specialTokens(map: Record<string, unknown>, config: Record<string, unknown>): SpecialTokens {
  const entries = ROLES.map((role) => {
    const key = `${role}_token`;
    const file = key in map ? 'special_tokens_map.json' : 'tokenizer_config.json';
    return [
      role,
      specialToken(map[key] ?? config[key], BART_SPECIAL_TOKENS[role], `${file}, ${key}`),
    ] as const;
  });
  return Object.fromEntries(entries) as unknown as SpecialTokens;
}

function specialToken(value: unknown, standard: SpecialToken, where: string): SpecialToken {
  if (value === undefined || value === null) return standard;
  // transformers gives BART's <mask> lstrip even where the file has the bare string.
  if (typeof value === 'string') return { content: value, lstrip: standard.lstrip, rstrip: false };
  if (!isObject(value) || typeof value.content !== 'string' || value.content === '') {
    throw new ConfigError(`${where}: expected a string or an object with "content", got ${show(value)}.`);
  }
  if (value.single_word === true) {
    throw new ConfigError(`${where}: single_word is not supported, only lstrip and rstrip are.`);
  }
  return { content: value.content, lstrip: value.lstrip === true, rstrip: value.rstrip === true };
}

function addedToken(token: SpecialToken): Record<string, unknown> {
  const { content, lstrip, rstrip } = token;
  return { content, lstrip, normalized: true, rstrip, single_word: false };
}

function flag(config: Record<string, unknown>, key: string): boolean {
  const value = config[key] ?? false;
  if (typeof value !== 'boolean') {
    throw new ConfigError(`tokenizer_config.json: expected ${key} to be true or false, got ${show(value)}.`);
  }
  return value;
}

function object(text: string, file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`${file}: not JSON (${(error as Error).message}). Is the file complete?`);
  }
  if (!isObject(value)) throw new ConfigError(`${file}: expected an object, got ${show(value)}.`);
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value in an error message, cut to a line. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
