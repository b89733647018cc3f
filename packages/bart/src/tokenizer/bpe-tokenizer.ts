import { ConfigError, DataError } from '@easel/core';
import { fromSymbols, toSymbols } from './byte-alphabet.js';
import { parseTokenizerFiles, type TokenizerFiles } from './files.js';
import { BART_SPECIAL_TOKENS, type SpecialToken, type SpecialTokens } from './special-tokens.js';
import { type WordOptions, words } from './words.js';

/** What a tokenizer is made of. */
export interface BpeTokenizerData {
  /** Token → id. */
  readonly vocab: ReadonlyMap<string, number>;
  /** Pairs of tokens to join, most urgent first. */
  readonly merges: readonly (readonly [string, string])[];
  readonly specials?: SpecialTokens;
  /** Token for a byte without an entry. Without one such bytes are dropped before merging, as the originals do. */
  readonly unknown?: string | undefined;
  readonly lowerCase?: boolean;
  readonly addPrefixSpace?: boolean;
}

/** Rows of ids of one length. Both arrays are [rows, length], row after row. */
export interface TokenBatch {
  readonly inputIds: Int32Array;
  /** 1 where there is a token, 0 where there is padding. */
  readonly attentionMask: Int32Array;
  readonly rows: number;
  readonly length: number;
}

/** How ids become text. */
export interface DecodeOptions {
  /** Leave special tokens out (default true). */
  readonly skipSpecialTokens?: boolean;
  /** Take the space before punctuation and contractions away, as transformers does by default (default false). */
  readonly cleanUpSpaces?: boolean;
}

/** Words kept with their ids; beyond this many the memory starts afresh. */
const CACHED_WORDS = 65_536;
/** Longer words are rare and are not remembered. */
const CACHED_WORD_LENGTH = 64;

/**
 * Byte-level BPE as in GPT-2, RoBERTa and BART: text → `<s>` ids `</s>`.
 *
 * Special tokens inside the text become their ids. Equal to `DalleBartTokenizer` (tokenizers 0.13.3) on every text of
 * golden/cases.json.
 *
 * Source: Sennrich et al. 2016, arXiv:1508.07909; huggingface/tokenizers `models/bpe`, `pre_tokenizers/byte_level.rs`.
 */
export class BpeTokenizer {
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
  readonly specials: SpecialTokens;
  readonly bosId: number;
  readonly eosId: number;
  readonly padId: number;
  readonly unknown: string | undefined;
  readonly wordOptions: WordOptions;

  private readonly tokens: (string | undefined)[] = [];
  private readonly unknownId: number | undefined;
  /** Rank and result of joining ids a and b, under a·vocabulary + b. */
  private readonly joins = new Map<number, { rank: number; id: number }>();
  private readonly pairBase: number;
  private readonly specialByContent: ReadonlyMap<string, { id: number; token: SpecialToken }>;
  private readonly specialPattern: RegExp;
  private readonly cache = new Map<string, readonly number[]>();

  /**
   * A tokenizer of the texts of a folder in Hugging Face form: vocab.json and merges.txt, or tokenizer.json.
   *
   * Throws ConfigError, naming file and field, for anything that is not a byte-level BPE.
   */
  static fromFiles(files: TokenizerFiles): BpeTokenizer {
    return new BpeTokenizer(parseTokenizerFiles(files));
  }

