import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readKnownPrompts, writeKnownPrompts } from './known-prompts.js';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'easel-prompts-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('a prompt a line, each once', async () => {
  expect(await readKnownPrompts(root)).toEqual([]);
  await writeKnownPrompts(root, ['a cat', 'a\nbig  dog ', 'a cat', ' ', 'été']);
  expect(readFileSync(join(root, 'prompts.txt'), 'utf8')).toBe('a cat\na big dog\nété\n');
  expect(await readKnownPrompts(root)).toEqual(['a cat', 'a big dog', 'été']);
  writeFileSync(join(root, 'prompts.txt'), 'one\r\n\r\n two\rone');
  expect(await readKnownPrompts(root)).toEqual(['one', 'two']);
});
