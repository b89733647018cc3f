import { type Family, oneKernel } from './pointwise.js';

/** Patterns of RE2, and how many groups they have. */
const PATTERNS = [
  ['a', 0],
  ['[ab]+', 0],
  ['a*', 0],
  ['b*?', 0],
  ['^a|c$', 0],
  ['(a)(b)', 2],
  ['(?:a|b)(.)', 1],
  ['.', 0],
  ['é?語', 0],
  ['[^a]', 0],
  ['\\s+', 0],
  ['\\d', 0],
  ['(a)|(b)', 2],
  ['', 0],
  ['(?i)A', 0],
  ['\\pL+', 0],
  ['[[:alpha:]]+|[[:space:]]', 0],
  ['(?P<first>a)b?', 1],
  ['\\Ab|a\\z', 0],
  ['[!"#$%&()\\*\\+,-\\./:;<=>?@\\[\\\\\\]^_`{|}~\\\']', 0],
  ['[]a]', 0],
  ['\\x{e9}|\\,', 0],
  ['(?:a|b){2}', 0],
  ['\\bb', 0],
  ['\\Qa \\E|(?:c)b', 0],
] as const;

/** Strings cut, joined, hashed and rewritten. */
export const strings: Family = (chance) => {
  switch (chance.int(0, 3)) {
    case 0: {
      const input = chance.texts([chance.int(0, 4)], 12);
      const delimiter = chance.pick(['', ' ', ',', ', ', 'ab', 'é', ' ,b']);
      return oneKernel(
        'StringSplit',
        { input, delimiter: { shape: [], dtype: 'string', values: [delimiter] } },
        { skipEmpty: chance.yes() },
      );
    }
    case 1: {
      const splits = [0];
      for (let i = chance.int(1, 4); i > 0; i--) splits.push((splits.at(-1) as number) + chance.int(0, 4));
      const damage = chance.yes(0.1) ? chance.int(-1, 1) : 0;
      const dataSplits = {
        shape: [splits.length],
        dtype: 'int32' as const,
        values: splits.map((at, i) => at + (i === splits.length - 1 ? damage : 0)),
      };
      const nGramWidths = Array.from({ length: chance.int(1, 3) }, () => chance.int(1, 4));
      return oneKernel(
        'StringNGrams',
        { data: chance.texts([splits.at(-1) as number], 3), dataSplits },
        {
          separator: chance.pick(['', '|', ' ', '語']),
          nGramWidths,
          leftPad: chance.pick(['', 'L', 'é']),
          rightPad: chance.pick(['', 'R', 'RR']),
          padWidth: chance.int(-1, 3),
          preserveShortSequences: chance.yes(),
        },
      );
    }
    case 2: {
      const input = chance.texts(chance.shape(chance.int(0, 3)), chance.pick([3, 8, 20, 40, 90]));
      return oneKernel(
        'StringToHashBucketFast',
        { input },
        { numBuckets: chance.pick([1, 2, 10, 1000, 2 ** 31 - 1]) },
      );
    }
    default: {
      const [pattern, groups] = chance.pick(PATTERNS);
      const rewrite = chance.pick(['', 'X', 'é', '$1', '$&', '\\0', '<\\0>', '\\\\', '\\1', '\\2\\1', '\\9']);
      const known = groups === 0 && chance.yes(0.8) ? rewrite.replace(/\\[1-9]/g, '-') : rewrite;
      return oneKernel(
        'StaticRegexReplace',
        { x: chance.texts(chance.shape(chance.int(0, 2))) },
        { pattern, rewrite: known, replaceGlobal: chance.yes() },
      );
    }
  }
};
