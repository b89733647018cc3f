import type { Raster } from '@easel/core';
import { expect, test } from '@jest/globals';
import { type BoardStream, PreviewBoard } from './preview-board.js';

const grey = (value: number): Raster => ({
  data: new Uint8Array(8 * 8 * 3).fill(value),
  width: 8,
  height: 8,
  channels: 3,
});
const place = (index: number) => ({ prompt: 'a dog', promptIndex: 0, index });

/** A board of so many pictures at a time, and the greys of its pictures as they were shown last. */
function board(atATime: number, stream: BoardStream = { columns: 80, rows: 24 }) {
  let text = '';
  const shown = new PreviewBoard({ protocol: 'blocks', depth: 24 }, atATime, stream, (block) => {
    text = block.text;
  });
  const greys = () =>
    [...(text.split('\n')[0] as string).matchAll(/38;2;(\d+)/g)].map(([, value]) => Number(value));
  return { shown, greys };
}

test('a picture keeps its place; a new one takes that of the one that was finished first', async () => {
  const { shown, greys } = board(2);
  shown.put(place(0), grey(10), false);
  shown.put(place(1), grey(20), false);
  await shown.settled();
  expect(greys()).toEqual([10, 20]);
  shown.put(place(1), grey(21), true);
  shown.put(place(0), grey(11), true);
  await shown.settled();
  expect(greys()).toEqual([11, 21]);
  shown.put(place(2), grey(30), false);
  await shown.settled();
  expect(greys()).toEqual([11, 30]);
  shown.put(place(3), grey(40), false);
  shown.put(place(4), grey(50), false); // no room beside two that are drawn
  await shown.settled();
  expect(greys()).toEqual([40, 30]);
});

test('a terminal that becomes narrower shows fewer, and one that is too small none', async () => {
  const stream = { columns: 80, rows: 24 };
  const { shown, greys } = board(4, stream);
  for (let i = 0; i < 4; i++) shown.put(place(i), grey(10 * i), false);
  await shown.settled();
  expect(greys()).toEqual([0, 10, 20, 30]);
  stream.columns = 20;
  shown.put(place(0), grey(5), false);
  await shown.settled();
  expect(greys()).toEqual([5, 10]);
  stream.columns = 5;
  shown.put(place(0), grey(6), false);
  await shown.settled();
  expect(greys()).toEqual([5, 10]);
});
