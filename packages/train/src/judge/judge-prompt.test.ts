import { DataError } from '@easel/core';
import { expect, test } from '@jest/globals';
import { chancesOf, judgePrompt } from './judge-prompt.js';
import type { ContrastedPrompt, JudgedSet } from './judged-set.js';
import { Renderings } from './renderings.js';
import { ShiftedDrawing } from './shifted-drawing.js';

const SIDE = 16;
const COLOURS: Readonly<Record<string, number>> = { r: 0xff0000, g: 0x00ff00, b: 0x0000ff, s: 0xff0001 };

/** A name has two letters: the colours of the left and the right half. */
function halves(name: string, size = SIDE): Uint8Array {
  return Uint8Array.from({ length: size * size * 3 }, (_, i) => {
    const letter = name[Math.floor(i / 3) % size < size / 2 ? 0 : 1] as string;
    return ((COLOURS[letter] as number) >> (16 - 8 * (i % 3))) & 255;
  });
}

const rendered: string[] = [];
const set: JudgedSet = {
  kinds: ['halves'],
  prompts: () => [],
  render: (name, size) => {
    rendered.push(name);
    return halves(name, size);
  },
};

const drawn = (...names: string[]) => names.map((name) => new ShiftedDrawing(halves(name), SIDE));

const fixed = (right: string, contrasts: readonly string[]) => ({ right, contrasts: () => contrasts });

const prompt: ContrastedPrompt = {
  prompt: 'red left of green',
  split: 'seen',
  right: 'rg',
  axes: {
    // Both are there in either order.
    red: [fixed('rg', ['gg', 'bg']), fixed('gr', ['gg', 'gb'])],
    order: [fixed('rg', ['gr'])],
  },
};

test('right on an axis: nearer to the right rendering than to every contrast; of several that are right, to the nearest', async () => {
  const verdicts = await judgePrompt(prompt, drawn('rg', 'gr', 'bg', 'gg'), new Renderings(set, SIDE));
  expect(verdicts).toEqual({
    red: [true, true, false, false],
    order: [true, false, true, true],
    all: [true, false, false, false],
  });
});

test('a rendering is made once; no contrasts are made once all drawings are wrong', async () => {
  rendered.length = 0;
  const wrong = { ...prompt, axes: { red: [fixed('rg', ['bg', 'gg', 'bb'])] } };
  const renderings = new Renderings(set, SIDE);
  expect((await judgePrompt(wrong, drawn('bg'), renderings)).red).toEqual([false]);
  await judgePrompt(wrong, drawn('bg'), renderings);
  expect(rendered).toEqual(['rg', 'bg']);
});

test('a contrast that looks the same is none; a tie is right', async () => {
  const same = { ...prompt, axes: { red: [fixed('rg', ['sg'])], tie: [fixed('rr', ['bb'])] } };
  // s is red with one of 255 parts of blue; green is as far from red as from blue.
  expect(await judgePrompt(same, drawn('sg', 'gg'), new Renderings(set, SIDE))).toMatchObject({
    red: [true, true],
    tie: [true, true],
  });
});

test('chances: one of what is compared on an axis, and of all together', () => {
  expect(chancesOf(prompt)).toEqual({ red: 1 / 3, order: 1 / 2, all: 1 / 4 });
});

test('a rendering of another size is refused by its name', async () => {
  const small = { ...set, render: () => new Uint8Array(48) };
  const judged = judgePrompt(prompt, drawn('rg'), new Renderings(small, SIDE));
  await expect(judged).rejects.toThrow(DataError);
  await expect(judged).rejects.toThrow(
    /the rendering rg to be a Uint8Array of 768 bytes, RGB of 16 × 16 pixels, got 48 bytes/,
  );
});
