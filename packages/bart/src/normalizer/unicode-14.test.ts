import { describe, expect, test } from '@jest/globals';
import { DIGIT, normalizeNfc, SPACE, WORD } from './unicode-14.js';

// What Python 3.11 gives.

describe('normalizeNfc', () => {
  test.each([
    ['composes', 'e\u0301 A\u030a', 'é Å'],
    ['orders marks', 'q\u0307\u0323', 'q\u0323\u0307'],
    ['leaves what is normal', 'é漢😀', 'é漢😀'],
    ['composes nothing across a newer mark', 'e\u1aeb\u0301', 'e\u1aeb\u0301'],
    ['moves nothing past a newer mark', ' \u{10efd}\u0301 e\u0301', ' \u{10efd}\u0301 é'],
    ['composes no newer letters', '\u{16d67}\u{16d67}e\u0301', '\u{16d67}\u{16d67}é'],
  ])('%s', (_, text, normal) => {
    expect(normalizeNfc(text)).toBe(normal);
  });
});

/** How many code points match, and their sum. */
function census(part: string): [count: number, sum: number] {
  const whole = new RegExp(`^${part}$`, 'u');
  let [count, sum] = [0, 0];
  for (let code = 0; code < 0x110000; code++) {
    if (!whole.test(String.fromCodePoint(code))) continue;
    count++;
    sum += code;
  }
  return [count, sum];
}

// matching = [code for code in range(0x110000) if re.match(r"\w", chr(code))]; len(matching),
// sum(matching)
test.each([
  ['\\s', SPACE, [29, 141_704]],
  ['\\d', DIGIT, [660, 30_806_570]],
  ['\\w', WORD, [133_548, 14_002_814_312]],
])('%s has the characters of Python 3.11', (_, part, counted) => {
  expect(census(part)).toEqual(counted);
});
