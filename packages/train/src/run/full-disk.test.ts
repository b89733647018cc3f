import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDalleBart } from '@easel/bart/node';
import { EaselError } from '@easel/core';
import { expect, test } from '@jest/globals';
import { seq2seqRuns } from '../../testing/seq2seq-runs.js';
import { tinyDalleBartJson } from '../../testing/tiny-models.js';
import { writeShard } from '../encoded/shards.js';
import type { TrainingEvent } from './training-loop.js';

const runs = seq2seqRuns(async (shared) => {
  const rows = Array.from({ length: 4 }, (_, i) => ({
    caption: `thing number ${i}`,
    encoding: Array<number>(16).fill(i),
    source: `${i}`,
  }));
  mkdirSync(join(shared, 'set'));
  await writeShard(join(shared, 'set', 'a.jsonl'), rows);
  return rows.map(({ caption }) => caption);
});

/** Mounts a file system of 2 MiB on a folder. Throws where this user may not mount. */
function mountSmallDisk(folder: string): void {
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder], { stdio: 'ignore' });
}

const unmount = (folder: string): void => {
  // Lazily: weights that were read from its files hold them until they are collected.
  execFileSync('umount', ['--lazy', folder]);
};

/** Only root can mount the small disk. */
function mayMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'easel-mount-'));
  try {
    mountSmallDisk(join(folder, 'disk'));
    unmount(join(folder, 'disk'));
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const whenMountable = mayMount() ? test : test.skip;

/** Fills the disk but for so many bytes. */
function fill(folder: string, left: number): void {
  const file = openSync(join(folder, 'filler'), 'w');
  const { bavail, bsize } = statfsSync(folder);
  writeSync(file, Buffer.alloc(Math.max(0, bavail * bsize - left)));
  fsyncSync(file);
  closeSync(file);
}

whenMountable(
  'a checkpoint that finds the disk full: the run says so, the one before stays and goes on once there is room',
  async () => {
    const disk = join(runs.root, 'disk');
    mountSmallDisk(disk);
    try {
      const settings = {
        model: tinyDalleBartJson,
        tokenizer: join(runs.shared, 'tokenizer'),
        data: { train: join(runs.shared, 'set') },
        steps: 4,
        batchSize: 2,
        schedule: { learningRate: 1e-3 },
        evaluation: { every: 0 },
        log: { every: 1, tensorboard: false },
        checkpoint: { every: 2, keep: 1 },
      };
      const onEvent = (event: TrainingEvent) => {
        if (event.kind === 'checkpoint' && event.step === 2) fill(disk, 16 << 10);
      };
      const name = join('disk', 'run');
      const failure = runs.train(name, settings, { onEvent });
      await expect(failure).rejects.toThrow(EaselError);
      await expect(failure).rejects.toThrow(
        /step 4: can't be written.*(ENOSPC|no space).*The last good one is .*step-00000002/i,
      );
      expect(readdirSync(join(disk, 'run', 'checkpoints'))).toEqual(['step-00000002']);
      expect(existsSync(join(disk, 'run', 'lock'))).toBe(false);
      (await openDalleBart(join(disk, 'run', 'model'))).dispose();

      rmSync(join(disk, 'filler'));
      expect(await runs.train(name, settings, { resume: true })).toMatchObject({ complete: true, step: 4 });
      await runs.train('undisturbed', settings);
      expect(
        runs
          .bytes('disk', 'run', 'model', 'model.safetensors')
          .equals(runs.bytes('undisturbed', 'model', 'model.safetensors')),
      ).toBe(true);
    } finally {
      unmount(disk);
    }
  },
);
