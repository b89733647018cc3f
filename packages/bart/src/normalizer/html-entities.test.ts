import { expect, test } from '@jest/globals';
import { unescapeHtml, unescapeSureHtml } from './html-entities.js';

// What `html.unescape` of Python 3.11 gives.
test.each([
  ['names', '&lt;&eacute;&NotEqualTilde;', '<é≂̸'],
  ['the longest name that fits', '&notit; &notin; &ampx &amp', '¬it; ∉ &x &'],
  ['no names', '&unknown; & &; &EACUTE;', '&unknown; & &; &EACUTE;'],
  ['numbers', '&#65;&#x41;&#X41&#65x', 'AAAAx'],
  ["numbers of Windows-1252's range", '&#128;&#x81;&#153;', '€\x81™'],
  ['controls and non-characters', 'a&#1;&#127;&#xfdd0;&#x1ffff;b', 'ab'],
  ['impossible numbers', '&#0;&#xd800;&#1114112;&#99999999999999999999;', '\ufffd\ufffd\ufffd\ufffd'],
  ['white space', '&#13;&#9;&Tab;', '\r\t\t'],
])('unescapeHtml: %s', (_, text, plain) => {
  expect(unescapeHtml(text)).toBe(plain);
});

// What `ftfy.fixes.unescape_html` of ftfy 6.3.1 gives.
test.each([
  ['names with ";"', '&lt; &lt &notin; &notit;', '< &lt ∉ &notit;'],
  ['names in capitals', 'P&EACUTE;REZ &NTILDE; &nTILDE; &SZLIG;', 'PÉREZ Ñ &nTILDE; SS'],
  ['capitals that HTML reads otherwise', '&GTDOT; &AMP; &Gt;', '&GTDOT; & ≫'],
  ['longer than 24 letters', '&CounterClockwiseContourIntegral;', '&CounterClockwiseContourIntegral;'],
  ['numbers', '&#65;&#x41;&#12a;&#59;', 'AA&#12a;&#59;'],
  ['a name for ";"', '&semi;', ';'],
])('unescapeSureHtml: %s', (_, text, plain) => {
  expect(unescapeSureHtml(text)).toBe(plain);
});
