import { readFileSync } from 'node:fs';
import { TextNormalizer } from '@easel/bart';
import { HashtagSplitter, parseWordFrequencies } from '@easel/bart/internals';
import type { Checks } from '../checks.js';
import { golden, readJson } from '../golden.js';
import type { Case, GoldenFolder, Kind } from '../kind.js';

interface NormalizedText {
  /** The rule that the text tests. */
  readonly group: string;
  readonly text: string;
  readonly result?: string;
  /** Text after each step that changed it. */
  readonly steps?: Readonly<Record<string, string>>;
  /**
   * Results by seed, for texts in which `<person>` is drawn. `draws` has the numbers that were
   * drawn.
   */
  readonly by_seed?: Readonly<Record<string, string>>;
  readonly draws?: Readonly<Record<string, readonly number[]>>;
}

const WORDS = 'enwiki-words-frequency.txt';

/** Compares the text normalizer, step by step, and its splitting of hashtags. */
export const kind: Kind = {
  cases(folder: GoldenFolder): Case[] {
    const path = folder.has(WORDS) ? folder.file(WORDS) : golden(`normalizer/${WORDS}`);
    const words = (): readonly string[] => parseWordFrequencies(readFileSync(path, 'utf8'));
    const cases: Case[] = [];
    if (folder.has('cases.json')) {
      const { cases: texts } = readJson<{ cases: NormalizedText[] }>(folder.file('cases.json'));
      cases.push(...casesByGroup('', texts, words));
    }
    if (folder.has('generated.json')) {
      const { words: ownWords, cases: texts } = readJson<{ words: string[]; cases: NormalizedText[] }>(
        folder.file('generated.json'),
      );
      cases.push(...casesByGroup('generated: ', texts, () => ownWords));
    }
    if (folder.has('hashtags.json')) {
      cases.push({
        name: 'hashtags',
        run(checks) {
          const splitter = new HashtagSplitter(words());
          for (const { text, result } of readJson<{ text: string; result: string }[]>(
            folder.file('hashtags.json'),
          )) {
            checks.equal('text', JSON.stringify(text), splitter.split(text), result);
          }
        },
      });
    }
    return cases;
  },
  besides: /^enwiki-words-frequency\.txt$/,
};

function casesByGroup(
  prefix: string,
  texts: readonly NormalizedText[],
  words: () => readonly string[],
): Case[] {
  return [...new Set(texts.map(({ group }) => group))].map((group) => ({
    name: `${prefix}${group}`,
    run(checks) {
      const wordFrequencies = words();
      for (const each of texts) if (each.group === group) checkText(checks, wordFrequencies, each);
    },
  }));
}

function checkText(checks: Checks, wordFrequencies: readonly string[], each: NormalizedText): void {
  const name = JSON.stringify(each.text);
  if (each.result !== undefined) {
    const normalizer = new TextNormalizer({ wordFrequencies });
    let text = each.text;
    let expected = each.text;
    for (const [step, apply] of normalizer.steps) {
      text = apply(text);
      expected = each.steps?.[step] ?? expected; // a step that is not listed changed nothing
      checks.equal('steps', `${step} of ${name}`, text, expected);
    }
    checks.equal('text', name, normalizer.normalize(each.text), each.result);
  }
  for (const [seed, result] of Object.entries(each.by_seed ?? {})) {
    const draws = [...(each.draws?.[seed] ?? [])];
    const normalizer = new TextNormalizer({ wordFrequencies, random: () => draws.shift() as number });
    checks.equal('text', `${name}, seed ${seed}`, normalizer.normalize(each.text), result);
  }
}
