import { CLASSES } from './mojibake-data.js';
import { SPACE, WORD } from './unicode-14.js';

type ClassName = keyof typeof CLASSES;

/**
 * Returns a character class for regular expressions, made of some kinds (`kinds`, separated by
 * spaces) and of single characters.
 */
function oneOf(kinds: string, ...others: string[]): string {
  const names = kinds.split(' ').filter((kind) => kind !== '') as ClassName[];
  return `[${names.map((name) => CLASSES[name]).join('')}${others.join('')}]`;
}

const ACCENTED = 'lowerAccented upperAccented';
const SIGNS = 'box startPunctuation endPunctuation currency numeric law';
/** Characters that the second byte of an Arabic letter becomes in Windows-1252. */
const ARABIC_SECOND = oneOf('common currency bad numeric startPunctuation', 'ŸŠ®°µ»');
/**
 * Kinds of the characters that the second byte of a letter becomes where first bytes look like
 * capitals, as in Windows-1251 and Windows-1253.
 */
const BETWEEN_CAPITALS = 'c1 bad startPunctuation endPunctuation currency';

/**
 * Neighbouring characters that people hardly ever write and that are frequent in mis-decoded UTF-8.
 * Some are letters beside signs, by kind; others are the common characters of a script as they look
 * in some encoding. Each pattern begins with a character that is not ASCII; a lookbehind checks
 * what stands before it.
 */
const UNLIKELY: readonly string[] = [
  oneOf('c1'),

  // Kinds that don't go together in any encoding.
  oneOf(`bad ${ACCENTED} ${SIGNS}`) + oneOf('bad'),
  `(?<=[a-zA-Z])${oneOf('lowerCommon upperCommon')}${oneOf('bad')}`,
  oneOf('bad') + oneOf(`${ACCENTED} ${SIGNS}`),
  oneOf('lowerAccented lowerCommon box endPunctuation currency numeric') + oneOf('upperAccented'),
  oneOf('box endPunctuation currency numeric') + oneOf('lowerAccented'),
  oneOf('lowerAccented box endPunctuation') + oneOf('currency'),
  `(?<=${SPACE})${oneOf('upperAccented')}${oneOf('currency')}`,
  oneOf('upperAccented box') + oneOf('numeric law'),
  oneOf(`${ACCENTED} box currency endPunctuation`) + oneOf('startPunctuation') + oneOf('numeric'),
  oneOf(`${ACCENTED} currency numeric box law`) + oneOf('endPunctuation') + oneOf('startPunctuation'),
  oneOf('currency numeric box') + oneOf('startPunctuation'),
  `(?<=[a-z])${oneOf('upperAccented')}${oneOf('startPunctuation currency')}`,
  oneOf('box') + oneOf('kaomoji'),
  oneOf(`${ACCENTED} currency numeric startPunctuation endPunctuation law`) + oneOf('box'),
  oneOf('box') + oneOf('endPunctuation'),
  oneOf(ACCENTED) + oneOf('startPunctuation endPunctuation') + WORD,
  '[Œœ][^A-Za-z]',
  `${oneOf('upperAccented')}°`,

  // Windows-1252: Latin letters and signs, Arabic, the scripts of South Asia, a no-break space
  // turned into a space.
  `[ÂÃÎÐ]${oneOf('startPunctuation endPunctuation', '€œŠš¢£Ÿž\\xa0\\xad®©°·»–—´')}`,
  '×[²³]',
  `[ØÙ]${ARABIC_SECOND}[ØÙ]${ARABIC_SECOND}`,
  'à[²µ¹¼½¾]',
  'Ã[\\xa0¡]',
  `(?<=[a-z]${SPACE}?)[ÃÂ] `,
  '^[ÃÂ] ',
  `(?<=${oneOf('endPunctuation', 'a-z.,?!')})Â${oneOf('startPunctuation endPunctuation', ' ')}`,

  // Mac Roman.
  '√[±∂†≠®™´≤≥¥µø]',
  '≈[°¢]',
  '‚Ä[ìîïòôúùû†°¢π]',
  '‚[âó][àä°ê]',

  // Windows-1251: U+2000 to U+203F, Cyrillic, and Windows-1252 that was mis-decoded before.
  'вЂ',
  `[ВГРС]${oneOf(BETWEEN_CAPITALS, '°µ')}[ВГРС]`,
  'ГўВЂВ[^\\n][A-Za-z ]',

  // Windows-1253: U+2000 to U+203F, Greek.
  'β€[™\\xa0Ά\\xad®°]',
  `[ΒΓΞΟ]${oneOf(BETWEEN_CAPITALS, '°')}[ΒΓΞΟ]`,

  // Windows-1257: U+2000 to U+203F.
  'ā€',
];

const UNLIKELY_FROM = new RegExp(UNLIKELY.join('|'), 'uy');

/**
 * Whether `text` has neighbouring characters that are a sign of mis-decoded UTF-8. It is true where
 * ftfy's `badness` is above 0. Source: ftfy 6.3.1,
 * https://ftfy.readthedocs.io/en/latest/heuristic.html.
 */
export function isBad(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80 || (code >= 0xd800 && code <= 0xdfff)) continue;
    UNLIKELY_FROM.lastIndex = i;
    if (UNLIKELY_FROM.test(text)) return true;
  }
  return false;
}
