import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findModelPackage } from './model-package.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'easel-packages-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function model(...parts: string[]): string {
  const folder = join(root, ...parts);
  mkdirSync(folder, { recursive: true });
  for (const file of ['config.json', 'package.json']) writeFileSync(join(folder, file), '{}');
  return folder;
}

test('a package is found from a folder below it, by its name or in short; the first folder goes first', () => {
  const cats = model('a', 'node_modules', '@easel', 'model-cats');
  const others = model('b', 'node_modules', '@easel', 'model-cats');
  const mine = model('b', 'node_modules', 'mine');
  const [a, b] = [join(root, 'a', 'src'), join(root, 'b')];
  expect(findModelPackage('cats', [a, b])).toBe(cats);
  expect(findModelPackage('@easel/model-cats', [b, a])).toBe(others);
  // Without a scope a name is short for one of Easel's.
  expect(findModelPackage('mine', [b])).toBeUndefined();
  expect(mine).toContain('mine');
});

test('a clone has its models in data/models, linked or not', () => {
  const dogs = model('data', 'models', 'dogs');
  expect(findModelPackage('@easel/model-dogs', [join(root, 'packages', 'draw')])).toBe(dogs);
  expect(findModelPackage('@other/model-dogs', [root])).toBeUndefined();
});

test('a package without a model, and what is no name of a package', () => {
  rmSync(join(model('node_modules', '@easel', 'model-empty'), 'config.json'));
  model('data', 'models', 'dogs');
  for (const name of ['empty', '../dogs', 'data/models/dogs', '.', '', 'DOGS', '@easel'])
    expect(findModelPackage(name, [root])).toBeUndefined();
});
