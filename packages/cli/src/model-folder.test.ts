import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findShippedModel, resolveModelFolder, resolveVqganFolder } from './model-folder.js';

let root: string;
const before = process.env.EASEL_MODEL;

function folder(...parts: string[]): string {
  const path = join(root, ...parts);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'config.json'), '{}');
  return path;
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'easel-model-'));
  delete process.env.EASEL_MODEL;
});
afterEach(() => {
  rmSync(root, { recursive: true });
  if (before === undefined) delete process.env.EASEL_MODEL;
  else process.env.EASEL_MODEL = before;
});

describe('resolveModelFolder', () => {
  test('asked for, then EASEL_MODEL, then the shipped one above the package', () => {
    const [asked, fromEnvironment, shipped] = [folder('a'), folder('b'), folder('data', 'models', 'emoji')];
    const deep = join(root, 'packages', 'cli', 'dist');
    expect(resolveModelFolder(undefined, deep)).toBe(shipped);
    process.env.EASEL_MODEL = fromEnvironment;
    expect(resolveModelFolder(undefined, deep)).toBe(fromEnvironment);
    expect(resolveModelFolder(asked, deep)).toBe(asked);
  });

  test('each failure says where the folder came from and what to do', () => {
    expect(() => resolveModelFolder(join(root, 'no'))).toThrow('(from --model) does not exist');
    mkdirSync(join(root, 'empty'));
    process.env.EASEL_MODEL = join(root, 'empty');
    expect(() => resolveModelFolder(undefined)).toThrow(
      '(from the environment variable EASEL_MODEL) has no config.json',
    );
    process.env.EASEL_MODEL = '';
    expect(findShippedModel(root)).toBeUndefined();
    expect(() => resolveModelFolder(undefined, root)).toThrow('Give --model DIR or set EASEL_MODEL');
  });
});

test("resolveVqganFolder: a VQGAN's own folder, or vqgan/ in a model's", () => {
  const model = folder('model');
  expect(resolveVqganFolder(model)).toBe(model);
  const inside = folder('model', 'vqgan');
  expect(resolveVqganFolder(model)).toBe(inside);
  process.env.EASEL_MODEL = model;
  expect(resolveVqganFolder(undefined)).toBe(inside);
});
