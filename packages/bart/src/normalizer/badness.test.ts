import { expect, test } from '@jest/globals';
import { isBad } from './badness.js';

// What `ftfy.badness.is_bad` of ftfy 6.3.1 says: an example of each rule, and its like that is
// none.
test.each([
  ['a C1 control', 'a\x85', 'a\xa0'],
  ['a sign hardly anybody writes, behind a letter', 'é¦', 'e¦'],
  ['the same behind Latin and Cyrillic', 'aб¤', 'ббx¤'],
  ['the same before a sign', '¨«', '¨a'],
  ['a capital behind a small letter', 'éÀ', 'Éà'],
  ['a small letter behind a sign', '€é', '€e'],
  ['money behind a letter', 'é€', 'e€'],
  ['money behind a capital that begins a word', ' É€', 'É€'],
  ['money behind a capital, beginning by any white space', '\x1cÉ€', '\u200bÉ€'],
  ['a number behind a capital', 'É²', 'E²'],
  ['a number behind an opening sign', 'é«²', 'e«²'],
  ['closing, then opening', 'é»«', 'e»«'],
  ['opening behind money', '€¿', 'é¿'],
  ['opening behind a capital in a word', 'aÉ“', 'É“'],
  ['a face behind a box', '█ö', '█o'],
  ['a box behind a letter', 'é█', 'e█'],
  ['a sign behind a box', '█”', 'a”'],
  ['a sign between letters', 'é”x', 'é” '],
  ['a sign between a letter and one of another script', 'é”漢', 'é”\u0301'],
  ['œ that no letter follows', 'œ ', 'œu'],
  ['a degree behind a capital', 'É°', 'E°'],
  ['Windows-1252', 'Ã–', 'Õ–'],
  ['a superscript behind ×', '×²', '×x'],
  ['Arabic in Windows-1252', 'Ø·Ù·', 'Ø·U·'],
  ['South Asia in Windows-1252', 'à²', 'à '],
  ['à in Windows-1252', 'Ã\xa0', 'Ô\xa0'],
  ['Ã and a space behind a word', 'voil Ã ', 'VOIL Ã '],
  ['Ã and a space at the start', 'Ã ', 'É '],
  ['Â between', 'a.Â ', 'A Â '],
  ['Mac Roman', '√±', '√x'],
  ['Mac Roman, 0xC7', '≈°', '≈x'],
  ['Mac Roman, U+2000', '‚Äô', '‚Äx'],
  ['Mac Roman, U+2200', '‚âà', '‚âx'],
  ['Windows-1251', 'вЂ', 'вЃ'],
  ['Windows-1251, Cyrillic', 'Р°Р', 'РаР'],
  ['Windows-1251, twice', 'ГўВЂВ™ ', 'ГўВЂВ\n '],
  ['Windows-1253', 'β€™', 'βxx'],
  ['Windows-1253, Greek', 'Γ°Γ', 'ΓαΓ'],
  ['Windows-1257', 'ā€', 'āx'],
])('%s', (_, bad, sound) => {
  expect([isBad(bad), isBad(sound)]).toEqual([true, false]);
});

test('a rule may match anywhere, behind characters of two units too', () => {
  expect(isBad(`😀 ${'漢'.repeat(50)}Ã©`)).toBe(true);
  expect(isBad('')).toBe(false);
  expect(isBad('\ud83d')).toBe(false);
});
