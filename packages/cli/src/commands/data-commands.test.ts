import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openClip } from '@easel/clip/node';
import { selectBackend } from '@easel/core';
import { decodePicture, defaultPictureShape } from '@easel/train';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import sharp from 'sharp';
import { tinyBartConfig, tinyVqganConfig, writeTinyVqgan } from '../../../draw/testing/tiny-model.js';
import { runEasel, testBackend } from '../../testing/run-easel.js';
import { writeTinyClip } from '../../testing/tiny-clip.js';

// The way of a picture folder to a drawing, command by command, on a set and models that take
// milliseconds.
jest.setTimeout(300_000); // a busy machine

let root: string;
const at = (...parts: string[]) => join(root, ...parts);

beforeAll(async () => {
  await selectBackend(testBackend);
  root = mkdtempSync(join(tmpdir(), 'easel-data-'));
  mkdirSync(at('pictures'));
  const colours = ['red', 'green', 'blue', 'yellow', 'black'];
  for (const [i, colour] of colours.entries()) {
    const pixels = Uint8Array.from({ length: 12 * 12 * 3 }, (_, p) => (p * (3 + i) * 37) % 251);
    await sharp(pixels, { raw: { width: 12, height: 12, channels: 3 } }).toFile(
      at('pictures', `${colour}.png`),
    );
    writeFileSync(at('pictures', `${colour}.txt`), `a ${colour} square\n${colour}\n`);
  }
  writeFileSync(at('pictures', 'broken.png'), 'no picture');
  writeFileSync(at('pictures', 'broken.txt'), 'a broken picture');
  await writeTinyVqgan(at('vqgan'));
});
afterAll(() => rmSync(root, { recursive: true }));

/** Runs a command that must succeed, with --json, and returns what it printed. */
async function result<T>(...argv: string[]): Promise<T> {
  const { code, stdout, stderr } = await runEasel(...argv, '--json');
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('easel ')]);
  return JSON.parse(stdout) as T;
}

const optimization = {
  seed: 1,
  batchSize: 2,
  schedule: { learningRate: 0.001 },
  log: { every: 1 },
  checkpoint: { every: 2 },
};

