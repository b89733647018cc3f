import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openPictures } from './open-pictures.js';
import { sourcePaths } from './source-paths.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'easel-paths-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function put(...names: string[]) {
  for (const name of names) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), '');
  }
}

const pathsOf = async (pattern: string) => {
  const { kind, paths } = await sourcePaths(join(root, pattern));
  return [kind, ...paths.map((path) => path.slice(root.length + 1))];
};

describe('patterns', () => {
  test.each([
    ['train-*.parquet', ['parquet', 'train-0.parquet', 'train-1.parquet', 'train-10.parquet']],
    ['train-?.parquet', ['parquet', 'train-0.parquet', 'train-1.parquet']],
    ['train-{1,0}.parquet', ['parquet', 'train-1.parquet', 'train-0.parquet']],
    ['train-[!0].parquet', ['parquet', 'train-1.parquet']],
    ['**/*.tar', ['tar', 'a.tar', 'sub/b.tar', 'sub/deep/c.tar']],
    ['{sub,.}/*.tar', ['tar', 'sub/b.tar', 'a.tar']],
    ['sub/*.TGZ', ['tar', 'sub/d.TGZ']],
    ['odd[1].tar', ['tar', 'odd[1].tar']],
  ])('%s', async (pattern, expected) => {
    put('train-1.parquet', 'train-0.parquet', 'train-10.parquet', 'a.tar', 'sub/b.tar', 'sub/deep/c.tar');
    put('sub/d.TGZ', 'sub/.e.tar');
    if (pattern.startsWith('odd')) put('odd[1].tar', 'odd1.tar');
    expect(await pathsOf(pattern)).toEqual(expected);
  });

  test('that match nothing, or things of several kinds', async () => {
    put('a.tar', 'b.parquet', 'c.zip');
    await expect(openPictures(join(root, '*.tar.gz'))).rejects.toThrow(/no file matches .*\*\.tar\.gz/);
    await expect(openPictures(join(root, '*'))).rejects.toThrow(/none of them or of another kind/);
  });
});

test.each(['x.tar', 'x.parquet', 'x'])('a FIFO as the source %s is refused at once', async (name) => {
  execFileSync('mkfifo', [join(root, name)]);
  await expect(openPictures(join(root, name))).rejects.toThrow(/it is a (FIFO|file)/);
});

describe('folders', () => {
  test.each([
    [
      'of tar shards, beside what img2dataset writes with them',
      ['b.tar', 'a.TAR', 'a.parquet', 'a_stats.json'],
      ['tar', 'a.TAR', 'b.tar'],
    ],
    [
      'of parquet files below',
      ['data/b.parquet', 'data/a.parquet', 'README.md'],
      ['parquet', 'data/a.parquet', 'data/b.parquet'],
    ],
    ['of pictures with an archive', ['x/a.png', 'a.tar'], ['folder', '']],
    ['with a caption list', ['captions.csv', 'a.parquet'], ['folder', '']],
    ['of neither', ['README.md'], ['folder', '']],
  ])('%s', async (_, names, expected) => {
    put(...names);
    expect(await pathsOf('')).toEqual(expected);
  });

  test('of pictures without captions tell of their archives', async () => {
    put('a.png', 'shards/a.tar.gz');
    await expect(openPictures(root)).rejects.toThrow(/no captions.*give them as .*shards\/\*\.tar\.gz/);
  });
});
