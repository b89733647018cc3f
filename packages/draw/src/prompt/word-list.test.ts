import { expect, test } from '@jest/globals';
import { MOST_WORDS, parseWordList, WordCounter, wordListToJson, wordsOf } from './word-list.js';

test('words are letters, digits and apostrophes between them, of any script', () => {
  expect(wordsOf(" it is 7 o'clock, 'quoted' & ice-cream")).toEqual([
    ...['it', 'is', '7', "o'clock", 'quoted', 'ice', 'cream'],
  ]);
  expect(wordsOf('ein kühler Tag, красное сердце')).toEqual(['ein', 'kühler', 'Tag', 'красное', 'сердце']);
  expect(wordsOf(' ,!? ')).toEqual([]);
});

test('counts, most frequent first, round-trip; an earlier list is gone on from', () => {
  const counter = new WordCounter();
  counter.add('a red heart');
  counter.add('a constructor');
  const list = counter.list();
  expect([...list.counts]).toEqual([
    ['a', 2],
    ['constructor', 1],
    ['heart', 1],
    ['red', 1],
  ]);
  expect(list.complete).toBe(true);
  const read = parseWordList(JSON.stringify(wordListToJson(list)));
  expect([...read.counts]).toEqual([...list.counts]);
  const further = new WordCounter(read);
  further.add('red');
  further.skip();
  expect(further.list().counts.get('red')).toBe(2);
  expect(further.list().complete).toBe(false);
});

test('a list is bounded, keeps the frequent words, and says that it is cut', () => {
  const counter = new WordCounter();
  counter.add('often often');
  for (let i = 0; i <= MOST_WORDS; i++) counter.add(`w${i}`);
  const { counts, complete } = counter.list();
  expect([counts.size, counts.get('often'), complete]).toEqual([MOST_WORDS, 2, false]);
  for (let i = 0; i < 10 * MOST_WORDS; i++) counter.add(`v${i}`); // beyond what memory holds
  expect(counter.list().counts.get('often')).toBe(2);
});

test.each([
  ['{"words": {"a": 0}}', 'words.json: words.a: expected a whole number from 1, got 0'],
  ['{"words": ["a"]}', 'words.json: words: expected an object of words and their counts'],
  ['{"wrods": {}}', 'words.json: wrods: there is no such setting. Did you mean "words"?'],
  ['{}', 'words.json: words: expected an object'],
  ['{"words', 'words.json: not JSON'],
])('refused: %s', (text, message) => {
  expect(() => parseWordList(text)).toThrow(message);
});