describe('from pictures to a model that draws', () => {
  test('train-vqgan: an interrupted run is refused without --resume, and goes on with it', async () => {
    const config = at('vqgan.json');
    const settings = {
      ...optimization,
      kind: 'vqgan',
      steps: 2,
      model: tinyVqganConfig,
      data: { train: at('pictures') },
      codebook: { startStep: 1, kmeansLatents: 50, kmeansRounds: 2 },
      evaluation: { pictures: 2, gridPictures: 2 },
    };
    writeFileSync(config, JSON.stringify(settings));
    const run = at('runs', 'vqgan');
    const trained = await result<{ complete: boolean; step: number; model: string }>(
      'train-vqgan',
      config,
      '--out',
      run,
    );
    expect(trained).toMatchObject({ complete: true, step: 2, model: `${run}/model` });
    expect(readdirSync(join(run, 'model'))).toEqual(['config.json', 'model.safetensors']);
    expect(readFileSync(join(run, 'metrics.jsonl'), 'utf8').trim().split('\n').length).toBeGreaterThanOrEqual(
      2,
    );

    const again = await runEasel('train-vqgan', config, '--out', run);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('there is a run in it already')]);
    const resumed = await result<{ step: number }>('train-vqgan', config, '--out', run, '--resume');
    expect(resumed.step).toBe(2);
  });

  test('encode: each caption a row; the broken picture is counted and named in a log', async () => {
    const summary = await result<Record<string, unknown>>(
      'encode',
      at('pictures'),
      '--vqgan',
      at('vqgan'),
      '--out',
      at('encoded'),
    );
    expect(summary).toMatchObject({ complete: true, pictures: 5, rows: 10, skipped: 1, codes: 18 });
    expect(readFileSync(at('encoded', 'skipped.jsonl'), 'utf8')).toContain('broken.png');
    const text = await runEasel(
      'encode',
      at('pictures'),
      '--vqgan',
      at('vqgan'),
      '--out',
      at('jsonl'),
      '--format',
      'jsonl',
    );
    expect(text.stdout).toMatch(
      /jsonl: 5 pictures, 10 rows, 1 shards\n {2}codes +\d+ of 18 in use, perplexity \d+\n {2}this run +6 pictures in .* s: .* pictures\/s, .* % of the time in the model\n {2}left out +1 picture: undecodable 1, with 1 caption; named in .*skipped\.jsonl\n {2}captions +2\.0 a picture; .*\n$/,
    );
  });

  test('encode --clip: each row says how well its caption fits, by the picture as it was cut; a set keeps to its CLIP', async () => {
    writeTinyClip(at('clip'));
    const words = [
      'encode',
      at('pictures'),
      '--vqgan',
      at('vqgan'),
      '--out',
      at('scored'),
      '--format',
      'jsonl',
    ];
    const began = await runEasel(...words, '--clip', at('clip'), '--batch', '2');
    expect([began.code, began.stderr]).toEqual([0, expect.stringContaining('encoding  6/6 pictures')]);
    const rows = readFileSync(at('scored', 'shard-00000.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { caption: string; source: string; clip_score: number });
    expect(rows).toHaveLength(10);
    const { scorer, dispose } = await openClip(at('clip'));
    for (const { caption, source, clip_score } of rows) {
      const shape = { ...defaultPictureShape, size: tinyVqganConfig.resolution };
      const data = await decodePicture(at('pictures', source), shape);
      const picture = { data, width: shape.size, height: shape.size, channels: 3 as const };
      const [[alone] = []] = await scorer.scorePairs([[caption]], [picture]);
      expect(clip_score).toBeCloseTo(alone as number, 4);
    }
    dispose();
    const again = await runEasel(...words, '--clip', at('clip'));
    expect([again.code, again.stderr]).toEqual([
      0,
      expect.stringContaining('encoding  6/6 pictures  1 skipped'),
    ]);
    const without = await runEasel(...words);
    expect([without.code, without.stderr]).toEqual([1, expect.stringContaining('begun with another CLIP')]);
  });

  test('decode: rows of an encoded set, and codes written out, become pictures', async () => {
    const decoded = await result<{ file: string; caption: string; row: number }[]>(
      'decode',
      at('encoded'),
      '--vqgan',
      at('vqgan'),
      '--out',
      at('decoded'),
      '--first',
      '2',
      '--count',
      '3',
    );
    expect(decoded.map(({ row }) => row)).toEqual([2, 3, 4]);
    const { width, height } = await sharp(decoded[0]?.file).metadata();
    expect([width, height]).toEqual([8, 8]);
    const codes = Array.from({ length: 16 }, (_, i) => i).join(',');
    const [inline] = await result<{ file: string }[]>(
      'decode',
      '--tokens',
      codes,
      '--vqgan',
      at('vqgan'),
      '--out',
      at('inline'),
    );
    expect(readdirSync(at('inline'))).toEqual(['00000-tokens.png']);
    expect(inline?.file).toBe(at('inline', '00000-tokens.png'));
  });

  test('tokenizer train', async () => {
    const trained = await result<{ vocabSize: number; captions: number }>(
      'tokenizer',
      'train',
      at('pictures'),
      '--out',
      at('tokenizer'),
      '--vocab-size',
      '275',
      '--lower-case',
    );
    expect(trained).toMatchObject({ captions: 11, vocabSize: 275 });
    expect(JSON.parse(readFileSync(at('tokenizer', 'tokenizer_config.json'), 'utf8'))).toMatchObject({
      do_lower_case: true,
    });
  });

  test('train, then generate with the result', async () => {
    const config = at('train.json');
    const settings = {
      ...optimization,
      kind: 'seq2seq',
      steps: 4,
      model: tinyBartConfig,
      tokenizer: at('tokenizer'),
      vqgan: at('vqgan'),
      data: { train: at('encoded') },
    };
    writeFileSync(config, JSON.stringify(settings));
    const run = at('runs', 'train');
    const trained = await result<{ complete: boolean; step: number; model: string }>(
      'train',
      config,
      '--out',
      run,
      '--set',
      'steps=2',
    );
    expect(trained).toMatchObject({ complete: true, step: 2 });
    const drawn = await result<{ file: string }[]>(
      'generate',
      'a red square',
      '--model',
      trained.model,
      '--out',
      at('drawn'),
    );
    expect(drawn.map(({ file }) => file)).toEqual([at('drawn', 'a-red-square-0-0.png')]);
  });

  test('train --resume takes more steps, and says how a change of meaning begins anew; --init does that', async () => {
    const run = at('runs', 'train');
    const resume = ['train', at('train.json'), '--out', run, '--resume'];
    expect(await result<{ step: number }>(...resume, '--set', 'steps=3')).toMatchObject({ step: 3 });
    const fewer = await runEasel(...resume, '--set', 'steps=2');
    expect([fewer.code, fewer.stderr]).toEqual([
      1,
      expect.stringContaining('the run has made 3 updates already, more than the 2 that it is to have now'),
    ]);
    const other = await runEasel(...resume, '--set', 'steps=3', '--set', 'batchSize=3');
    expect([other.code, other.stderr]).toEqual([
      1,
      expect.stringContaining(
        `batchSize was 2, now 3. Resume with the config it was begun with (config.json in it), or begin a new run from its model (init) in another folder. The command is: easel train ${at('train.json')} --init ${run} --out ${run}-2 --set steps=3 --set batchSize=3\n`,
      ),
    ]);
    const anew = ['train', at('train.json'), '--init', run, '--out', `${run}-2`, '--set', 'steps=3'];
    const tuned = await result<{ complete: boolean; model: string }>(...anew, '--set', 'batchSize=3');
    expect(tuned.complete).toBe(true);
    expect(JSON.parse(readFileSync(join(`${run}-2`, 'config.json'), 'utf8'))).toMatchObject({
      init: run,
      model: null,
      tokenizer: null,
      vqgan: null,
      batchSize: 3,
    });
    expect(readdirSync(tuned.model)).toEqual(expect.arrayContaining(['vocab.json', 'vqgan']));
  });

  test('train --dry-run says what the run will be, draws its first batch, and makes nothing else', async () => {
    const dry = ['train', at('train.json'), '--out', at('dry'), '--dry-run', '--set', 'optimizer.beta2=0.95'];
    const plan = await result<{
      settings: unknown;
      steps: number;
      time: unknown;
      batch: { rows: { caption: string }[]; picture: string };
    }>(...dry, '--batch-picture', at('batch.png'));
    expect(plan).toMatchObject({
      settings: { steps: 4, optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95 } },
      steps: 4,
      time: { how: 'measured', updates: 3 },
      batch: { picture: at('batch.png') },
    });
    expect(plan.batch.rows).toHaveLength(2);
    const { width, height } = await sharp(at('batch.png')).metadata();
    expect([width, height]).toEqual([16, 8]);
    const { code, stdout } = await runEasel(...dry);
    expect(code).toBe(0);
    for (const text of [
      '"beta2": 0.95',
      'text embeddings',
      'Memory at its peak',
      'measured over 3 on this machine',
      '(16 tokens)',
      '--batch-picture',
    ])
      expect(stdout).toContain(text);
    expect(readdirSync(root)).not.toContain('dry');
  });

  test('--batch-picture without --dry-run is refused', async () => {
    const { code, stderr } = await runEasel(
      'train',
      at('train.json'),
      '--out',
      at('dry'),
      '--batch-picture',
      'x.png',
    );
    expect(code).toBe(2);
    expect(stderr).toContain('goes with --dry-run');
  });
});

