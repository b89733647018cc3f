import { ConfigError } from '@easel/core';
import { SYMBOL_OF_BYTE, toSymbols } from '@easel/core/internals';
import { BART_SPECIAL_TOKENS } from './special-tokens.js';
import { words } from './words.js';

/**
 * The ids that every tokenizer made here begins with: `<s>` 0, `<pad>` 1, `</s>` 2, `<unk>` 3,
 * `<mask>` 4.
 */
export const FIRST_TOKENS: readonly string[] = [
  BART_SPECIAL_TOKENS.bos.content,
  BART_SPECIAL_TOKENS.pad.content,
  BART_SPECIAL_TOKENS.eos.content,
  BART_SPECIAL_TOKENS.unk.content,
  BART_SPECIAL_TOKENS.mask.content,
];

/** Options of `trainBpe`. */
export interface TrainBpeOptions {
  /**
   * Number of entries wanted, special tokens and bytes included. There are fewer if no pair is left
   * that is frequent enough.
   */
  readonly vocabSize: number;
  /** Least count of a pair for it to be joined (default 2). */
  readonly minFrequency?: number;
  /**
   * Whether the texts are lower-cased here, and later every text that is encoded (default false).
   */
  readonly lowerCase?: boolean;
  /**
   * Whether a space is put before each text that starts without one, here and later when texts are
   * encoded (default false).
   */
  readonly addPrefixSpace?: boolean;
}

/** A learnt vocabulary, in the form that BpeTokenizer takes. */
export interface TrainedBpe {
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
  readonly lowerCase: boolean;
  readonly addPrefixSpace: boolean;
}

interface Word {
  symbols: number[];
  readonly count: number;
}

interface Pair {
  count: number;
  /** Indices of the words that hold, or once held, the pair. */
  readonly words: Set<number>;
}

/**
 * Learns byte-level BPE merges. It starts from the 256 bytes and joins the most frequent adjacent
 * pair again and again. Of equally frequent pairs it takes the one with the lower ids. The order of
 * the texts does not matter.
 *
 * Throws ConfigError if vocabSize leaves no room for the special tokens and the bytes.
 * Source: Sennrich et al. 2016, arXiv:1508.07909; ties as in huggingface/tokenizers
 * `models/bpe/trainer.rs`.
 */
export function trainBpe(texts: Iterable<string>, options: TrainBpeOptions): TrainedBpe {
  const { vocabSize, minFrequency = 2, lowerCase = false, addPrefixSpace = false } = options;
  const least = FIRST_TOKENS.length + SYMBOL_OF_BYTE.length;
  if (!Number.isInteger(vocabSize) || vocabSize < least) {
    throw new ConfigError(
      `trainBpe: expected vocabSize to be a whole number of at least ${least} (${FIRST_TOKENS.length} special tokens and 256 bytes), got ${vocabSize}.`,
    );
  }
  if (!(minFrequency >= 1)) {
    throw new ConfigError(`trainBpe: expected minFrequency to be at least 1, got ${minFrequency}.`);
  }

  const tokens = [...FIRST_TOKENS, ...[...SYMBOL_OF_BYTE].sort()];
  const vocab = new Map(tokens.map((token, id) => [token, id]));
  const corpus = countWords(texts, vocab, { lowerCase, addPrefixSpace });

  const pairs = new Map<number, Pair>();
  const count = (a: number, b: number, change: number, word: number): number => {
    const key = a * vocabSize + b;
    let pair = pairs.get(key);
    if (!pair) {
      pair = { count: 0, words: new Set() };
      pairs.set(key, pair);
    }
    pair.count += change;
    if (change > 0) pair.words.add(word);
    return key;
  };
  for (const [index, word] of corpus.entries()) {
    for (let i = 0; i + 1 < word.symbols.length; i++) {
      count(word.symbols[i] as number, word.symbols[i + 1] as number, word.count, index);
    }
  }

  const queue = new PairQueue();
  for (const [key, pair] of pairs) queue.push({ key, count: pair.count });
  const merges: [string, string][] = [];
  while (vocab.size < vocabSize) {
    const top = queue.pop();
    if (!top) break;
    const pair = pairs.get(top.key);
    if (!pair) continue; // queued twice, joined already
    if (pair.count !== top.count) {
      if (pair.count > 0) queue.push({ key: top.key, count: pair.count }); // the count fell since it was queued
      continue;
    }
    if (pair.count < minFrequency) break;

    const b = top.key % vocabSize;
    const a = (top.key - b) / vocabSize;
    const joined = (tokens[a] as string) + (tokens[b] as string);
    merges.push([tokens[a] as string, tokens[b] as string]);
    let id = vocab.get(joined);
    if (id === undefined) {
      id = tokens.length;
      tokens.push(joined);
      vocab.set(joined, id);
    }

    const grown = new Set<number>();
    for (const index of pair.words) {
      const word = corpus[index] as Word;
      join(word, a, b, id, (x, y, sign) => {
        const key = count(x, y, sign * word.count, index);
        if (sign > 0) grown.add(key);
      });
    }
    pairs.delete(top.key);
    for (const key of grown) {
      const changed = pairs.get(key);
      if (changed && changed.count > 0) queue.push({ key, count: changed.count });
    }
  }
  return { vocab, merges, lowerCase, addPrefixSpace };
}

function countWords(
  texts: Iterable<string>,
  vocab: ReadonlyMap<string, number>,
  options: { lowerCase: boolean; addPrefixSpace: boolean },
): Word[] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const word of words(text, options)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, count]) => ({
    symbols: Array.from(toSymbols(word), (symbol) => vocab.get(symbol) as number),
    count,
  }));
}

/**
 * Replaces each pair `a b` by `id` in `word`, left to right, and reports which neighbouring pairs
 * went (−1) and came (+1).
 */
function join(
  word: Word,
  a: number,
  b: number,
  id: number,
  change: (left: number, right: number, sign: 1 | -1) => void,
): void {
  const old = word.symbols;
  const symbols: number[] = [];
  for (let i = 0; i < old.length; i++) {
    if (old[i] === a && i + 1 < old.length && old[i + 1] === b) {
      symbols.push(id);
      i++;
    } else {
      symbols.push(old[i] as number);
    }
  }
  if (symbols.length === old.length) return;
  for (let i = 0; i + 1 < old.length; i++) change(old[i] as number, old[i + 1] as number, -1);
  for (let i = 0; i + 1 < symbols.length; i++) change(symbols[i] as number, symbols[i + 1] as number, 1);
  word.symbols = symbols;
}

interface QueuedPair {
  readonly key: number;
  readonly count: number;
}

/**
 * A heap of pairs: highest count first, then lowest key, which means lowest first id, then lowest
 * second id.
 */
class PairQueue {
  private readonly heap: QueuedPair[] = [];

  push(pair: QueuedPair): void {
    const heap = this.heap;
    let at = heap.length;
    heap.push(pair);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(pair, heap[parent] as QueuedPair)) break;
      heap[at] = heap[parent] as QueuedPair;
      at = parent;
    }
    heap[at] = pair;
  }

  pop(): QueuedPair | undefined {
    const heap = this.heap;
    const first = heap[0];
    const pair = heap.pop();
    if (!pair || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as QueuedPair, heap[child] as QueuedPair))
        child++;
      if (!before(heap[child] as QueuedPair, pair)) break;
      heap[at] = heap[child] as QueuedPair;
      at = child;
    }
    heap[at] = pair;
    return first;
  }
}

function before(a: QueuedPair, b: QueuedPair): boolean {
  return a.count > b.count || (a.count === b.count && a.key < b.key);
}
