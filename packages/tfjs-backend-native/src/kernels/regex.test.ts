import { describe, expect, test } from '@jest/globals';
import { parseRewrite, re2, replaceMatches } from './regex.js';

/** Pattern, rewrite, text, whether all matches, and what StaticRegexReplace of TensorFlow 2.21 gives. */
const RECORDED: readonly (readonly [string, string, string, boolean, string])[] = [
  ['a*', 'X', 'baac', true, 'XbXcX'],
  ['a*', 'X', 'baac', false, 'Xbaac'],
  ['(a)(b)', '\\2\\1<\\0>', 'xabab', true, 'xba<ab>ba<ab>'],
  ['(a)|(b)', '[\\1\\2]', 'abc', true, '[a][b]c'],
  ['a', '\\1', 'banana', true, 'banana'],
  ['a', '$&$1', 'banana', true, 'b$&$1n$&$1n$&$1'],
  ['.', '-', '\u00e9\ud83d\ude42\r\n', true, '---\n'],
  ['\\s', '_', 'a\u00a0 \u000b\t', true, 'a\u00a0_\u000b_'],
  ['[\\s,]+', ' ', 'a,\t b\u00a0c', true, 'a b\u00a0c'],
  ['[[:punct:]]', '', 'a-b_c{d}!', true, 'abcd'],
  ['\\pL+', 'L', '\u00e9\u8a9e1a', true, 'L1L'],
  ['\\x{1F642}', ':)', '\ud83d\ude42 x', true, ':) x'],
  ['\\Aa|a\\z', '!', 'aaa', true, '!a!'],
  ['\\Q.+\\E', 'dot', 'a.+b', true, 'adotb'],
  ['(?i)STOP', '.', 'a stop Stop', true, 'a . .'],
  ['(?P<w>\\w+) (\\w+)', '\\2 \\1', 'hello world again', false, 'world hello again'],
  ['[!\\"#$%&()\\*\\+,-\\./:;<=>?@\\[\\\\\\]^_`{|}~\\\']', '', "it's [a] \\ {b}~!", true, 'its a  b'],
  ['[]x]+', 'o', 'a]x]b', true, 'aob'],
  ['a{2}', 'b', 'aaa{2}', true, 'ba{2}'],
  ['\\@\\-\\_', 'at', 'a@-_b', true, 'aatb'],
  ['(?s)a.b', 'm', 'a\nb', true, 'm'],
  ['\\bcat\\b', 'dog', 'cat concat cat', true, 'dog concat dog'],
  ['', '-', 'a\u00e9', true, '-a-\u00e9-'],
  ['x?', '-', '\ud83d\ude42', true, '-\ud83d\ude42-'],
  ['\\\\', '\\\\\\\\', 'a\\b', true, 'a\\\\b'],
  ['a|ab', 'x', 'abab', true, 'xbxb'],
  ['[^[:alpha:]\\d]', '', 'a1-\u00e9_2', true, 'a12'],
  ['\\D+', '', 'a1\u00e92', true, '12'],
  ['(?m)^b', 'x', 'a\nb', true, 'a\nx'],
  ['b$', 'x', 'ab\n', true, 'ab\n'],
  ['[\\w-]+', 'w', 'a-b c', true, 'w w'],
];

describe('RE2', () => {
  test.each(RECORDED)('%j → %j in %j', (pattern, rewrite, text, all, expected) => {
    expect(replaceMatches(text, re2(pattern), parseRewrite(rewrite), all)).toBe(expected);
  });

  test('what cannot be read is refused by name', () => {
    expect(() => re2('(?U)a+')).toThrow(/the pattern "\(\?U\)a\+" can't be read/);
    expect(() => re2('(a')).toThrow(/the pattern "\(a" can't be read/);
    expect(() => parseRewrite('a\\x')).toThrow(/in the rewrite "a\\\\x", found "\\\\x"/);
    expect(() => parseRewrite('a\\')).toThrow(/found "\\\\"/);
  });
});
