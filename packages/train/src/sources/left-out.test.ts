import { expect, test } from '@jest/globals';
import { countsOf, describeCounts, LeftOutTally, leftOutLines, mergedLeftOut } from './left-out.js';

test('all are counted, the first hundred of a kind named', () => {
  const tally = new LeftOutTally();
  for (let i = 0; i < 130; i++) tally.add('hidden', `${i}`, 'hidden');
  tally.add('archive', 'x.tar', 'an archive');
  const all = tally.all();
  expect(countsOf(all)).toEqual({ hidden: 130, archive: 1 });
  expect(describeCounts(countsOf(all))).toBe('hidden 130, archive 1');
  const lines = leftOutLines(all);
  expect(lines).toHaveLength(102);
  expect(lines.slice(99, 102)).toEqual([
    { file: '99', kind: 'hidden', reason: 'hidden' },
    { file: '', kind: 'hidden', reason: 'More, which are not named.', count: 30 },
    { file: 'x.tar', kind: 'archive', reason: 'an archive' },
  ]);
  const merged = mergedLeftOut([all, all]);
  expect(countsOf(merged)).toEqual({ hidden: 260, archive: 2 });
  expect(merged[1]?.named.map(({ file }) => file)).toEqual(['0:x.tar', '1:x.tar']);
});
