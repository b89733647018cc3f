import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findShippedModel, nameOfModel, resolveModelFolder, resolveVqganFolder } from './model-folder.js';

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
    expect(resolveModelFolder(undefined, { from: deep })).toBe(shipped);
    process.env.EASEL_MODEL = fromEnvironment;
    expect(resolveModelFolder(undefined, { from: deep })).toBe(fromEnvironment);
    expect(resolveModelFolder(asked, { from: deep })).toBe(asked);
  });

  test('a package that npm has installed, by its name or in short; a folder of that name goes first', () => {
    const packaged = (scope: string, name: string) => {
      const path = folder('node_modules', scope, name);
      writeFileSync(
        join(path, 'package.json'),
        JSON.stringify({ name: `${scope}/${name}`, version: '1.0.0' }),
      );
      return path;
    };
    const [emoji, cats] = [packaged('@easel', 'model-emoji'), packaged('@me', 'cats')];
    const from = join(root, 'node_modules', '@easel', 'cli', 'dist');
    mkdirSync(from, { recursive: true });
    expect(resolveModelFolder(undefined, { from })).toBe(emoji);
    expect(resolveModelFolder('@me/cats', { from })).toBe(cats);
    expect(nameOfModel(emoji)).toBe('emoji');
    expect(() => resolveModelFolder('dogs', { from })).toThrow('(from --model) does not exist');
    expect(resolveModelFolder(folder('@me', 'cats'), { from })).toBe(join(root, '@me', 'cats'));
  });

  test('each failure says where the folder came from and what to do', () => {
    expect(() => resolveModelFolder(join(root, 'no'))).toThrow('(from --model) does not exist');
    expect(() => resolveModelFolder(join(root, 'no'), { option: '--from' })).toThrow(
      '(from --from) does not',
    );
    mkdirSync(join(root, 'empty'));
    process.env.EASEL_MODEL = join(root, 'empty');
    expect(() => resolveModelFolder(undefined)).toThrow(
      '(from the environment variable EASEL_MODEL) has no config.json',
    );
    process.env.EASEL_MODEL = '';
    expect(findShippedModel(root)).toBeUndefined();
    expect(() => resolveModelFolder(undefined, { from: root })).toThrow(
      'npm install @easel/model-emoji brings it; or give --model DIR, or set EASEL_MODEL',
    );
  });
});

describe('a run in place of its model', () => {
  const run = (kind: string) => {
    const path = folder(kind);
    writeFileSync(join(path, 'config.json'), JSON.stringify({ kind, steps: 9 }));
    return path;
  };

  test('its model is taken; without one it says so', () => {
    const path = run('seq2seq');
    expect(() => resolveModelFolder(path)).toThrow(
      `${path}: this is the folder of a training run, and it has no model yet.`,
    );
    expect(resolveModelFolder(join(folder('seq2seq', 'model')))).toBe(join(path, 'model'));
    expect(resolveModelFolder(path)).toBe(join(path, 'model'));
    const vqgan = run('vqgan');
    expect(resolveVqganFolder(folder('vqgan', 'model'))).toBe(join(vqgan, 'model'));
    expect(resolveVqganFolder(vqgan)).toBe(join(vqgan, 'model'));
  });

  test('a VQGAN is no text model', () => {
    const path = folder('codes');
    writeFileSync(join(path, 'config.json'), '{"n_embed": 16, "ch": 8}');
    expect(() => resolveModelFolder(path)).toThrow(
      'codes (from --model) is a VQGAN, which turns codes into pixels',
    );
    expect(resolveVqganFolder(path)).toBe(path);
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
