import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, DataError } from '@easel/core';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openJudgedSet } from './open-judged-set.js';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'easel-judged-set-'));
  const write = (name: string, returned: string) =>
    writeFileSync(
      join(root, name),
      `export const options = { words: { default: 3, about: 'number of words' } };
       export const open = ({ words }) => (${returned});`,
    );
  write('whole.mjs', '{ kinds: ["plain"], prompts: () => [], render: () => new Uint8Array(words) }');
  write('half.mjs', '{ kinds: [] }');
  write('pictures.mjs', '{ length: 0, digest: "", picture() {} }');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('a judged set, with a setting; a module that makes pictures is none', async () => {
  const set = await openJudgedSet(`${join(root, 'whole.mjs')}?words=5`);
  expect([set?.kinds, await set?.render('red', 16)]).toEqual([['plain'], new Uint8Array(5)]);
  expect(await openJudgedSet(join(root, 'pictures.mjs'))).toBeNull();
});

test('a module that gives something else, and a setting that it does not have', async () => {
  const half = openJudgedSet(join(root, 'half.mjs'));
  await expect(half).rejects.toThrow(DataError);
  await expect(half).rejects.toThrow(
    /half\.mjs: expected `open` to return { kinds, prompts, render }, it returned { kinds }/,
  );
  const other = openJudgedSet(`${join(root, 'whole.mjs')}?word=5`);
  await expect(other).rejects.toThrow(ConfigError);
  await expect(other).rejects.toThrow(/no setting "word"\. There are: words \(number of words\)/);
});
