import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { HashtagSplitter, parseWordFrequencies } from './hashtags.js';
import { TextNormalizer } from './text-normalizer.js';

interface Case {
  group: string;
  text: string;
  result?: string;
  steps?: Record<string, string>;
  by_seed?: Record<string, string>;
  draws?: Record<string, number[]>;
}

const golden = (file: string): string =>
  readFileSync(new URL(`../../../../reference/golden/normalizer/${file}`, import.meta.url), 'utf8');
const { cases } = JSON.parse(golden('cases.json')) as { cases: Case[] };
const wordFrequencies = parseWordFrequencies(golden('enwiki-words-frequency.txt'));
const groups = [...new Set(cases.map((c) => c.group))];

describe('the original on its 791 texts', () => {
  test('all of them are here', () => expect(cases).toHaveLength(791));

  test.each(groups)('%s', (group) => {
    const normalizer = new TextNormalizer({ wordFrequencies });
    for (const c of cases) {
      if (c.group !== group || c.result === undefined) continue;
      let text = c.text;
      let expected = c.text;
      for (const [name, apply] of normalizer.steps) {
        text = apply(text);
        expected = c.steps?.[name] ?? expected; // a step that is not listed changed nothing
        expect([c.text, name, text]).toEqual([c.text, name, expected]);
      }
      expect(normalizer.normalize(c.text)).toBe(c.result);
    }
  });

  test('persons, with the original draws', () => {
    let tried = 0;
    for (const c of cases) {
      for (const [seed, result] of Object.entries(c.by_seed ?? {})) {
        const draws = [...(c.draws?.[seed] ?? [])];
        const normalizer = new TextNormalizer({ wordFrequencies, random: () => draws.shift() as number });
        expect([c.text, normalizer.normalize(c.text)]).toEqual([c.text, result]);
        tried++;
      }
    }
    expect(tried).toBe(27);
  });
});

describe('by hand', () => {
  const normalizer = new TextNormalizer();

  test.each([
    ['A cat, sitting; on: the mat!', ' a cat, sitting, on, the mat'],
    ['3.5 stars at 5/10', ' 3.5 stars at 5/10'],
    ['ÐŸÑ€Ð¸Ð²ÐµÑ‚', ' privet'], // UTF-8 read as Windows-1252
    ['ÃƒÂ©tÃƒÂ©', ' ete'], // twice
    ['Ã© is a letter, Ã is one too', ' a, copyright, is a letter, a is one too'], // not UTF-8
    ['#catsAndDogs_too', ' catsanddogs too'],
    ['<person>,, andand ,<person>', ' people'],
    ['👩🏽‍🤝‍👩🏿', ' women holding hands medium skin tone dark skin tone'],
    ['👩🏽‍🦰', ' woman medium skin tone red hair'],
  ])('%j', (text, result) => {
    expect(normalizer.normalize(text)).toBe(result);
  });

  test('normal text stays as it is, but for its space', () => {
    for (const c of cases.slice(0, 50)) {
      const once = normalizer.normalize('a red heart on a blue sea, 1/2 and 3.5');
      expect(normalizer.normalize(once)).toBe(once);
      expect(normalizer.normalize(c.text)).toMatch(/^ /);
    }
  });

  test.each([
    ['words', 'word '.repeat(20_000)],
    ['commas', ','.repeat(100_000)],
    ['commas behind a person', `<person>${','.repeat(100_000)}`],
    ['open tags', '<'.repeat(100_000)],
    ['tags in tags', '<<>'.repeat(30_000)],
    ['quotes and spaces', '" '.repeat(50_000)],
    ['ampersands', '&'.repeat(50_000)],
    ['Chinese', '北'.repeat(50_000)],
    ['emoji', '👩🏽‍🦰'.repeat(5000)],
    ['a hashtag', `#${'cat'.repeat(10_000)}`],
  ])('a long text is no trouble: %s', (_name, text) => {
    const start = performance.now();
    normalizer.normalize(text);
    expect(performance.now() - start).toBeLessThan(3000);
  });
});

describe('HashtagSplitter', () => {
  const tags = JSON.parse(golden('hashtags.json')) as { text: string; result: string }[];

  test('the original on its tags', () => {
    const splitter = new HashtagSplitter(wordFrequencies);
    for (const { text, result } of tags) expect([text, splitter.split(text)]).toEqual([text, result]);
  });

  test('without words: letters, and digits together', () => {
    expect(new HashtagSplitter([]).split('ab12')).toBe('a b 12');
  });
});
