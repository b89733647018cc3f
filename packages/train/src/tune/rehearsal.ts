import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BpeTokenizer } from '@easel/bart';
import { DataError, permutation, prngKey } from '@easel/core';
import { generatePictures, type PictureParts, type WordList } from '@easel/draw';
import { shardName } from '../encoded/manifest.js';
import { type EncodedRow, writeShard } from '../encoded/shards.js';
import { readKnownPrompts } from '../seq2seq/known-prompts.js';

/** Pictures that are drawn at a time, a shard of the rehearsed set. */
const AT_ONCE = 16;
/** Most drawings of one prompt. */
const MOST_OF_A_PROMPT = 2;
/** A word that is drawn: at least three letters. */
const WORD = /^\p{L}{3,}$/u;

/** Prompts of what a model knows, and where they come from. */
export interface KnownPrompts {
  readonly prompts: readonly string[];
  readonly from: 'given' | 'model' | 'words';
}

/**
 * Prompts of what a model knows: those given; else those that its folder names (prompts.txt); else
 * the words of its captions, most frequent first (`words`, of words.json); else, for an older
 * model, the words and beginnings of words in its vocabulary. Throws DataError if there are none.
 */
export async function promptsToRehearse(
  folder: string,
  { tokenizer, words }: { readonly tokenizer: BpeTokenizer; readonly words: WordList | null },
  given: readonly string[] | undefined,
): Promise<KnownPrompts> {
  if (given !== undefined) {
    if (given.length > 0) return { prompts: [...new Set(given)], from: 'given' };
    throw new DataError('Prompts to rehearse: expected at least one, got none.');
  }
  const named = await readKnownPrompts(folder);
  if (named.length > 0) return { prompts: named, from: 'model' };
  const learnt = [...(words?.counts.keys() ?? [])];
  const found = learnt.length > 0 ? learnt : vocabularyWords(tokenizer);
  const prompts = [...new Set(found.filter((word) => WORD.test(word)))];
  if (prompts.length > 0) return { prompts, from: 'words' };
  throw new DataError(
    `${folder}: it names neither prompts (prompts.txt) nor words (words.json) of what it knows, and its vocabulary has no whole words. Give prompts (--prompts FILE, one a line), or rehearse nothing (--rehearsal 0).`,
  );
}

/** Tokens that begin with a space, without it. */
function vocabularyWords(tokenizer: BpeTokenizer): string[] {
  const tokens = [...tokenizer.vocab.values()].map((id) => tokenizer.decode([id]));
  return tokens.filter((token) => token.startsWith(' ')).map((token) => token.slice(1));
}

/** How a model rehearses. */
export interface RehearsalOptions {
  /** Folder of the shards; those that are there are not drawn again. */
  readonly out: string;
  /** Most drawings. */
  readonly most: number;
  /** Whether the time for more drawings is over; asked before each pass but the first. */
  readonly isOver: () => boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onDrawn?: (drawn: number, of: number) => void;
}

/**
 * Lets a model draw prompts of what it knows, as it draws by default, and keeps the tokens as
 * shards, so that another training can rehearse them. Prompts come in a random order, each once
 * before one comes again, with another seed. The same call goes on with the missing shards. Returns
 * the number of drawings. Throws the signal's reason if it is aborted.
 */
export async function rehearse(
  model: PictureParts,
  prompts: readonly string[],
  { out, most, isOver, signal, onDrawn }: RehearsalOptions,
): Promise<number> {
  const total = Math.min(most, MOST_OF_A_PROMPT * prompts.length);
  await mkdir(out, { recursive: true });
  const order = permutation(prngKey(0), prompts.length);
  for (let drawn = 0; drawn < total; ) {
    const count = Math.min(AT_ONCE, prompts.length - (drawn % prompts.length), total - drawn);
    const path = shardPath(out, drawn);
    if (!existsSync(path)) {
      if (drawn > 0 && isOver()) return drawn;
      const round = Math.floor(drawn / prompts.length);
      const some = Array.from({ length: count }, (_, i) => {
        const at = order[(drawn + i) % prompts.length] as number;
        return prompts[at] as string;
      });
      const rows: EncodedRow[] = [];
      const options = { prompts: some, seed: round, batch: AT_ONCE, signal };
      for await (const { prompt, tokens } of generatePictures(model, options))
        rows.push({ caption: prompt, encoding: tokens, source: `drawn ${round}: ${prompt}` });
      signal?.throwIfAborted();
      await writeShard(path, rows);
    }
    drawn += count;
    onDrawn?.(drawn, total);
  }
  return total;
}

/** A shard is named by the number of drawings before it. */
function shardPath(out: string, drawn: number): string {
  return join(out, shardName(drawn, 'jsonl'));
}
