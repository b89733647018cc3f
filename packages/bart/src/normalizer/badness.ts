import { CLASSES } from './mojibake-data.js';
import { SPACE, WORD } from './unicode-14.js';

type ClassName = keyof typeof CLASSES;

/**
 * An expression's class of the characters of some kinds, written with spaces between, and of single
 * ones.
 */
function oneOf(kinds: string, ...others: string[]): string {
  const names = kinds.split(' ').filter((kind) => kind !== '') as ClassName[];
  return `[${names.map((name) => CLASSES[name]).join('')}${others.join('')}]`;
}

const ACCENTED = 'lowerAccented upperAccented';
const SIGNS = 'box startPunctuation endPunctuation currency numeric law';
/** What the second byte of an Arabic letter looks like in Windows-1252. */
const ARABIC_SECOND = oneOf('common currency bad numeric startPunctuation', 'ŸŠ®°µ»');
/** What the second byte of a letter between two capitals of its script looks like. */
const BETWEEN_CAPITALS = 'c1 bad startPunctuation endPunctuation currency';

/**
 * Neighbours that people hardly ever write and mis-decoded UTF-8 is full of: letters beside signs,
 * by kind, and what the common characters of some scripts look like in some encodings. Each begins
 * with a character that is not ASCII; what may stand before it is looked back at.
 */
const UNLIKELY: readonly string[] = [
  oneOf('c1'),

  // Kinds that don't go together, in any encoding.
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
 * Whether `text` has neighbours that are a sign of mis-decoded UTF-8: ftfy's `badness`, above 0.
 * Source: ftfy 6.3.1, https://ftfy.readthedocs.io/en/latest/heuristic.html.
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
