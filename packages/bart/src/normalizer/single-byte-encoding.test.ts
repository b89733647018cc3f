import { expect, test } from '@jest/globals';
import { SINGLE_BYTE_ENCODINGS, WINDOWS_1252 } from './single-byte-encoding.js';

test('the order in which ftfy tries them', () => {
  expect(SINGLE_BYTE_ENCODINGS.map(({ name }) => name)).toEqual([
    'latin-1',
    'windows-1252',
    'windows-1251',
    'windows-1250',
    'windows-1253',
    'windows-1254',
    'windows-1257',
    'iso-8859-2',
    'macroman',
    'cp437',
  ]);
});

test.each(SINGLE_BYTE_ENCODINGS.map((encoding) => [encoding.name, encoding] as const))(
  '%s: each byte is one character and back',
  (_, encoding) => {
    for (let byte = 0x80; byte < 0x100; byte++) {
      expect(encoding.encode(`a${encoding.decodeUpper(byte)}`)).toBe(`a${String.fromCharCode(byte)}`);
    }
  },
);

test('encode: characters, holes, U+FFFD, and none', () => {
  expect(WINDOWS_1252.encode('€ÿ\x81~')).toBe('\x80\xff\x81~');
  expect(WINDOWS_1252.encode('\ufffd')).toBe('\x1a');
  expect(WINDOWS_1252.encode('\x1a')).toBeUndefined(); // it would come back as U+FFFD
  expect(WINDOWS_1252.encode('\x80')).toBeUndefined();
  expect(WINDOWS_1252.encode('😀')).toBeUndefined();
  const macRoman = SINGLE_BYTE_ENCODINGS.find(({ name }) => name === 'macroman');
  expect(macRoman?.encode('é\x1a€')).toBe('\x8e\x1a\xdb');
  expect(macRoman?.encode('\ufffd')).toBeUndefined();
});
