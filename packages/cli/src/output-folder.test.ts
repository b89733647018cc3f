import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { prepareOutputFolder } from './output-folder.js';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'easel-output-'));
});
afterAll(() => rmSync(root, { recursive: true }));

test('makes the folder and its parents, and leaves nothing in it', async () => {
  const path = join(root, 'a', 'b');
  await prepareOutputFolder(path);
  expect(readdirSync(path)).toEqual([]);
  await prepareOutputFolder(path);
});

test('a file in its place, and a place where nobody can write', async () => {
  writeFileSync(join(root, 'file'), '');
  await expect(prepareOutputFolder(join(root, 'file'))).rejects.toThrow(
    `Output folder ${join(root, 'file')}: cannot write there`,
  );
  await expect(prepareOutputFolder(join(root, 'file', 'below'))).rejects.toThrow('cannot write there');
  // /proc refuses new folders, whoever asks.
  await expect(prepareOutputFolder('/proc/easel')).rejects.toThrow(
    'Give another folder, or the right to write.',
  );
});
