import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { unidecode } from './unidecode.js';

// What Unidecode 1.4.0 gives.
test.each([
  ['Chinese', '北京 東京タワー', 'Bei Jing  Dong Jing tawa-'],
  ['Hebrew, and capital eng', 'Ŋŋ שלום א חטכצק', 'NGng SHlvm A HTKHTSk'],
  ['Hangul, by parts', '한국어', 'hangugeo'],
  ['letters of mathematics', '𝕳𝖊𝖑𝖑𝖔', 'Hello'],
  ['small capitals', 'ᴀʙᴄ', 'ABC'],
  ['signs', '½ €5 № ℃', ' 1/2 EUR5 No.  degC'],
  ['line ends', '\u2028|\u2029', '\n|\n\n'],
  ['nothing stands for them', '\ue000\u{10ffff}😀', ''],
  ['half a pair', 'a\ud835b\udd73', 'ab'],
  ['ASCII stays', 'a\0\x7f ~', 'a\0\x7f ~'],
  ['empty', '', ''],
])('%s', (_, text, ascii) => {
  expect(unidecode(text)).toBe(ascii);
});

test('every code point, as Python has it', () => {
  // sha256("\t".join(unidecode(chr(code)) for code in range(0x110000)).encode()) with Unidecode
  // 1.4.0
  const all = Array.from({ length: 0x110000 }, (_, code) => unidecode(String.fromCodePoint(code))).join('\t');
  expect(createHash('sha256').update(all).digest('hex')).toBe(
    '9a34609b9d90c0f9766c1d3a5fee469b6dbe70d8fc566dea6216c810fb3bfa00',
  );
});
