import { ConfigError, DataError } from '../errors.js';
import { fromSymbols, toSymbols } from './byte-alphabet.js';

/** A learnt byte-level BPE. */
export interface BytePairs {
  /** Token → id. */
  readonly vocab: ReadonlyMap<string, number>;
  /** Pairs of tokens to join, most urgent first. */
  readonly merges: readonly (readonly [string, string])[];
  /**
   * The token for a symbol that has no entry. Without it, such symbols are dropped before merging.
   */
  readonly unknown?: string | undefined;
  /** What ends the last symbol of each word, such as CLIP's `</w>`; by default nothing. */
  readonly endOfWord?: string | undefined;
  /** Tokens of the vocabulary that no bytes make. */
  readonly apart?: ReadonlySet<string> | undefined;
}

/** How many words are kept with their ids. When there are more, the memory is cleared. */
const CACHED_WORDS = 65_536;
/** Longer words are rare and are not remembered. */
const CACHED_WORD_LENGTH = 64;

/**
 * Turns words into ids by byte-level BPE, and back. The caller cuts texts into words.
 *
 * Source: Sennrich et al. 2016, arXiv:1508.07909; huggingface/tokenizers `models/bpe`,
 * `pre_tokenizers/byte_level.rs`.
 */
export class BytePairEncoder {
  readonly vocab: ReadonlyMap<string, number>;

  private readonly tokens: (string | undefined)[] = [];
  private readonly unknownId: number | undefined;
  private readonly endOfWord: string;
  private readonly apart: ReadonlySet<string>;
  /** The rank and the result of joining ids a and b. The key is a·vocabulary + b. */
  private readonly joins = new Map<number, { rank: number; id: number }>();
  private readonly pairBase: number;
  private readonly cache = new Map<string, readonly number[]>();

  /** Throws ConfigError if the unknown token or a part of a merge is not in the vocabulary. */
  constructor({ vocab, merges, unknown, endOfWord = '', apart = new Set() }: BytePairs) {
    this.apart = apart;
    this.vocab = vocab;
    this.endOfWord = endOfWord;
    for (const [token, id] of vocab) this.tokens[id] = token;
    this.pairBase = this.tokens.length;
    this.unknownId = unknown === undefined ? undefined : this.requireId(unknown, 'the unknown token');
    for (const [rank, [left, right]] of merges.entries()) {
      const where = `merge ${rank + 1} ("${left} ${right}")`;
      const a = this.requireId(left, where);
      const b = this.requireId(right, where);
      const id = this.requireId(left + right, where);
      const pair = a * this.pairBase + b;
      if (!this.joins.has(pair)) this.joins.set(pair, { rank, id });
    }
  }

  /** The largest id + 1: the least number of rows that an embedding needs. */
  get size(): number {
    return this.tokens.length;
  }

  /** The id of a token. If there is none, throws ConfigError, which says that `where` needs it. */
  requireId(token: string, where: string): number {
    const id = this.vocab.get(token);
    if (id !== undefined) return id;
    throw new ConfigError(
      `Byte-level BPE: ${where} needs the token ${JSON.stringify(token)}, which is not in the vocabulary of ${this.vocab.size} entries. Do vocab.json and merges.txt belong together?`,
    );
  }

  /** The token of an id. Throws DataError for an id that the vocabulary does not have. */
  token(id: number): string {
    const token = this.tokens[id];
    if (token !== undefined) return token;
    throw new DataError(
      `Byte-level BPE: id ${id} is not in the vocabulary, which has ids 0 to ${this.size - 1}. Are these text ids of this tokenizer?`,
    );
  }

  /** The ids of a word. Merges never cross its borders. */
  encode(word: string): readonly number[] {
    const known = this.cache.get(word);
    if (known) return known;
    const found = this.merge(this.symbolIds(word));
    if (word.length <= CACHED_WORD_LENGTH) {
      if (this.cache.size >= CACHED_WORDS) this.cache.clear();
      this.cache.set(word, found);
    }
    return found;
  }

  /**
   * The text of tokens. Bytes that are not UTF-8 become U+FFFD. An end of word stays as it is
   * written.
   */
  decode(tokens: Iterable<string>): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(fromSymbols(tokens));
  }

  private symbolIds(word: string): number[] {
    const symbols = toSymbols(word);
    const ids: number[] = [];
    for (let i = 0; i < symbols.length; i++) {
      const symbol = i + 1 < symbols.length ? symbols.charAt(i) : symbols.charAt(i) + this.endOfWord;
      const id = (this.apart.has(symbol) ? undefined : this.vocab.get(symbol)) ?? this.unknownId;
      if (id !== undefined) ids.push(id);
    }
    return ids;
  }

  /**
   * Joins the pair with the lowest rank, leftmost first, until no adjacent pair is ranked.
   *
   * The ids are a linked list, and the pairs wait in a heap under rank·length + position. So a word
   * of n bytes takes n·log n steps, however long it is. A pair that has changed since it was queued
   * is noticed when it is taken.
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
