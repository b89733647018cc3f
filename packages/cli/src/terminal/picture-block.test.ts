import { inflateSync } from 'node:zlib';
import type { Raster } from '@easel/core';
import { expect, test } from '@jest/globals';
import { blockLayout, pictureBlock } from './picture-block.js';

/** Noise, which no compression makes much smaller. */
const noise: Raster = { data: new Uint8Array(64 * 64 * 3), width: 64, height: 64, channels: 3 };
for (let i = 0, state = 1; i < noise.data.length; i++) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  noise.data[i] = state >>> 24;
}
const layout = { pictures: 2, columns: 10 };

test.each<[number, number, number, ReturnType<typeof blockLayout>]>([
  [1, 80, 24, { pictures: 1, columns: 32 }],
  [3, 80, 40, { pictures: 3, columns: 24 }],
  [8, 80, 40, { pictures: 8, columns: 8 }],
  [20, 80, 40, { pictures: 8, columns: 8 }],
  [1, 80, 12, { pictures: 1, columns: 16 }],
  [4, 9, 40, { pictures: 1, columns: 8 }],
  [4, 8, 40, undefined],
  [1, 80, 7, undefined],
])('%i pictures on %i columns and %i lines', (pictures, columns, rows, expected) => {
  const found = blockLayout(pictures, { columns, rows });
  expect(found).toEqual(expected);
  if (found) expect(found.pictures * (found.columns + 2) - 2).toBeLessThan(columns);
});

test('blocks: lines of both pictures, each cleared behind them', async () => {
  const { lines, text, removal } = await pictureBlock(
    [noise, noise],
    layout,
    { protocol: 'blocks', depth: 24 },
    1,
  );
  expect([lines, removal]).toEqual([5, '']);
  const rows = text.split('\n');
  expect(rows.pop()).toBe('');
  expect(rows).toHaveLength(5);
  for (const row of rows) expect(row).toMatch(/^(\S+▀){10}\S+ {2}(\S+▀){10}\S+\[K$/s);
});

test('kitty: pixels in parts of 4096, with numbers of their own, and taken away by them', async () => {
  const { lines, text, removal } = await pictureBlock([noise, noise], layout, { protocol: 'kitty' }, 70);
  expect(lines).toBe(5);
  expect(removal).toBe('\x1b_Ga=d,d=I,i=70,q=2\x1b\\\x1b_Ga=d,d=I,i=71,q=2\x1b\\');
  const parts = text
    .split('\x1b_G')
    .slice(1)
    .map((part) => (part.split('\x1b\\')[0] as string).split(';'));
  const of70 = parts.slice(0, parts.length / 2);
  expect(of70.length).toBeGreaterThan(2);
  expect(of70[0]?.[0]).toBe('a=T,f=24,o=z,s=64,v=64,c=10,r=5,i=70,p=1,C=1,q=2,m=1');
  expect(of70.slice(1).map(([keys]) => keys)).toEqual([...Array(of70.length - 2).fill('m=1'), 'm=0']);
  expect(Math.max(...of70.map(([, data]) => (data as string).length))).toBe(4096);
  expect(new Uint8Array(inflateSync(Buffer.from(of70.map(([, data]) => data).join(''), 'base64')))).toEqual(
    noise.data,
  );
});

test('iTerm2 and sixels: lines are made, and pictures placed from the first on', async () => {
  const iterm = await pictureBlock([noise, noise], layout, { protocol: 'iterm2' }, 1);
  expect(iterm.text).toMatch(
    /^\n{5}\S\[5A\S7\S\[1G\S\]1337;File=inline=1;size=\d+;width=10;height=5;preserveAspectRatio=0:iVBOR[^:]+\S8\S7\S\[13G[^[]+\S8\S\[5B$/,
  );
  const cell = { width: 3, height: 7 };
  const { text } = await pictureBlock([noise], layout, { protocol: 'sixel', cell }, 1);
  expect(text).toContain('\x1bPq"1;1;30;35#');
});
