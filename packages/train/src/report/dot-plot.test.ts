import { expect, test } from '@jest/globals';
import { dotPlot } from './dot-plot.js';

test('by hand: dots and the bar of their mean', () => {
  const svg = dotPlot([{ name: 'a', values: [0, 100] }], { title: 'T', xLabel: 'x' });
  // The left edge 20 + 6.8 · 1 letter = 26.8 is −4, the right edge 546 is 104: 0 is at 46.03, 50 at
  // 286.4, 100 at 526.77.
  expect(svg).toContain('<circle cx="46.0" cy="39"');
  expect(svg).toContain('<circle cx="526.8" cy="39"');
  expect(svg).toContain('x1="286.4" x2="286.4" y1="33" y2="45"');
});

test('a row without a number keeps its name; names are escaped and cut', () => {
  const rows = [
    { name: '<b>', values: [Number.NaN] },
    { name: 'n'.repeat(60), values: [1] },
  ];
  const svg = dotPlot(rows, { title: 'T', xLabel: 'x' });
  expect(svg).toContain('&lt;b&gt;');
  expect(svg).toContain(`${'n'.repeat(43)}…<`);
  expect(svg.match(/<circle/g)).toHaveLength(1);
  expect(svg).not.toContain('NaN');
  expect(dotPlot([], { title: 'T', xLabel: 'x' })).toContain('no finite value');
});
