import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, DataError } from '@easel/core';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { openJudgedPrompts } from './judged-prompts.js';

let root: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'easel-judged-'));
  for (const background of ['red', 'blue', 'lime'])
    await sharp({ create: { width: 80, height: 70, channels: 3, background } })
      .png()
      .toFile(join(root, `${background}.png`));
  const row = (prompt: string, colour: string) => ({ prompt, file: `${colour}.png`, concept: colour });
  const lists = {
    plain: [row('a red field', 'red'), row('a blue field', 'blue')],
    fresh: [row('the sky', 'blue'), row('a lawn', 'lime'), row('a rose', 'red')],
  };
  writeFileSync(join(root, 'prompts.json'), JSON.stringify(lists));
  writeFileSync(join(root, 'other.json'), JSON.stringify({ mine: [row('a rose', 'red')] }));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('the first list unless one is named; the pictures of all lists, each once', async () => {
  const { name, prompts, gallery } = await openJudgedPrompts(root, { list: null, count: 1 });
  expect([name, prompts]).toEqual(['plain', [{ prompt: 'a red field', file: 'red.png', concept: 'red' }]]);
  expect([...gallery.keys()]).toEqual(['red.png', 'blue.png', 'lime.png']);
  expect(gallery.get('blue.png')?.concept).toBe('blue');
  expect([...(gallery.get('blue.png')?.features.slice(0, 3) ?? [])]).toEqual([0, 0, 1]);
});

test('a list by its name, from a file of another name', async () => {
  const fresh = await openJudgedPrompts(root, { list: 'fresh', count: 3 });
  expect(fresh.prompts.map(({ prompt }) => prompt)).toEqual(['the sky', 'a lawn', 'a rose']);
  const { name } = await openJudgedPrompts(join(root, 'other.json'), { list: null, count: 1 });
  expect(name).toBe('mine');
});

test('what is refused', async () => {
  const short = openJudgedPrompts(root, { list: null, count: 3 });
  await expect(short).rejects.toThrow(DataError);
  await expect(short).rejects.toThrow(/prompts\.json: expected 3 prompts in "plain", it has 2\./);
  await expect(openJudgedPrompts(root, { list: 'frsh', count: 1 })).rejects.toThrow(
    /expected a list "frsh" of judged prompts\. Did you mean "fresh"\? It has "plain", "fresh"\./,
  );
  writeFileSync(join(root, 'bad.json'), JSON.stringify({ plain: [{ prompt: 'x', concept: 'y' }] }));
  const bad = openJudgedPrompts(join(root, 'bad.json'), { list: null, count: 1 });
  await expect(bad).rejects.toThrow(ConfigError);
  await expect(bad).rejects.toThrow(/bad\.json: plain\[0\]\.file: expected a text, it is missing/);
  await expect(openJudgedPrompts(join(root, 'none'), { list: null, count: 1 })).rejects.toThrow(/none/);
});
