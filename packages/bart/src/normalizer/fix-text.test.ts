import { describe, expect, test } from '@jest/globals';
import { fixText } from './fix-text.js';

// What `fix_text` of ftfy 6.3.1 gives. More, made by a seed:
// reference/golden/normalizer/generated.json.

test.each([
  ['Windows-1252', 'ÐŸÑ€Ð¸Ð²ÐµÑ‚ doesnâ€™t', "Привет doesn't"],
  ['twice', 'ÃƒÂ©tÃƒÂ©', 'été'],
  ['four times', 'The Mona Lisa doesnÃƒÂ¢Ã¢â€šÂ¬Ã¢â€žÂ¢t', "The Mona Lisa doesn't"],
  ['Latin-1 with C1 controls', 'ã\x83\x84 ¯', 'ツ ¯'],
  ['Windows-1250', 'Ĺ‚Ăłdka', 'łódka'],
  ['Windows-1251', 'Р»СѓРЅР°', 'луна'],
  ['Windows-1253', 'Î³ÎµÎ¹Î¬ ÏƒÎ¿Ï…', 'γειά σου'],
  ['Mac Roman', '√©t√© ‚Äúhi‚Äù', 'été "hi"'],
  ['a no-break space', 'It was namedÂ â€žscarsÂ´ stonesâ€œ', 'It was named\u00a0"scars´ stones"'],
  ['a space for a no-break space', 'voilÃ le travail', 'voilà le travail'],
  ['à as a word', 'Ã la mode', 'à la mode'],
  ['às is one word', 'Ã s vezes', 'às vezes'],
  ['a lost byte', 'â€œ like this â€\ufffd', '" like this \ufffd'],
  ['a byte that became a question mark', 'â€œ like this â€?', '" like this \ufffd'],
  ['a damaged word beside a sound one', "l'Ã©tÃ© et l’été gĂ¼nĂ¶", "l'été et l'été gĂ¼nö"],
  ['CESU-8', 'í\u00a0½í¸\u0080', '😀'],
  ['C1 controls alone', '\x85 \x91x\x92', "… 'x'"],
  ['sound text', 'naïve café Ångström √ 5≈', 'naïve café Ångström √ 5≈'],
])('mis-decoded: %s', (_, text, fixed) => {
  expect(fixText(text)).toBe(fixed);
});

test.each([
  [
    'sure entities',
    '&EACUTE;t&eacute; &nTILDE; &notit; &amp &semi; &#59;',
    'Été &nTILDE; &notit; &amp ; &#59;',
  ],
  ['entities of entities', 'L&AMP;AMP;&amp;#233;', 'L&é'],
  ['entities behind a tag, also in later lines', '&amp;\na<b &amp;\n&amp;', '&\na<b &amp;\n&amp;'],
  ['ligatures and digraphs', 'ĳ ŉ ǅ ﬅ', "ij 'n Dž ſt"],
  ['width', 'Ｆｕｌｌ　ｶﾞ', 'Full ガ'],
  ['quotes', '“a”‘b’', '"a"\'b\''],
  ['line ends', 'a\r\nb\rc\u2028d\u2029e', 'a\nb\nc\nd\ne'],
  ['terminal escapes, digits of any script', '\x1b[31;1mred\x1b[0m \x1b[٣m', 'red '],
  ['half a surrogate pair', '\ud83d x \ude00', '\ufffd x \ufffd'],
  [
    'control characters, not those of music',
    'a\0b\vc\fd\u206ae\ufefff\ufffcg\u{1d173}',
    'abc\fdefg\u{1d173}',
  ],
  ['NFC', 'e\u0301 \u212b', 'é Å'],
  ['plain ASCII', 'a "b" \t~\n<>', 'a "b" \t~\n<>'],
  ['empty', '', ''],
])('%s', (_, text, fixed) => {
  expect(fixText(text)).toBe(fixed);
});

describe('long lines', () => {
  test('are repaired a million characters at a time', () => {
    const text = `${'😀'.repeat(999_999)}Ã©`;
    expect(fixText(text)).toBe(text); // the cut is between the two
    expect(fixText(text.slice(2))).toBe(`${'😀'.repeat(999_998)}é`);
  });

  test.each(['Ã', 'Ã©', 'â€', 'â€™', 'ðŸ˜', '&amp;', '\x1b[', 'Ð\u0098', 'Ã ', '\ud83d'])(
    '%j over and over ends, and stays',
    (piece) => {
      const fixed = fixText(piece.repeat(20_000));
      expect(fixText(fixed)).toBe(fixed);
    },
  );
});
