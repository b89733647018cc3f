/** What POSIX calls its classes, as the inside of a class. */
const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: '\\t ',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/** White space of RE2's `\s`, which is ASCII's without the vertical tab. */
const SPACE = '\\t\\n\\f\\r ';

/** Escapes in front of letters and digits that mean the same in both, followed by what belongs to them. */
const SAME = /^\\(?:[dDwWbBnrtfv]|x[0-9A-Fa-f]{2}|[pP]\{[^}]*\})/;

/**
 * Turns a regular expression of RE2's syntax, which TensorFlow's operations take, into JavaScript's.
 * `.` is any character but a line feed, `\s` is ASCII's white space, a character is a code point,
 * and an escaped sign is that sign. Named groups, `\A`, `\z`, `\Q…\E`, `\pL`, POSIX classes and flags
 * at the beginning are known; what else RE2 has and JavaScript lacks is refused.
 *
 * Throws Error that names the pattern.
 */
export function re2(pattern: string): RegExp {
  let flags = 'gu';
  let rest = pattern;
  const given = /^\(\?([ims]+)\)/.exec(rest);
  if (given !== null) {
    flags += [...(given[1] as string)].join('');
    rest = rest.slice(given[0].length);
  }
  let out = '';
  let isInClass = false;
  const take = (length: number, as = rest.slice(0, length)): void => {
    out += as;
    rest = rest.slice(length);
  };
  while (rest !== '') {
    const same = SAME.exec(rest);
    const posix = isInClass ? /^\[:(\^?)(\w+):\]/.exec(rest) : null;
    const point = /^\\x(\{[0-9A-Fa-f]+\})/.exec(rest);
    const inside = posix === null ? undefined : POSIX[posix[2] as string];
    if (posix !== null && inside !== undefined && posix[1] === '') take(posix[0].length, inside);
    else if (same !== null) take(same[0].length);
    else if (rest.startsWith('\\s')) take(2, isInClass ? SPACE : `[${SPACE}]`);
    else if (rest.startsWith('\\S') && !isInClass) take(2, `[^${SPACE}]`);
    else if (/^\\[pP][A-Z]/.test(rest)) take(3, `\\${rest[1]}{${rest[2]}}`);
    else if (point !== null) take(point[0].length, `\\u${point[1]}`);
    else if (rest.startsWith('\\A')) take(2, '(?<![^])');
    else if (rest.startsWith('\\z')) take(2, '(?![^])');
    else if (rest.startsWith('\\Q')) {
      const end = rest.indexOf('\\E');
      const literal = rest.slice(2, end < 0 ? undefined : end);
      take(end < 0 ? rest.length : end + 2, literal.replace(/[\\^$.*+?()[\]{}|/-]/g, signOf));
    } else if (/^\\[a-zA-Z0-9]/.test(rest)) take(2);
    else if (rest.startsWith('\\') && rest.length > 1) {
      const sign = String.fromCodePoint(rest.codePointAt(1) as number);
      take(1 + sign.length, signOf(sign));
    } else if (isInClass) {
      if (rest.startsWith(']')) isInClass = false;
      take(1, rest.startsWith('[') ? '\\[' : undefined);
    } else if (rest.startsWith('[')) {
      // A bracket that comes first in a class is a member of it.
      const opening = /^\[\^?\]?/.exec(rest) as RegExpExecArray;
      isInClass = true;
      take(opening[0].length, opening[0].replace(']', '\\]'));
    } else if (rest.startsWith('(?P<')) take(4, '(?<');
    else if (rest.startsWith('.') && !flags.includes('s')) take(1, '[^\\n]');
    else if (/^[{}\]]/.test(rest) && !/^\{\d+(,\d*)?\}/.test(rest)) take(1, `\\${rest[0]}`);
    else if (/^\{\d+(,\d*)?\}/.test(rest)) take((/^\{[^}]*\}/.exec(rest) as RegExpExecArray)[0].length);
    else take(1);
  }
  try {
    return new RegExp(out, flags);
  } catch (error) {
    throw new Error(
      `StaticRegexReplace: the pattern ${JSON.stringify(pattern)} can't be read (${(error as Error).message}).`,
    );
  }
}

/** A sign as JavaScript wants it escaped: only those of its own syntax may be. */
function signOf(sign: string): string {
  return /[\\^$.*+?()[\]{}|/-]/.test(sign) && sign !== '-' ? `\\${sign}` : sign === '-' ? '\\x2d' : sign;
}

/** Text between groups of a rewrite, and numbers of groups. */
type Rewrite = readonly (string | number)[];

/** Reads a rewrite of RE2: `\0` is the match, `\1` to `\9` are its groups, `\\` is a backslash. */
export function parseRewrite(rewrite: string): Rewrite {
  const parts = rewrite.match(/\\.?|[^\\]+/gsu) ?? [];
  return parts.map((part) => {
    if (!part.startsWith('\\')) return part;
    if (part === '\\\\') return '\\';
    if (/^\\\d$/.test(part)) return Number(part[1]);
    throw new Error(
      `StaticRegexReplace: expected \\0 to \\9 or \\\\ in the rewrite ${JSON.stringify(rewrite)}, found ${JSON.stringify(part)}.`,
    );
  });
}

/**
 * Replaces the first match or all. An empty match at the end of the match before it does not count,
 * and where the rewrite names a group that the pattern lacks nothing is replaced, both as RE2 does.
 */
export function replaceMatches(text: string, pattern: RegExp, rewrite: Rewrite, all: boolean): string {
  let [out, at, lastEnd] = ['', 0, -1];
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    if (rewrite.some((part) => typeof part === 'number' && part >= (match as RegExpExecArray).length))
      return text;
    const end = match.index + match[0].length;
    if (match[0] !== '' || match.index !== lastEnd) {
      const made = rewrite.map((part) => (typeof part === 'number' ? (match?.[part] ?? '') : part));
      out += text.slice(at, match.index) + made.join('');
      at = end;
      lastEnd = end;
      if (!all) break;
    }
    if (match[0] === '') pattern.lastIndex += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  }
  return out + text.slice(at);
}
