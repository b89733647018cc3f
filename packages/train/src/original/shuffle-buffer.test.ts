import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { deserialize, typedArray } from 'safetensors-ts';
import { epochGenerator, shuffleBuffer, shuffled } from './shuffle-buffer.js';

const { tensors } = deserialize(
  new Uint8Array(
    readFileSync(new URL('../../../../reference/golden/data/batches.safetensors', import.meta.url)),
  ),
);
const ORDERS = [...tensors.keys()].filter((name) => name.startsWith('shuffle_order_'));

async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

describe('the original’s order of a set that is larger than the buffer', () => {
  expect(ORDERS.length).toBeGreaterThan(1);
  test.each(ORDERS)('%s', async (name) => {
    const [, seed, epoch] = /seed(\d+)\/epoch(\d+)/.exec(name) as unknown as [string, string, string];
    const expected = Array.from(typedArray(tensors.get(name) as never) as Int32Array);
    const rows = expected.map((_, i) => i);
    const found = await collect(shuffleBuffer(rows, epochGenerator(Number(seed), Number(epoch))));
    expect(found).toEqual(expected);
  });
});

test('a small set is shuffled as a whole, an empty one is empty; the generator stays where it is', async () => {
  const generator = epochGenerator(3, 0);
  expect(await collect(shuffleBuffer([], generator))).toEqual([]);
  const whole = await collect(shuffleBuffer([...Array(21).keys()], generator));
  expect(whole).toEqual(shuffled([...Array(21).keys()], generator));
  expect(whole).toEqual([17, 8, 9, 16, 3, 20, 15, 13, 12, 6, 1, 10, 2, 11, 18, 0, 14, 4, 7, 5, 19]); // numpy's
});

test('no more rows than the buffer holds are ahead of what came out', async () => {
  let read = 0;
  function* rows(): Generator<number> {
    for (; read < 100; read++) yield read;
  }
  let out = 0;
  for await (const _ of shuffleBuffer(rows(), epochGenerator(1, 1), 7)) {
    out++;
    expect(read - out).toBeLessThanOrEqual(7);
  }
  expect(out).toBe(100);
});
