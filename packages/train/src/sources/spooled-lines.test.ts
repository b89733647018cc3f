import { describe, expect, test } from '@jest/globals';
import { SortedSpool, SpooledLines } from './spooled-lines.js';

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe.each([
  ['in memory', 1 << 20],
  ['on disk', 100],
])('SpooledLines %s', (_, memoryBytes) => {
  test('what was appended, from any place to any other', async () => {
    const spool = new SpooledLines<string>(memoryBytes);
    const lines = Array.from({ length: 2500 }, (_, i) => `${i} ä\n\r\u2028"`);
    for (const line of lines) await spool.append(line);
    expect(spool.length).toBe(2500);
    for (const [from, to] of [
      [0, 2500],
      [0, 1],
      [1023, 1026],
      [2047, 2049],
      [2499, 9999],
      [2500, 2600],
      [7, 7],
    ] as const)
      expect(await collect(spool.read(from, to))).toEqual(lines.slice(from, to));
    await spool.close();
  });

  test('reading between appending, and two readers at a time', async () => {
    const spool = new SpooledLines<number>(memoryBytes);
    for (let i = 0; i < 50; i++) await spool.append(i);
    expect(await collect(spool.read(48))).toEqual([48, 49]);
    await spool.append(50);
    const [a, b] = await Promise.all([collect(spool.read()), collect(spool.read(49))]);
    expect(a).toHaveLength(51);
    expect(b).toEqual([49, 50]);
    await spool.close();
  });
});

test.each([1, 7, 1000])(
  'SortedSpool with runs of %d values: in order, equal ones as they came',
  async (runLength) => {
    const spool = new SortedSpool<{ key: number; n: number }>((a, b) => a.key - b.key, runLength);
    const values = Array.from({ length: 100 }, (_, n) => ({ key: (n * 37) % 11, n }));
    for (const value of values) await spool.add(value);
    expect(await collect(spool.sorted())).toEqual([...values].sort((a, b) => a.key - b.key));
  },
);

test('SortedSpool without values', async () => {
  expect(await collect(new SortedSpool<number>((a, b) => a - b).sorted())).toEqual([]);
});
