import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@easel/core';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import sharp from 'sharp';
import { writeTinyVqgan } from '../../../draw/testing/tiny-model.js';
import { describeRanks, startRanks } from '../../../mpi/testing/ranks.js';
import { easelBin, startEasel, whenBuilt } from '../../testing/easel-process.js';

jest.setTimeout(600_000);

/** How many processes are killed, one after the other; EASEL_KILLS=20 for many. */
const kills = Number(process.env.EASEL_KILLS ?? 2);
const pictures = 60;

let root: string;
beforeAll(async () => {
  await selectBackend('cpu');
  root = mkdtempSync(join(tmpdir(), 'easel-shared-'));
  mkdirSync(join(root, 'pictures'));
  for (let i = 0; i < pictures; i++) {
    const pixels = Uint8Array.from({ length: 8 * 8 * 3 }, (_, p) => (p * (3 + i) * 37) % 251);
    await sharp(pixels, { raw: { width: 8, height: 8, channels: 3 } }).toFile(
      join(root, 'pictures', `${i}.png`),
    );
    writeFileSync(join(root, 'pictures', `${i}.txt`), `picture ${i}\n`);
  }
  await writeTinyVqgan(join(root, 'vqgan'));
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

interface Summary {
  readonly complete: boolean;
  readonly pictures: number;
  readonly ownPictures: number;
}

function wordsOf(out: string): string[] {
  const words = ['encode', join(root, 'pictures'), '--vqgan', join(root, 'vqgan'), '--out', join(root, out)];
  return [...words, '--shard-size', '2', '--batch', '1', '--backend', 'cpu', '--json', '--quiet'];
}

const start = (out: string) => startEasel(wordsOf(out));

const shards = (out: string) =>
  readdirSync(join(root, out))
    .filter((name) => name.endsWith('.parquet'))
    .sort();
const leases = (out: string) =>
  readdirSync(join(root, out, 'work'), { withFileTypes: true }).filter(({ name }) => name.endsWith('.lease'))
    .length;

whenBuilt('real processes', () => {
  test('some share a folder, some are killed in the middle of a shard: the set is whole, and that of one alone', async () => {
    const alone = await start('alone').ended;
    expect([alone.code, alone.stderr]).toEqual([0, '']);

    let killed = 0;
    for (let attempt = 0; killed < kills && attempt < 10 * kills; attempt++) {
      const { child: victim, ended } = start('shared');
      const before = existsSync(join(root, 'shared')) ? shards('shared').length : 0;
      // Once it holds the lease of a shard and has finished one more.
      while (victim.exitCode === null) {
        if (
          existsSync(join(root, 'shared', 'work')) &&
          shards('shared').length > before &&
          leases('shared') > 0
        )
          break;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      victim.kill('SIGKILL');
      if ((await ended).signal === 'SIGKILL') killed++;
    }
    expect(killed).toBe(kills);

    const others = await Promise.all([start('shared').ended, start('shared').ended]);
    const summaries = others.map(({ code, stdout, stderr }) => {
      expect([code, stderr]).toEqual([0, '']);
      return JSON.parse(stdout) as Summary;
    });
    for (const summary of summaries) expect(summary).toMatchObject({ complete: true, pictures });
    const own = summaries.reduce((sum, { ownPictures }) => sum + ownPictures, 0);
    expect(own).toBeLessThan(pictures); // what the killed ones finished was kept
    expect(shards('shared')).toEqual(shards('alone'));
    for (const name of [...shards('alone'), 'manifest.json', 'skipped.jsonl'])
      expect(readFileSync(join(root, 'shared', name))).toEqual(readFileSync(join(root, 'alone', name)));
    expect(existsSync(join(root, 'shared', 'work'))).toBe(false);
  });
});

describeRanks('ranks of one job', () => {
  test('share the shards of a set, and rank 0 speaks for all', async () => {
    const alone = await start('one-process').ended;
    expect([alone.code, alone.stderr]).toEqual([0, '']);
    const { code, stdout, stderr } = await startRanks(3, [easelBin, ...wordsOf('ranks')]).ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout) as Summary).toMatchObject({ complete: true, pictures, ownPictures: pictures });
    for (const name of [...shards('one-process'), 'manifest.json', 'skipped.jsonl'])
      expect(readFileSync(join(root, 'ranks', name))).toEqual(readFileSync(join(root, 'one-process', name)));
    expect(existsSync(join(root, 'ranks', 'work'))).toBe(false);
  });
});
