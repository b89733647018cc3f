import { ConfigError } from '@easel/core';
import { showValue } from '@easel/core/config';
import {
  AFTER_UNICODE_14,
  addedTokensDecoder,
  type BytePairs,
  BytePairTokenizer,
  parsePairs,
  parseRoles,
  parseTokenizerJson,
  type SpecialToken,
  type TokenizerData,
  type TokenizerFiles,
  tokenToJson,
  typeOf,
  vocabToJson,
} from '@easel/core/internals';

/** The tokens that CLIP needs. */
export interface ClipSpecialTokens {
  readonly bos: SpecialToken;
  readonly eos: SpecialToken;
  readonly pad: SpecialToken;
  readonly unk: SpecialToken;
}

/** The parts of a tokenizer. */
export type ClipTokenizerData = TokenizerData<ClipSpecialTokens>;

const END_OF_WORD = '</w>';

/**
 * Number of merges that count. OpenAI's merges.txt goes on after them. Source: CLIPTokenizer
 * of transformers.
 */
const MOST_MERGES = 49152 - 256 - 2;

const plain = (content: string): SpecialToken => ({ content, lstrip: false, rstrip: false });

/** OpenAI's special tokens. The end token is also the padding and the unknown token. */
export const CLIP_SPECIAL_TOKENS: ClipSpecialTokens = {
  bos: plain('<|startoftext|>'),
  eos: plain('<|endoftext|>'),
  pad: plain('<|endoftext|>'),
  unk: plain('<|endoftext|>'),
};

const LETTER = String.raw`[\p{L}--[${AFTER_UNICODE_14}]]`;
const NUMBER = String.raw`[\p{N}--[${AFTER_UNICODE_14}]]`;

/**
 * Matches a word: a contraction, letters, one digit, or other signs. White space only separates
 * words. White space is Unicode's White_Space; letters and digits are those of Unicode 14.
 */
const WORD = new RegExp(
  String.raw`'s|'t|'re|'ve|'m|'ll|'d|${LETTER}+|${NUMBER}|[^\p{White_Space}${LETTER}${NUMBER}]+`,
  'gv',
);

/**
 * Marks that Unicode has added since version 9, and the second half of U+11938. The crate that
 * composes text in tokenizers 0.13.3 (unicode-normalization-alignments) treats them as signs on
 * their own. The list was found by comparing that crate with Python 3.11's unicodedata, mark by
 * mark.
 */
const AFTER_UNICODE_9 =
  '\\u{7fd}\\u{898}-\\u{89f}\\u{8ca}-\\u{8d3}\\u{9fe}\\u{c3c}\\u{d3b}\\u{d3c}\\u{eba}\\u{1715}\\u{1abf}-\\u{1ace}\\u{1df6}-\\u{1dfa}' +
  '\\u{a82c}\\u{10d24}-\\u{10d27}\\u{10eab}\\u{10eac}\\u{10f46}-\\u{10f50}\\u{10f82}-\\u{10f85}\\u{11070}\\u{1133b}\\u{1145e}' +
  '\\u{11839}\\u{1183a}\\u{11930}\\u{1193d}\\u{1193e}\\u{11943}\\u{119e0}\\u{11a34}\\u{11a47}\\u{11a99}\\u{11d42}\\u{11d44}' +
  '\\u{11d45}\\u{11d97}\\u{16ff0}\\u{16ff1}\\u{1e130}-\\u{1e136}\\u{1e2ae}\\u{1e2ec}-\\u{1e2ef}';

/** Matches stretches of text that are composed. */
const COMPOSED = new RegExp(`[^${AFTER_UNICODE_9}${AFTER_UNICODE_14}]+`, 'gv');
const CAPITAL = new RegExp(String.raw`[\p{Changes_When_Lowercased}--[${AFTER_UNICODE_14}]]`, 'gv');

/**
 * Prepares a text: it is composed (NFC) and lower-cased letter by letter, so that a sigma is σ even
 * at a word's end. A lone surrogate becomes three U+FFFD, one for each byte of its WTF-8 form, as
 * in the Rust tokenizers. Characters younger than the tables of those tokenizers stay as they are.
 */
function normalize(text: string): string {
  const clean = text.replace(/\p{Surrogate}/gu, '\ufffd\ufffd\ufffd');
  return clean
    .replace(COMPOSED, (stretch) => stretch.normalize('NFC'))
    .replace(/\p{White_Space}+/gu, ' ')
    .replace(CAPITAL, (letter) => letter.toLowerCase());
}

/** The white space that Python's strip removes around a text. */
const STRIPPED = `\\p{White_Space}${String.fromCharCode(0x1c)}-${String.fromCharCode(0x1f)}`;
const AROUND = new RegExp(`^[${STRIPPED}]+|[${STRIPPED}]+$`, 'gu');

