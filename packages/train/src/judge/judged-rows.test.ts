import { expect, test } from '@jest/globals';
import { rowsOf } from './judged-rows.js';
import type { ContrastedPrompt } from './judged-set.js';
import { wilsonInterval } from './wilson-interval.js';

const axis = (contrasts: number) => [
  { right: 'x', contrasts: () => Array.from({ length: contrasts }, (_, i) => `${contrasts}.${i}`) },
];
const asked = (split: string, axes: ContrastedPrompt['axes']): ContrastedPrompt => ({
  prompt: 'p',
  split,
  right: 'x',
  axes,
});
const found = (...axes: [string, number[], boolean | null][]) => ({
  kind: 'k',
  split: '',
  prompt: 'p',
  axes: Object.fromEntries(axes.map(([name, right, ceiling]) => [name, { right, ceiling }])),
});

test('a row for each axis of each split, over the prompts that have it; all axes last', () => {
  const prompts = [
    asked('seen', { thing: axis(3), place: axis(1) }),
    asked('held out', { thing: axis(1) }),
    asked('seen', { thing: axis(4) }),
  ];
  const verdicts = [
    found(['thing', [1, 0.5], true], ['place', [0, 1], false], ['all', [0, 0.5], false]),
    found(['thing', [0, 0], null], ['all', [0, 0], null]),
    found(['thing', [0, 1], true], ['all', [0, 1], true]),
  ];
  const rows = rowsOf('k', prompts, verdicts);
  expect(
    rows.map(({ split, axis: name, prompts: count, chance, ceiling, results }) => [
      ...[split, name, count, Number(chance.toFixed(4)), ceiling],
      ...results.map(({ right }) => right),
    ]),
  ).toEqual([
    ['seen', 'thing', 2, 0.225, 1, 0.5, 0.75],
    ['seen', 'place', 1, 0.5, 0, 0, 1],
    ['seen', 'all', 2, 0.2, 0.5, 0, 0.75],
    ['held out', 'thing', 1, 0.5, null, 0, 0],
  ]);
  expect(rows[0]?.results[1]).toEqual({ right: 0.75, ...wilsonInterval(0.75, 2) });
});
