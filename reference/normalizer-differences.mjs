// node reference/normalizer-differences.mjs [--show 20] < LINES: how many of the texts that
// normalizer-differences.py prints come out differently from a step of Easel's text normalizer, by
// kind and step, and the first of them. Exit code 1 if there are any.
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { TextNormalizer } from '@easel/bart';

const { values } = parseArgs({ options: { show: { type: 'string', default: '20' } } });
const counts = new Map();
let differing = 0;
let draws = [];
let normalizer;
let steps;

for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
  const { words, versions, kind, text, step, steps: changed, result, draws: drawn } = JSON.parse(line);
  if (words) {
    console.log(JSON.stringify(versions));
    normalizer = new TextNormalizer({ wordFrequencies: words, random: () => draws.shift() });
    steps = new Map(normalizer.steps);
    continue;
  }
  const count = counts.get(kind) ?? { texts: 0, changedByFixText: 0, different: 0, steps: {} };
  counts.set(kind, count);
  count.texts++;
  if (step !== undefined) {
    compare(count, step, text, steps.get(step)(text), result);
    continue;
  }
  if (changed.fix_text !== undefined) count.changedByFixText++;
  draws = [...(drawn ?? [])];
  let given = text;
  for (const [name, apply] of steps) {
    const expected = changed[name] ?? given;
    if (!compare(count, name, given, apply(given), expected)) break;
    given = expected;
  }
  draws = [...(drawn ?? [])];
  compare(count, 'all', text, normalizer.normalize(text), result);
}

for (const [kind, count] of counts) console.log(JSON.stringify({ kind, ...count }));
console.log(JSON.stringify({ differing }));
process.exitCode = differing > 0 ? 1 : 0;

/** Whether a step gives what the original gives; if not it is counted, and the first are shown. */
function compare(count, step, text, ours, original) {
  if (ours === original) return true;
  differing++;
  count.different++;
  count.steps[step] = (count.steps[step] ?? 0) + 1;
  if (differing <= Number(values.show))
    console.log(JSON.stringify({ step, text, codes: codesOf(text), original, ours }));
  return false;
}

function codesOf(text) {
  return Array.from(text, (character) => character.codePointAt(0).toString(16)).join(' ');
}
