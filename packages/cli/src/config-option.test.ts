import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findConfig, readConfig } from './config-option.js';

const SHIPPED = join('configs', 'train', 'emoji-vqgan.json');
const before = process.cwd();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'easel-config-'));
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

test('a config that comes with Easel is found from any folder; a file of that path goes first', async () => {
  expect(await readConfig(SHIPPED, ['steps=7'])).toMatchObject({ kind: 'vqgan', steps: 7 });
  mkdirSync(join('configs', 'train'), { recursive: true });
  writeFileSync(SHIPPED, '{"kind": "mine"}');
  expect(await readConfig(SHIPPED, [])).toEqual({ kind: 'mine' });
});

test('what is nowhere keeps its path, so that the error names it', async () => {
  expect(findConfig('configs/none.json')).toBe('configs/none.json');
  expect(findConfig('train/emoji-vqgan.json')).toBe('train/emoji-vqgan.json');
  await expect(readConfig('configs/none.json', [])).rejects.toThrow('configs/none.json');
});
