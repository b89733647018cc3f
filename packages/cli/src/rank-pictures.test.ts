import type { Picture } from '@easel/draw';
import { describe, expect, test } from '@jest/globals';
import { type PictureScorer, rankPictures } from './rank-pictures.js';

/** A picture whose first byte is its score. */
function picture(prompt: string, promptIndex: number, index: number, score: number): Picture {
  const pixels = { data: Uint8Array.of(score, 0, 0), width: 1, height: 1, channels: 3 };
  return { prompt, promptIndex, index, tokens: Int32Array.of(index), pixels };
}

/** Reads the score off the picture, and keeps what it was asked. */
class FirstByte implements PictureScorer {
  readonly asked: [string, number][] = [];
  async score(text: string, pictures: Parameters<PictureScorer['score']>[1]): Promise<number[]> {
    this.asked.push([text, pictures.length]);
    return pictures.map(({ data }) => (data[0] === 255 ? Number.NaN : (data[0] as number)));
  }
}

async function* stream(pictures: readonly Picture[], error?: Error): AsyncGenerator<Picture> {
  yield* pictures;
  if (error !== undefined) throw error;
}

async function collect(pictures: AsyncIterable<Picture>, keep: number, batch = 2) {
  const scorer = new FirstByte();
  const counts: number[] = [];
  const found: [string, number, number, number][] = [];
  let error: unknown;
  try {
    const options = { scorer, keep, batch, onScored: (done: number) => counts.push(done) };
    for await (const { prompt, index, score, rank } of rankPictures(pictures, options)) {
      found.push([prompt, index, score, rank]);
    }
  } catch (thrown) {
    error = thrown;
  }
  return { found, counts, error, asked: scorer.asked };
}

const pictures = [
  ...[3, 9, 9, 1, 5].map((score, index) => picture('a cat', 0, index, score)),
  ...[2, 8].map((score, index) => picture('a dog', 1, index, score)),
];

describe('rankPictures', () => {
  test('the best of each prompt, best first, the earlier of equals', async () => {
    const { found, counts, asked } = await collect(stream(pictures), 3);
    expect(found).toEqual([
      ['a cat', 1, 9, 1],
      ['a cat', 2, 9, 2],
      ['a cat', 4, 5, 3],
      ['a dog', 1, 8, 1],
      ['a dog', 0, 2, 2],
    ]);
    expect(counts).toEqual([2, 4, 5, 7]);
    expect(asked).toEqual([
      ['a cat', 2],
      ['a cat', 2],
      ['a cat', 1],
      ['a dog', 2],
    ]);
  });

  test('two prompts of the same words are two', async () => {
    const twice = [picture('a cat', 0, 0, 4), picture('a cat', 1, 0, 6)];
    const { found } = await collect(stream(twice), 1, 8);
    expect(found).toEqual([
      ['a cat', 0, 4, 1],
      ['a cat', 0, 6, 1],
    ]);
  });

  test('an abort: those that came are ranked, then it is thrown on', async () => {
    const abort = new DOMException('stopped', 'AbortError');
    const { found, error } = await collect(stream(pictures.slice(0, 3), abort), 1);
    expect(found).toEqual([['a cat', 1, 9, 1]]);
    expect(error).toBe(abort);
  });

  test('any other error: nothing is ranked', async () => {
    const { found, error } = await collect(stream(pictures.slice(0, 3), new Error('broken')), 1);
    expect([found, (error as Error).message]).toEqual([[], 'broken']);
  });

  test('nothing in, nothing out; a score that is no number is an error', async () => {
    expect((await collect(stream([]), 2)).found).toEqual([]);
    const { error } = await collect(stream([picture('a cat', 0, 0, 255)]), 1);
    expect((error as Error).message).toContain('the score of a picture of "a cat" is not a number');
  });
});
