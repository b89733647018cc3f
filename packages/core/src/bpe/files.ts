import { showValue } from '../config/show-value.js';
import { ConfigError } from '../errors.js';
import { parseJson } from '../files/json.js';
import type { BytePairs } from './byte-pair-encoder.js';
import type { SpecialToken } from './special-tokens.js';

/**
 * The texts of a tokenizer folder in Hugging Face's form. Give vocab and merges, or tokenizerJson.
 */
export interface TokenizerFiles {
  /** vocab.json: an object of token → id. */
  readonly vocab?: string | undefined;
  /** merges.txt: a `#version` line, then one pair a line. */
  readonly merges?: string | undefined;
  /** tokenizer.json of the `tokenizers` library. */
  readonly tokenizerJson?: string | undefined;
  /** special_tokens_map.json. */
  readonly specialTokensMap?: string | undefined;
  /** added_tokens.json: an object of token → id. */
  readonly addedTokens?: string | undefined;
  /** tokenizer_config.json. */
  readonly tokenizerConfig?: string | undefined;
}

/** The object of a JSON file. Throws ConfigError, naming the file, for anything else. */
export function parseJsonObject(text: string, file: string): Record<string, unknown> {
  const value = parseJson(text, file);
  if (!isObject(value)) throw new ConfigError(`${file}: expected an object, got ${showValue(value)}.`);
  return value;
}

/** Parses vocab.json: token → id. Throws ConfigError unless ids are whole numbers, each once. */
export function parseVocab(text: string, file = 'vocab.json'): Map<string, number> {
  return vocabOf(parseJsonObject(text, file), file);
}

/**
 * Parses merges.txt. Lines that start with `#version` and empty lines are skipped. Throws
 * ConfigError that names the line.
 */
export function parseMerges(text: string): [string, string][] {
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
    `${where}: expected two tokens with a space between, got ${showValue(value)}. Is this a byte-level BPE file?`,
  );
}

/** Parts of a tokenizer.json of the `tokenizers` library. */
export interface TokenizerJson {
  readonly pairs: BytePairs;
  readonly normalizer: unknown;
  readonly preTokenizer: unknown;
}

/**
 * Reads a tokenizer.json whose model is BPE. The parts before the model are returned for the caller
 * to judge. Throws ConfigError, naming the field, for another model.
 */
export function parseTokenizerJson(text: string, file = 'tokenizer.json'): TokenizerJson {
  const root = parseJsonObject(text, file);
  const { model } = root;
  if (!isObject(model) || (model.type !== undefined && model.type !== 'BPE')) {
    throw new ConfigError(
      `${file}: expected "model" of type "BPE", got ${showValue(isObject(model) ? model.type : model)}. Only byte-level BPE is read.`,
    );
  }
  if (model.continuing_subword_prefix) {
    throw new ConfigError(
      `${file}: expected no "model.continuing_subword_prefix", got ${showValue(model.continuing_subword_prefix)}.`,
    );
  }
  if (!isObject(model.vocab)) {
    throw new ConfigError(`${file}: expected "model.vocab" to be an object, got ${showValue(model.vocab)}.`);
  }
  if (!Array.isArray(model.merges)) {
    throw new ConfigError(`${file}: expected "model.merges" to be a list, got ${showValue(model.merges)}.`);
  }
  const vocab = vocabOf(model.vocab, file);
  const merges = model.merges.map((merge: unknown, i: number) =>
    mergeOf(merge, `${file}, model.merges[${i}]`),
  );
  return {
    pairs: {
      vocab,
      merges,
      unknown: optionalText(model.unk_token, `${file}: expected "model.unk_token"`),
      endOfWord: optionalText(model.end_of_word_suffix, `${file}: expected "model.end_of_word_suffix"`),
    },
    normalizer: root.normalizer ?? undefined,
    preTokenizer: root.pre_tokenizer ?? undefined,
  };
}

function optionalText(value: unknown, where: string): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw new ConfigError(`${where} to be a string or null, got ${showValue(value)}.`);
}

function vocabOf(entries: Record<string, unknown>, file: string): Map<string, number> {
  const vocab = new Map<string, number>();
  const tokens = new Map<number, string>();
  const most = Object.keys(entries).length * 2 + 1024; // room for gaps, but no array of 2^31 from one bad id
  for (const [token, id] of Object.entries(entries)) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > most) {
      throw new ConfigError(
        `${file}: expected the id of ${showValue(token)} to be a whole number from 0 to ${most}, got ${showValue(id)}.`,
      );
    }
    const other = tokens.get(id);
    if (other !== undefined) {
      throw new ConfigError(`${file}: id ${id} belongs to both ${showValue(other)} and ${showValue(token)}.`);
    }
    tokens.set(id, token);
    vocab.set(token, id);
  }
  return vocab;
}

/**
 * A special token as special_tokens_map.json and tokenizer_config.json give it, or the standard one
 * where they say nothing. Throws ConfigError, which `where` begins, for another form.
 */
export function parseSpecialToken(value: unknown, standard: SpecialToken, where: string): SpecialToken {
  if (value === undefined || value === null) return standard;
  // transformers gives BART's <mask> lstrip even where the file has the bare string.
  if (typeof value === 'string') return { content: value, lstrip: standard.lstrip, rstrip: false };
  if (!isObject(value) || typeof value.content !== 'string' || value.content === '') {
    throw new ConfigError(
      `${where}: expected a string or an object with "content", got ${showValue(value)}.`,
    );
  }
  return {
    content: value.content,
    lstrip: value.lstrip === true,
    rstrip: value.rstrip === true,
    ...(value.single_word === true ? { singleWord: true } : {}),
    ...(value.normalized === false ? { normalized: false } : {}),
  };
}

/** The class of a tokenizer.json's normalizer or pre_tokenizer. */
export function typeOf(part: unknown): unknown {
  return isObject(part) ? part.type : part;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
