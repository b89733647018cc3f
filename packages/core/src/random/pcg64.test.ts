import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '../errors.js';
import { Pcg64 } from './pcg64.js';

interface Recorded {
  readonly raw: string[];
  readonly random: number[];
  readonly integers_0_5000: number[];
  readonly shuffle_list: number[];
  readonly integers_0_2to63: string;
}
const file = new URL('../../../../reference/golden/data/cases.json', import.meta.url);
const { pcg64, blank_captions: blank } = JSON.parse(readFileSync(file, 'utf8')) as {
  pcg64: Record<string, Recorded>;
  blank_captions: Record<string, { first_random: number[] }>;
};

describe('Pcg64 draws what numpy draws', () => {
  test.each(Object.entries(pcg64))('%s', (name, recorded) => {
    const seed = Number(name.slice('seed'.length));
    const raw = new Pcg64(seed);
    expect(recorded.raw.map(() => `${raw.next64()}`)).toEqual(recorded.raw);
    const random = new Pcg64(seed);
    expect(recorded.random.map(() => random.random())).toEqual(recorded.random);
    const integers = new Pcg64(seed);
    expect(recorded.integers_0_5000.map(() => integers.integer(5000))).toEqual(recorded.integers_0_5000);
    const list = recorded.shuffle_list.map((_, i) => i);
    new Pcg64(seed).shuffle(list);
    expect(list).toEqual(recorded.shuffle_list);
    expect(`${new Pcg64(seed).integer(2n ** 63n)}`).toBe(recorded.integers_0_2to63);
  });

  test('longer runs', () => {
    for (const [name, { first_random: expected }] of Object.entries(blank)) {
      const generator = new Pcg64(Number(name.slice('seed'.length)));
      expect(expected.map(() => generator.random())).toEqual(expected);
    }
  });

  test('a seed of more than 128 bits: default_rng(2**150 + 12345).integers(0, 2**63)', () => {
    expect(`${new Pcg64(2n ** 150n + 12345n).integer(2n ** 63n)}`).toBe('1452674885994426610');
  });
});

test('a copy goes on from the same place, halves included', () => {
  const generator = new Pcg64(7);
  generator.next32();
  const copy = generator.copy();
  expect([copy.next32(), copy.next32(), copy.random()]).toEqual([
    generator.next32(),
    generator.next32(),
    generator.random(),
  ]);
});

test.each([0, 1, 2, 1000])('advance(%d) is so many draws', (draws) => {
  const [jumped, walked] = [new Pcg64(9), new Pcg64(9)];
  jumped.advance(draws);
  for (let i = 0; i < draws; i++) walked.random();
  expect(jumped.next64()).toBe(walked.next64());
});

test('bounds: 1 is 0, 2^64 is any word; what is no seed or bound is refused', () => {
  expect(new Pcg64(1).integer(1)).toBe(0);
  expect(new Pcg64(1).integer(2n ** 64n)).toBe(new Pcg64(1).next64());
  const list: number[] = [];
  new Pcg64(1).shuffle(list);
  expect(list).toEqual([]);
  for (const seed of [-1, 0.5, Number.NaN, -1n]) expect(() => new Pcg64(seed)).toThrow(ConfigError);
  for (const bound of [0, -3, 1.5, Number.NaN])
    expect(() => new Pcg64(1).integer(bound)).toThrow(ConfigError);
});
