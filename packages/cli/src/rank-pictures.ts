import { DataError, type Raster } from '@easel/core';
import type { Picture } from '@easel/draw';
import { isAbort } from './interrupt.js';

/** Scores how well pictures fit a text, with a number for each picture, higher for a better fit. */
export interface PictureScorer {
  score(text: string, pictures: readonly Raster[]): Promise<readonly number[]>;
}

/** A picture among the best of its prompt. */
export interface RankedPicture extends Picture {
  /** Score, higher for a better fit. Scores can be compared among pictures of one prompt. */
  readonly score: number;
  /** 1 for the best. */
  readonly rank: number;
}

/** Options of `rankPictures`. */
export interface RankOptions {
  readonly scorer: PictureScorer;
  /**
   * Number of best pictures of each prompt that are yielded. The others are dropped as soon as
   * enough better ones are known.
   */
  readonly keep: number;
  /** Number of pictures scored at a time (default 8). */
  readonly batch?: number;
  /** Called after each batch with the number of pictures scored so far, over all prompts. */
  readonly onScored?: (done: number) => void;
}

type Scored = Picture & { readonly score: number };

/**
 * Yields the best pictures of each prompt, best first. `pictures` must come prompt by prompt. Of
 * equal scores the earlier picture wins.
 *
 * If `pictures` end by an abort, those that came are ranked before the abort is thrown on. Throws
 * DataError for a score that is not a number.
 */
export async function* rankPictures(
  pictures: AsyncIterable<Picture>,
  { scorer, keep, batch = 8, onScored }: RankOptions,
): AsyncGenerator<RankedPicture> {
  let best: Scored[] = [];
  let waiting: Picture[] = [];
  let done = 0;

  const scoreWaiting = async (): Promise<void> => {
    const [first] = waiting;
    if (first === undefined) return;
    const scores = await scorer.score(
      first.prompt,
      waiting.map(({ pixels }) => pixels),
    );
    const scored = waiting.map((picture, i) => ({ ...picture, score: scores[i] as number }));
    if (!scores.every(Number.isFinite)) {
      throw new DataError(
        `CLIP: the score of a picture of "${first.prompt}" is not a number. Are the weights of the CLIP whole?`,
      );
    }
    best = [...best, ...scored].sort((a, b) => b.score - a.score || a.index - b.index).slice(0, keep);
    done += waiting.length;
    waiting = [];
    onScored?.(done);
  };

  async function* finishPrompt(): AsyncGenerator<RankedPicture> {
    await scoreWaiting();
    const finished = best;
    best = [];
    for (const [i, picture] of finished.entries()) yield { ...picture, rank: i + 1 };
  }

  try {
    for await (const picture of pictures) {
      const current = waiting[0] ?? best[0];
      if (current !== undefined && current.promptIndex !== picture.promptIndex) yield* finishPrompt();
      waiting.push(picture);
      if (waiting.length === batch) await scoreWaiting();
    }
  } catch (error) {
    if (isAbort(error)) yield* finishPrompt();
    throw error;
  }
  yield* finishPrompt();
}
