import { expect, test } from '@jest/globals';
import { curvePlot, escapeHtml, logarithmicTicks, plotFile, ticks } from './curve-plot.js';

test('ticks are round numbers within the range', () => {
  expect(ticks(0, 10, 5)).toEqual([0, 2, 4, 6, 8, 10]);
  expect(ticks(0.93, 2.1, 4).map((tick) => Number(tick.toPrecision(6)))).toEqual([1, 1.5, 2]);
  expect(ticks(-3, -1, 4)).toEqual([-3, -2.5, -2, -1.5, -1]);
});

test.each([
  ['decades', 1e-3, 20, [1e-3, 1e-2, 1e-1, 1, 10]],
  ['one decade', 2, 30, [2, 5, 10, 20]],
  ['less', 0.35, 0.61, [0.4, 0.5, 0.6]],
  ['many decades', 1e-9, 1e3, [1e-8, 1e-6, 1e-4, 1e-2, 1, 100]],
])('on a logarithmic axis they are round numbers too: %s', (_, from, to, expected) => {
  const found = logarithmicTicks(Math.log10(from), Math.log10(to), 5);
  expect(found.map((tick) => Number(tick.toPrecision(6)))).toEqual(expected);
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

test('a file of its own: dots by hand on logarithmic axes, labels, one legend entry a name', () => {
  const points = [
    [0.01, 1],
    [1, 100],
  ] as const;
  const svg = plotFile(
    [
      { name: 'a', points, marks: 'dots', labels: ['first', 'last'] },
      { name: 'a', points, colour: 0 },
      { name: 'b', points: [[0.1, 10]], marks: 'dots' },
    ],
    { title: 't & u', logarithmic: true, logarithmicX: true },
  );
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  expect(svg).toContain('t &amp; u (logarithmic)');
  // There is 4 % of room at both ends: x 62 to 548 for −2.08 to 0.08 in powers of ten, y 230 to 12
  // for −0.08 to 2.08.
  expect(svg).toContain('<circle cx="80.0" cy="221.9"');
  expect(svg).toContain('<circle cx="305.0" cy="121.0"');
  expect(svg).toContain('<circle cx="530.0" cy="20.1"');
  expect(svg).toContain('>first<');
  expect(svg.match(/<rect x=/g)).toHaveLength(2); // entries of a and b
  for (const tick of ['0.01', '0.1', '1']) expect(svg).toContain(`>${tick}</text>`);
});

test('values outside of the y range are cut off', () => {
  const line = {
    name: 'n',
    points: [
      [0, 5],
      [1, 0.5],
      [2, 0],
      [3, 1],
    ],
  } as const;
  expect(curvePlot([line], { title: 't', yRange: [0, 1] })).toContain(
    'd="M224.0 121.0L386.0 230.0L548.0 12.0"',
  );
});
