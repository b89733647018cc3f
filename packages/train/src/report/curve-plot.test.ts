import { expect, test } from '@jest/globals';
import { curvePlot, escapeHtml, ticks } from './curve-plot.js';

test('ticks are round numbers within the range', () => {
  expect(ticks(0, 10, 5)).toEqual([0, 2, 4, 6, 8, 10]);
  expect(ticks(0.93, 2.1, 4).map((tick) => Number(tick.toPrecision(6)))).toEqual([1, 1.5, 2]);
  expect(ticks(-3, -1, 4)).toEqual([-3, -2.5, -2, -1.5, -1]);
});

test('points by hand: the corners of the plot, a gap at what is no number', () => {
  const svg = curvePlot(
    [
      {
        name: 'a<b',
        points: [
          [0, 1],
          [1, Number.NaN],
          [2, 3],
          [4, 2],
        ],
      },
    ],
    { title: 'loss' },
  );
  // x: 62 to 548 for 0 to 4; y: 230 to 12 for 1 to 3
  expect(svg).toContain('d="M62.0 230.0M305.0 12.0L548.0 121.0"');
  expect(svg).toContain('a&lt;b');
});

test('a logarithmic axis where all is above 0, else a plain one', () => {
  const points = [
    [0, 0.01],
    [1, 1],
    [2, 100],
  ] as const;
  expect(curvePlot([{ name: 'n', points }], { title: 't', logarithmic: true })).toContain('L305.0 121.0'); // 1 is half-way
  const withZero = [...points, [3, 0]] as const;
  expect(curvePlot([{ name: 'n', points: withZero }], { title: 't', logarithmic: true })).not.toContain(
    'logarithmic',
  );
});

test('one point, one value, no points, nothing finite', () => {
  expect(curvePlot([{ name: 'n', points: [[5, 2]] }], { title: 't' })).toContain(
    '<circle cx="305.0" cy="121.0"',
  );
  expect(
    curvePlot(
      [
        {
          name: 'n',
          points: [
            [1, 0],
            [2, 0],
          ],
        },
      ],
      { title: 't' },
    ),
  ).not.toContain('NaN');
  expect(curvePlot([], { title: 't' })).toContain('no finite value');
  expect(curvePlot([{ name: 'n', points: [[1, Number.NaN]] }], { title: 't' })).toContain('no finite value');
});

test('a million points stay a small picture, and no peak is lost', () => {
  const points = Array.from({ length: 1_000_000 }, (_, x) => [x, x === 654_321 ? 100 : Math.sin(x)] as const);
  const svg = curvePlot([{ name: 'n', points }], { title: 't' });
  expect(svg.length).toBeLessThan(30_000);
  expect(svg).toContain(' 12.0'); // the top of the plot
});

test('escapeHtml', () => {
  expect(escapeHtml('<a href="x">&</a>')).toBe('&lt;a href=&quot;x&quot;&gt;&amp;&lt;/a&gt;');
});
