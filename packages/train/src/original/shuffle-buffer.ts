import { Pcg64 } from '@easel/core';

/** Number of rows held at a time in the original's loader. */
export const SHUFFLE_BUFFER = 5000;

/**
 * Number of indices drawn at a time. It is the original's, so that both generators are in the same
 * state when rows run out.
 */
const DRAWN_AT_ONCE = 1000;

/**
 * The generator of an epoch: default_rng(seed) at first, then
 * default_rng(default_rng(seed).integers(0, 2^63) − epoch). Source: Hugging Face datasets 2.8
 * `iterable_dataset.py`, _effective_generator.
 */
export function epochGenerator(seed: number, epoch: number): Pcg64 {
  return epoch === 0 ? new Pcg64(seed) : new Pcg64(new Pcg64(seed).integer(2n ** 63n) - BigInt(epoch));
}

/** Returns a list shuffled by a copy of the generator. The generator itself does not advance. */
export function shuffled<T>(list: readonly T[], generator: Pcg64): T[] {
  const order = list.map((_, i) => i);
  generator.copy().shuffle(order);
  return order.map((i) => list[i] as T);
}

/**
 * Rows in random order with only `bufferSize` of them in memory: once the buffer is full, each row
 * that comes takes the place of one drawn by chance, which goes out; at the end the buffer is
 * shuffled. Sets that fit are thus shuffled as a whole. The generator stays where it is. Source: as
 * above, BufferShuffledExamplesIterable.
 */
export async function* shuffleBuffer<T>(
  rows: AsyncIterable<T> | Iterable<T>,
  generator: Pcg64,
  bufferSize = SHUFFLE_BUFFER,
): AsyncGenerator<T> {
  const draws = generator.copy();
  const buffer: T[] = [];
  let drawn: number[] = [];
  for await (const row of rows) {
    if (buffer.length < bufferSize) {
      buffer.push(row);
      continue;
    }
    if (drawn.length === 0)
      drawn = Array.from({ length: DRAWN_AT_ONCE }, () => draws.integer(bufferSize)).reverse();
    const place = drawn.pop() as number;
    yield buffer[place] as T;
    buffer[place] = row;
  }
  draws.shuffle(buffer);
  yield* buffer;
}
