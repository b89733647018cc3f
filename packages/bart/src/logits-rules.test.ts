import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  argmax,
  forcedToken,
  type LogitsRule,
  minLength,
  onlyIdsBelow,
  temperature,
  topK,
  topP,
} from './logits-rules.js';

type Score = number | 'inf' | '-inf';
interface Case {
  input: string;
  op: string;
  value: number;
  cur_len?: number;
  max_length?: number;
  eos?: number;
  scores: Score[][];
  result: Score[][] & number[];
}

const cases = JSON.parse(
  readFileSync(new URL('../../../reference/golden/generation/warpers.json', import.meta.url), 'utf8'),
) as Case[];
const row = (scores: Score[]): Float32Array =>
  Float32Array.from(scores, (s) => (s === 'inf' ? Infinity : s === '-inf' ? -Infinity : s));

const RULES: Record<string, (c: Case) => LogitsRule> = {
  top_k: (c) => topK(c.value),
  top_p: (c) => topP(c.value),
  temperature: (c) => temperature(c.value),
  min_length: (c) => minLength(c.value, c.eos as number),
  forced_bos: (c) => forcedToken(c.value, 1),
  forced_eos: (c) => forcedToken(c.value, (c.max_length as number) - 1),
};

describe("the original's processors and warpers", () => {
  test.each(Object.keys(RULES))('%s', (op) => {
    const ofOp = cases.filter((c) => c.op === op);
    expect(ofOp.length).toBeGreaterThan(0);
    for (const c of ofOp) {
      const rule = (RULES[op] as (c: Case) => LogitsRule)(c);
      for (const [i, scores] of c.scores.entries()) {
        const given = row(scores);
        const got = rule(given, c.cur_len ?? 1);
        expect(given).toEqual(row(scores)); // left as it was
        const expected = row(c.result[i] as Score[]);
        // XLA divides by multiplying with a reciprocal in places: one unit in the last place.
        if (op === 'temperature') expectWithinUlp(got, expected);
        else expect([c.input, c.value, [...got]]).toEqual([c.input, c.value, [...expected]]);
      }
    }
  });

  test('argmax and the order of top-k', () => {
    for (const c of cases) {
      if (c.op === 'argmax') expect(c.scores.map((s) => argmax(row(s)))).toEqual(c.result);
      if (c.op !== 'top_k_indices') continue;
      for (const [i, scores] of c.scores.entries()) {
        const kept = [...topK(c.value)(row(scores), 1)].flatMap((s, id) => (s === -Infinity ? [] : [id]));
        const finite = (c.result[i] as unknown as number[]).filter((id) => row(scores)[id] !== -Infinity);
        expect(kept).toEqual([...finite].sort((a, b) => a - b));
      }
    }
  });
});

describe('by hand', () => {
  const logits = Float32Array.of(2, 1, 0.5, -1, 3, 0);
  const keptBy = (rule: LogitsRule): number[] => [...rule(logits, 1)].filter((s) => s > -Infinity);

  test('top-k 3 keeps 2, 1, 3; top-p 0.8 keeps 2 and 3; top-p 0 keeps 3', () => {
    expect(keptBy(topK(3))).toEqual([2, 1, 3]);
    expect(keptBy(topP(0.8))).toEqual([2, 3]); // softmax: 0.60, 0.22, …
    expect(keptBy(topP(0))).toEqual([3]);
  });

  test('what keeps all gives the row itself', () => {
    for (const rule of [topK(0), topK(6), topK(99), onlyIdsBelow(6), onlyIdsBelow(Infinity)])
      expect(rule(logits, 1)).toBe(logits);
    expect(topP(2)(logits, 1)).toEqual(logits);
  });

  test('ids from 2 on ruled out', () => expect(keptBy(onlyIdsBelow(2))).toEqual([2, 1]));
});

function expectWithinUlp(got: Float32Array, expected: Float32Array): void {
  for (const [i, value] of expected.entries()) {
    const slack = Number.isFinite(value) ? Math.abs(value) * 2 ** -23 : 0;
    const same = got[i] === value || Math.abs((got[i] as number) - value) <= slack;
    expect([i, value, same]).toEqual([i, value, true]);
  }
}
