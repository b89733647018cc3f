import { ConfigError, prngKey } from '@easel/core';
import { describe, expect, test } from '@jest/globals';
import { MixOrder, mixPictures } from './mixed-pictures.js';
import type { CaptionedPicture, PictureSource, ReadRange } from './picture-source.js';

/** A source whose pictures have only names. */
function named(prefix: string, length: number): PictureSource & { closed: number; reading: number } {
  const source = {
    description: prefix,
    length,
    digest: prefix,
    leftOut: [],
    closed: 0,
    reading: 0,
    async *read({ from = 0, to = length }: ReadRange = {}): AsyncGenerator<CaptionedPicture> {
      source.reading++;
      try {
        for (let i = from; i < Math.min(to, length); i++)
          yield {
            file: `${prefix}${i}`,
            path: `${prefix}${i}`,
            captions: [prefix],
            bytes: async () => new Uint8Array(0),
          };
      } finally {
        source.reading--;
      }
    },
    async close() {
      source.closed++;
    },
  };
  return source;
}

async function files(source: PictureSource, range?: ReadRange): Promise<string[]> {
  const all: string[] = [];
  for await (const { file } of source.read(range)) all.push(file);
  return all;
}

describe('a mixture', () => {
  const parts = () => [
    { source: named('a', 3000), weight: 3 },
    { source: named('b', 1500), weight: 1 },
  ];

  test("'all': each picture once, each source in its own order; the weights hold while all last", async () => {
    const mixture = mixPictures(parts(), { seed: 5, until: 'all' });
    expect(mixture.length).toBe(4500);
    const names = await files(mixture);
    expect(names.filter((name) => name.startsWith('0:'))).toEqual(
      Array.from({ length: 3000 }, (_, i) => `0:a${i}`),
    );
    expect(names.filter((name) => name.startsWith('1:'))).toEqual(
      Array.from({ length: 1500 }, (_, i) => `1:b${i}`),
    );
    // 2000 draws of probability 3/4: 1500, standard deviation 19.
    const first = names.slice(0, 2000).filter((name) => name.startsWith('0:')).length;
    expect(Math.abs(first - 1500)).toBeLessThan(80);
    expect(new Set(names.slice(-300).map((name) => name[0]))).toEqual(new Set(['1']));
  });

  test("'first': ends when one runs out, so that the shares hold", async () => {
    const names = await files(mixPictures(parts(), { seed: 5, until: 'first' }));
    expect(names.filter((name) => name.startsWith('0:'))).toHaveLength(3000);
    expect(Math.abs(names.length - 4000)).toBeLessThan(160);
    expect(names.at(-1)).toBe('0:a2999');
  });

  test('goes on at any place as if it had begun at the start; nothing stays open', async () => {
    const both = parts();
    const mixture = mixPictures(both, { seed: 5, until: 'all' });
    const names = await files(mixture);
    for (const from of [0, 1, 1023, 1024, 1025, 3071, 4499, 4500])
      expect(await files(mixture, { from, to: from + 40 })).toEqual(names.slice(from, from + 40));
    expect(both.map(({ source }) => source.reading)).toEqual([0, 0]);
    await mixture.close();
    expect(both.map(({ source }) => source.closed)).toEqual([1, 1]);
  });

  test('the seed, the weights and the sources make it what it is', async () => {
    const order = async (seed: number, weight = 3) => {
      const [a, b] = parts() as [ReturnType<typeof parts>[0], ReturnType<typeof parts>[0]];
      const mixture = mixPictures([{ ...a, weight }, b], { seed, until: 'all' });
      return { digest: mixture.digest, start: (await files(mixture, { to: 100 })).join() };
    };
    const one = await order(1);
    expect(await order(1)).toEqual(one);
    for (const other of [await order(2), await order(1, 2)]) {
      expect(other.digest).not.toBe(one.digest);
      expect(other.start).not.toBe(one.start);
    }
  });

  test('weights that are none', () => {
    for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => mixPictures([{ source: named('a', 1), weight }], { seed: 0, until: 'all' })).toThrow(
        ConfigError,
      );
  });
});

test('an order over sources of which some are empty', () => {
  const order = new MixOrder([0, 3, 0], [5, 1, 5], prngKey(0), 'all');
  expect([...order.from(0)]).toEqual([0, 1, 2].map((number) => ({ part: 1, number })));
  expect(new MixOrder([0, 3], [1, 1], prngKey(0), 'first').length).toBe(0);
  expect(new MixOrder([0, 0], [1, 1], prngKey(0), 'all').length).toBe(0);
});
