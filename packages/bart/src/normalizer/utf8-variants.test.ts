import { expect, test } from '@jest/globals';
import { decodeUtf8Variants } from './utf8-variants.js';

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

test.each(['', 'a\0~', 'é߿ࠀ\ud7ff\ue000\uffff\u{10000}\u{10ffff}'])('UTF-8: %j', (text) => {
  expect(decodeUtf8Variants(utf8(text))).toBe(text);
});

// What bytes.decode("utf-8-variants") of ftfy 6.3.1 gives.
test.each([
  ['surrogates of three bytes each', 'x\xed\xa0\xbd\xed\xb8\x80y', 'x😀y'],
  ["Java's NUL", 'a\xc0\x80b', 'a\0b'],
  ['a last line end after C0', 'a\xc0\n', 'a\0'],
  ['a last line end in place of the last byte', '\xed\xa0\xbd\xed\xb8\n', '\u{1f60a}'],
  ['a syllable that begins with ED', '\xed\x95\x9c', '한'],
])('%s', (_, bytes, text) => {
  expect(decodeUtf8Variants(bytes)).toBe(text);
});

test.each([
  ['a byte that continues nothing', '\x80'],
  ['a character cut short', '\xe2\x82'],
  ['two bytes for ASCII', '\xc1\x81'],
  ['three bytes where two do', '\xe0\x9f\xbf'],
  ['four bytes where three do', '\xf0\x8f\xbf\xbf'],
  ['beyond U+10FFFF', '\xf4\x90\x80\x80'],
  ['no lead byte', '\xf8\x80\x80\x80'],
  ['a surrogate alone', '\xed\xa0\xbd'],
  ['the second surrogate alone', '\xed\xb8\x80abc'],
  ['two first surrogates', '\xed\xa0\xbd\xed\xa0\xbd'],
  ['C0 8A', '\xc0\x8a'],
  ['C0 and a line end that is not the last', '\xc0\n\n'],
  ['C0 at the end', '\xc0'],
  ['ED and a last line end', '\xed\n'],
])('not UTF-8: %s', (_, bytes) => {
  expect(decodeUtf8Variants(bytes)).toBeUndefined();
});