  /** Throws ConfigError if a special token, the unknown token or a part of a merge is not in the vocabulary. */
  constructor(data: BpeTokenizerData) {
    this.vocab = data.vocab;
    this.merges = data.merges;
    this.specials = data.specials ?? BART_SPECIAL_TOKENS;
    this.unknown = data.unknown;
    this.wordOptions = {
      lowerCase: data.lowerCase ?? false,
      addPrefixSpace: data.addPrefixSpace ?? false,
    };
    for (const [token, id] of data.vocab) this.tokens[id] = token;
    this.pairBase = this.tokens.length;

    this.bosId = this.requireId(this.specials.bos.content, 'special token bos');
    this.eosId = this.requireId(this.specials.eos.content, 'special token eos');
    this.padId = this.requireId(this.specials.pad.content, 'special token pad');
    this.unknownId =
      data.unknown === undefined ? undefined : this.requireId(data.unknown, 'the unknown token');

    const specialByContent = new Map<string, { id: number; token: SpecialToken }>();
    for (const token of Object.values(this.specials) as SpecialToken[]) {
      const id = data.vocab.get(token.content);
      if (id !== undefined) specialByContent.set(token.content, { id, token }); // unk and mask may be absent
    }
    this.specialByContent = specialByContent;
    this.specialPattern = patternOf([...specialByContent.values()].map((special) => special.token));

    for (const [rank, [left, right]] of data.merges.entries()) {
      const where = `merge ${rank + 1} ("${left} ${right}")`;
      const a = this.requireId(left, where);
      const b = this.requireId(right, where);
      const id = this.requireId(left + right, where);
      const pair = a * this.pairBase + b;
      if (!this.joins.has(pair)) this.joins.set(pair, { rank, id });
    }
  }

  /** Largest id + 1: the least number of rows an embedding needs. */
  get size(): number {
    return this.tokens.length;
  }

  /** `<s>`, the ids of `text`, `</s>`. Not truncated. Never throws: every text has ids. */
  encode(text: string): number[] {
    const ids = [this.bosId];
    let end = 0;
    for (const match of text.matchAll(this.specialPattern)) {
      const special = this.specialByContent.get(match[0]) as { id: number; token: SpecialToken };
      const start = special.token.lstrip ? whiteSpaceBefore(text, end, match.index) : match.index;
      this.appendWords(text.slice(end, start), ids);
      ids.push(special.id);
      end = match.index + match[0].length;
      if (special.token.rstrip) end = whiteSpaceAfter(text, end);
    }
    this.appendWords(text.slice(end), ids);
    ids.push(this.eosId);
    return ids;
  }

  /**
   * Encodes `texts` and brings every row to `maxLength`: longer rows lose tokens before their `</s>`, shorter ones are
   * padded on the right.
   *
   * Throws DataError if maxLength has no room for `<s>` and `</s>`.
   */
  encodeBatch(texts: readonly string[], options: { readonly maxLength: number }): TokenBatch {
    const { maxLength } = options;
    if (!Number.isInteger(maxLength) || maxLength < 2) {
      throw new DataError(
        `BpeTokenizer.encodeBatch: expected maxLength to be a whole number of at least 2 (room for <s> and </s>), got ${maxLength}.`,
      );
    }
    const inputIds = new Int32Array(texts.length * maxLength).fill(this.padId);
    const attentionMask = new Int32Array(texts.length * maxLength);
    for (const [row, text] of texts.entries()) {
      const ids = this.encode(text);
      if (ids.length > maxLength) ids.splice(maxLength - 1, ids.length - maxLength);
      inputIds.set(ids, row * maxLength);
      attentionMask.fill(1, row * maxLength, row * maxLength + ids.length);
    }
    return { inputIds, attentionMask, rows: texts.length, length: maxLength };
  }