/**
 * CLIP's tokenizer: text → `<|startoftext|>` ids `<|endoftext|>`. It is byte-level BPE whose words
 * end with `</w>`. Case and the amount of white space are lost.
 *
 * Special tokens inside the text become their ids, in upper or lower case. The ids are those of
 * CLIPTokenizerFast (transformers 4.25.1, tokenizers 0.13.3), which CLIPProcessor uses. The Python
 * CLIPTokenizer differs: it first straightens curly quotes and full-width letters with ftfy.
 */
export class ClipTokenizer extends BytePairTokenizer<ClipSpecialTokens> {
  /**
   * Makes a tokenizer from the files of a folder in Hugging Face form: vocab.json and merges.txt,
   * or tokenizer.json. Throws ConfigError, naming file and field, for anything that is not CLIP's.
   */
  static fromFiles(files: TokenizerFiles): ClipTokenizer {
    return new ClipTokenizer(parseClipTokenizerFiles(files));
  }

  /** Throws ConfigError if a special token or a part of a merge is not in the vocabulary. */
  constructor(data: ClipTokenizerData) {
    const { unk } = data.specials ?? CLIP_SPECIAL_TOKENS;
    super(data, CLIP_SPECIAL_TOKENS, {
      normalize,
      words: (text) => text.match(WORD) ?? [],
      unknown: unk.content,
      endOfWord: END_OF_WORD,
    });
  }

  /**
   * Returns the text of `ids` without special tokens, in lower case with a space between words.
   * Throws DataError for an id that the vocabulary lacks.
   */
  decode(ids: Iterable<number>): string {
    return this.textOf(ids, true).replaceAll(END_OF_WORD, ' ').replace(AROUND, '');
  }
}

/**
 * Parses the files of a tokenizer folder. vocab.json and merges.txt win over tokenizer.json.
 * Special tokens come from special_tokens_map.json, else from tokenizer_config.json, else they are
 * OpenAI's. Throws ConfigError that names the file and field.
 */
export function parseClipTokenizerFiles(files: TokenizerFiles): ClipTokenizerData {
  const specials = parseRoles(files, CLIP_SPECIAL_TOKENS);
  const { vocab, merges, added } = parsePairs(files, (text) => parseBytePairs(text, specials.unk.content));
  return { vocab, merges: merges.slice(0, MOST_MERGES), specials, added };
}

/**
 * Returns the files that describe a tokenizer, by name, in the form that parseClipTokenizerFiles
 * and transformers read.
 */
export function clipTokenizerFiles({
  vocab,
  merges,
  specials,
  added,
}: Pick<ClipTokenizer, 'vocab' | 'merges' | 'specials' | 'added'>): ReadonlyMap<string, string> {
  const roles = Object.fromEntries(
    Object.entries(specials as unknown as Record<string, SpecialToken>).map(([role, token]) => [
      `${role}_token`,
      tokenToJson(token),
    ]),
  );
  const config = {
    tokenizer_class: 'CLIPTokenizerFast',
    do_lower_case: true,
    ...roles,
    ...(added.length === 0 ? {} : { added_tokens_decoder: addedTokensDecoder(added) }),
  };
  return new Map([
    ['vocab.json', vocabToJson(vocab, added, END_OF_WORD)],
    ['merges.txt', `#version: 0.2\n${merges.map(([left, right]) => `${left} ${right}\n`).join('')}`],
    ['special_tokens_map.json', `${JSON.stringify(roles, null, 2)}\n`],
    ['tokenizer_config.json', `${JSON.stringify(config, null, 2)}\n`],
  ]);
}

/** Parses the model of a tokenizer.json whose other parts must be CLIP's. */
function parseBytePairs(text: string, unknown: string): BytePairs {
  const file = 'tokenizer.json';
  const { pairs, normalizer, preTokenizer } = parseTokenizerJson(text, file);
  const expect = (what: string, expected: string, found: unknown): void => {
    if (found === expected) return;
    throw new ConfigError(
      `${file}: expected ${what} to be ${showValue(expected)}, got ${showValue(found)}. Is it the tokenizer of a CLIP?`,
    );
  };
  expect('"model.end_of_word_suffix"', END_OF_WORD, pairs.endOfWord);
  expect('"model.unk_token"', unknown, pairs.unknown);
  expect('"normalizer"', 'NFC, Replace, Lowercase', sequence(normalizer, 'normalizers'));
  expect('"pre_tokenizer"', 'Split, ByteLevel', sequence(preTokenizer, 'pretokenizers'));
  return pairs;
}

/** Returns the types of the parts of a Sequence, joined. */
function sequence(part: unknown, key: string): unknown {
  const parts = (part as Record<string, unknown> | undefined)?.[key];
  return Array.isArray(parts) ? parts.map(typeOf).join(', ') : typeOf(part);
}