describe('bad input: one paragraph, code 1', () => {
  test.each<[string, () => string[], string]>([
    [
      'encode: no such folder',
      () => ['encode', at('none'), '--vqgan', at('vqgan'), '--out', at('x')],
      "none: can't be read",
    ],
    [
      'encode: a folder without pictures',
      () => ['encode', at('vqgan'), '--vqgan', at('vqgan'), '--out', at('x')],
      'no pictures in it',
    ],
    [
      'encode: no VQGAN there',
      () => ['encode', at('pictures'), '--vqgan', at('pictures'), '--out', at('x')],
      'A VQGAN folder has config.json',
    ],
    [
      'encode: other settings in the same folder',
      () => ['encode', at('pictures'), '--vqgan', at('vqgan'), '--out', at('encoded'), '--size', '16'],
      'begun with another picture size',
    ],
    [
      'encode: unwritable output',
      () => ['encode', at('pictures'), '--vqgan', at('vqgan'), '--out', '/proc/easel'],
      'Output folder /proc/easel: cannot write',
    ],
    [
      'decode: neither set nor codes',
      () => ['decode', '--vqgan', at('vqgan'), '--out', at('x')],
      'Give either an encoded set',
    ],
    [
      'decode: a code outside the codebook',
      () => ['decode', '--tokens', '18'.concat(',0'.repeat(15)), '--vqgan', at('vqgan'), '--out', at('x')],
      'holds 18 at place 0; the codebook has the codes 0 to 17',
    ],
    [
      'decode: too few codes',
      () => ['decode', '--tokens', '1,2', '--vqgan', at('vqgan'), '--out', at('x')],
      '--tokens: expected 16 codes',
    ],
    [
      'decode: a row that is not there',
      () => ['decode', at('encoded'), '--first', '99', '--vqgan', at('vqgan'), '--out', at('x')],
      'has 10 rows, counted from 0',
    ],
    [
      'tokenizer: no captions',
      () => ['tokenizer', 'train', at('empty.txt'), '--out', at('x')],
      'no captions in it',
    ],
    [
      'train: unknown setting',
      () => ['train', at('train.json'), '--out', at('x'), '--set', 'optimzer.beta1=0.5'],
      'there is no such setting. Did you mean "optimizer"?',
    ],
    [
      'train: a value out of range',
      () => ['train', at('train.json'), '--out', at('x'), '--set', 'steps=0'],
      'steps: expected a whole number from 1',
    ],
    ['train: no JSON', () => ['train', at('empty.txt'), '--out', at('x')], 'not JSON'],
    ['train: no such file', () => ['train', at('none.json'), '--out', at('x')], "none.json: can't be read"],
  ])('%s', async (_name, argv, message) => {
    writeFileSync(at('empty.txt'), '\n');
    const { code, stdout, stderr } = await runEasel(...argv());
    expect(stderr).toContain(message);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.split('\n').filter((line) => line.startsWith('easel '))).toHaveLength(1);
  });

  test('two runs in one folder: the second is refused while the first holds it', async () => {
    const run = at('runs', 'held');
    mkdirSync(run, { recursive: true });
    copyFileSync(at('train.json'), at('held.json'));
    // A lock as a running process leaves it: this one, which is alive.
    const { lockFolder } = await import('../../../train/src/lock/folder-lock.js');
    const lock = await lockFolder(run);
    const { code, stderr } = await runEasel('train', at('held.json'), '--out', run);
    await lock.release();
    expect([code, stderr]).toEqual([1, expect.stringMatching(/easel train: .*held/)]);
  });
});
