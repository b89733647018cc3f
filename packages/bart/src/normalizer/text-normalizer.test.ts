import { describe, expect, test } from '@jest/globals';
import { TextNormalizer } from './text-normalizer.js';

// The original's own texts: packages/conformance, kind `normalizer`.

describe('by hand', () => {
  const normalizer = new TextNormalizer();

  test.each([
    ['A cat, sitting; on: the mat!', ' a cat, sitting, on, the mat'],
    ['3.5 stars at 5/10', ' 3.5 stars at 5/10'],
    ['ÐŸÑ€Ð¸Ð²ÐµÑ‚', ' privet'], // UTF-8 read as Windows-1252
    ['ÃƒÂ©tÃƒÂ©', ' ete'], // twice
    ['Ã© is a letter, Ã is one too', ' e is a letter, a is one too'], // "à " with its A0 lost
    ['Ŋŋ שלום ½ ℃', ' ngng shlvm 1/2 degc'],
    ['&lt;&#233;&EACUTE;&amp;amp;&gt; x', ' x'], // a tag, once its entities are read
    ['#catsAndDogs_too', ' catsanddogs too'],
    ['<person>,, andand ,<person>', ' people'],
    ['👩🏽‍🤝‍👩🏿', ' women holding hands medium skin tone dark skin tone'],
    ['👩🏽‍🦰', ' woman medium skin tone red hair'],
  ])('%j', (text, result) => {
    expect(normalizer.normalize(text)).toBe(result);
  });

  test('normal text stays as it is, but for its space', () => {
    const once = normalizer.normalize('a red heart on a blue sea, 1/2 and 3.5');
    expect(once).toBe(' a red heart on a blue sea, 1/2 and 3.5');
    expect(normalizer.normalize(once)).toBe(once);
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
    ['damage', 'Ã©'.repeat(50_000)],
  ])('a long text is no trouble: %s', (_name, text) => {
    const once = normalizer.normalize(text);
    expect(once).toMatch(/^ [\x20-\x7e]*$/);
  });
});
