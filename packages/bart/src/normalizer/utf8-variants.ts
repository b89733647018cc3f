/**
 * Decodes UTF-8 and two forms that other programs write: CESU-8, where a character beyond U+FFFF is
 * two surrogates of three bytes each, and Java's NUL, C0 80. `bytes` holds the bytes as the
 * characters U+0000 to U+00FF of a string. Returns undefined for bytes of any other form.
 *
 * ftfy 6.3.1's decoder `utf-8-variants` finds these forms by regular expressions. Their `$` also
 * matches before a last line end, which is then taken for the last byte: C0 0A at the end is NUL,
 * and the line end is lost. This decoder does the same.
 */
export function decodeUtf8Variants(bytes: string): string | undefined {
  const length = bytes.length;
  let text = '';
  let i = 0;
  /** Returns the six low bits of the byte at `at` if it lies between `low` and `high`, else -1. */
  const continuation = (at: number, low = 0x80, high = 0xbf): number => {
    const byte = at < length ? bytes.charCodeAt(at) : 0;
    return byte >= low && byte <= high ? byte & 0x3f : -1;
  };
  /** Does what `continuation` does, but accepts the last line end as a continuation byte. */
  const lastContinuation = (at: number): number =>
    at === length - 1 && bytes.charCodeAt(at) === 0x0a ? 0x0a : continuation(at);

  while (i < length) {
    const lead = bytes.charCodeAt(i);
    if (lead < 0x80) {
      text += bytes.charAt(i);
      i++;
    } else if (lead === 0xc0) {
      const next = bytes.charAt(i + 1);
      if (next !== '\x80' && !(next === '\n' && i + 2 === length)) return undefined;
      text += '\0';
      i += 2;
    } else if (lead >= 0xc2 && lead <= 0xdf) {
      const a = continuation(i + 1);
      if (a < 0) return undefined;
      text += String.fromCharCode(((lead & 0x1f) << 6) | a);
      i += 2;
    } else if (lead === 0xed && continuation(i + 1, 0xa0) >= 0) {
      const a = continuation(i + 1, 0xa0, 0xaf);
      const b = continuation(i + 2);
      const second = i + 3 < length && bytes.charCodeAt(i + 3) === 0xed;
      const c = continuation(i + 4, 0xb0);
      const d = lastContinuation(i + 5);
      if (a < 0 || b < 0 || !second || c < 0 || d < 0) return undefined;
      text += String.fromCodePoint(0x10000 + ((a & 0x0f) << 16) + (b << 10) + ((c & 0x0f) << 6) + d);
      i += 6;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      const a = continuation(i + 1, lead === 0xe0 ? 0xa0 : 0x80);
      const b = continuation(i + 2);
      if (a < 0 || b < 0) return undefined;
      text += String.fromCharCode(((lead & 0x0f) << 12) | (a << 6) | b);
      i += 3;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      const a = continuation(i + 1, lead === 0xf0 ? 0x90 : 0x80, lead === 0xf4 ? 0x8f : 0xbf);
      const b = continuation(i + 2);
      const c = continuation(i + 3);
      if (a < 0 || b < 0 || c < 0) return undefined;
      text += String.fromCodePoint(((lead & 0x07) << 18) | (a << 12) | (b << 6) | c);
      i += 4;
    } else return undefined;
  }
  return text;
}