  /**
   * The text of `ids`; bytes that are no UTF-8 become U+FFFD.
   *
   * Throws DataError for an id that the vocabulary does not have.
   */
  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const skip = options.skipSpecialTokens ?? true;
    let symbols = '';
    for (const id of ids) {
      const token = this.tokens[id];
      if (token === undefined) {
        throw new DataError(
          `BpeTokenizer.decode: id ${id} is not in the vocabulary, which has ids 0 to ${this.size - 1}. Are these text ids of this tokenizer?`,
        );
      }
      if (skip && this.specialByContent.has(token)) continue;
      symbols += token;
    }
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(fromSymbols(symbols));
    return options.cleanUpSpaces ? cleanUpSpaces(text) : text;
  }

  private requireId(token: string, where: string): number {
    const id = this.vocab.get(token);
    if (id !== undefined) return id;
    throw new ConfigError(
      `BpeTokenizer: ${where} needs the token ${JSON.stringify(token)}, which is not in the vocabulary of ${this.vocab.size} entries. Do vocab.json and merges.txt belong together?`,
    );
  }

  private appendWords(text: string, ids: number[]): void {
    if (text === '') return;
    for (const word of words(text, this.wordOptions)) {
      const known = this.cache.get(word);
      if (known) {
        for (const id of known) ids.push(id);
        continue;
      }
      const found = this.wordIds(word);
      if (word.length <= CACHED_WORD_LENGTH) {
        if (this.cache.size >= CACHED_WORDS) this.cache.clear();
        this.cache.set(word, found);
      }
      for (const id of found) ids.push(id);
    }
  }

  private wordIds(word: string): number[] {
    const ids: number[] = [];
    for (const symbol of toSymbols(word)) {
      const id = this.vocab.get(symbol) ?? this.unknownId;
      if (id !== undefined) ids.push(id);
    }
    return this.merge(ids);
  }

  /**
   * Joins the pair with the lowest rank, leftmost first, until no adjacent pair is ranked.
   *
   * The ids are a linked list, and the pairs wait in a heap under rank·length + position, so a word of n bytes takes
   * n·log n steps however long it is. A pair that changed since it was queued is noticed when it is taken.
   */
  private merge(ids: number[]): number[] {
    const n = ids.length;
    if (n < 2) return ids;
    const next = Int32Array.from(ids, (_, i) => (i + 1 < n ? i + 1 : -1));
    const previous = Int32Array.from(ids, (_, i) => i - 1);
    const gone = new Uint8Array(n);
    const heap: number[] = [];
    const queue = (at: number): void => {
      const after = next[at] as number;
      if (after < 0) return;
      const join = this.joins.get((ids[at] as number) * this.pairBase + (ids[after] as number));
      if (join) heapPush(heap, join.rank * n + at);
    };
    for (let at = 0; at + 1 < n; at++) queue(at);

    while (heap.length > 0) {
      const key = heapPop(heap);
      const at = key % n;
      const after = next[at] as number;
      if (gone[at] || after < 0) continue;
      const join = this.joins.get((ids[at] as number) * this.pairBase + (ids[after] as number));
      if (join?.rank !== (key - at) / n) continue; // another join came first
      ids[at] = join.id;
      gone[after] = 1;
      const beyond = next[after] as number;
      next[at] = beyond;
      if (beyond >= 0) previous[beyond] = at;
      if ((previous[at] as number) >= 0) queue(previous[at] as number);
      queue(at);
    }
    return ids.filter((_, i) => !gone[i]);
  }
}

/** Finds special tokens, the longest where several start at one place. */
function patternOf(specials: readonly SpecialToken[]): RegExp {
  const contents = specials
    .map((special) => special.content.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&'))
    .sort((a, b) => b.length - a.length);
  return new RegExp(contents.join('|'), 'gu');
}

const WHITE_SPACE = /^\p{White_Space}$/u;

/** Where the white space that ends at `end` starts, not before `start`. All of White_Space is one UTF-16 unit long. */
function whiteSpaceBefore(text: string, start: number, end: number): number {
  let at = end;
  while (at > start && WHITE_SPACE.test(text.charAt(at - 1))) at--;
  return at;
}

/** Where the white space that starts at `start` ends. */
function whiteSpaceAfter(text: string, start: number): number {
  let at = start;
  while (at < text.length && WHITE_SPACE.test(text.charAt(at))) at++;
  return at;
}

/** The replacements of transformers' `clean_up_tokenization`, in its order. */
function cleanUpSpaces(text: string): string {
  return text
    .replaceAll(' .', '.')
    .replaceAll(' ?', '?')
    .replaceAll(' !', '!')
    .replaceAll(' ,', ',')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}

function heapPush(heap: number[], key: number): void {
  let at = heap.length;
  heap.push(key);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if ((heap[parent] as number) <= key) break;
    heap[at] = heap[parent] as number;
    at = parent;
  }
  heap[at] = key;
}

function heapPop(heap: number[]): number {
  const least = heap[0] as number;
  const key = heap.pop() as number;
  if (heap.length === 0) return least;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child++;
    if ((heap[child] as number) >= key) break;
    heap[at] = heap[child] as number;
    at = child;
  }
  heap[at] = key;
  return least;
}
