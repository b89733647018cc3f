import { describe, expect, test } from '@jest/globals';
import { type LogitsRule, onlyIdsBelow, topK, topP } from './logits-rules.js';

// The original's own numbers: packages/conformance, kind `generation`.

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
