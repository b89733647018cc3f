import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@easel/core';
import { readPngText } from '@easel/draw';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { writeTinyModel } from '../../../draw/testing/tiny-model.js';
import { runEasel, testBackend } from '../../testing/run-easel.js';
import { writeTinyClip } from '../../testing/tiny-clip.js';

jest.setTimeout(300_000); // a busy machine

let root: string;
let model: string;
beforeAll(async () => {
  await selectBackend(testBackend);
  root = mkdtempSync(join(tmpdir(), 'easel-generate-'));
  model = join(root, 'model');
  await writeTinyModel(model);
});
afterAll(() => rmSync(root, { recursive: true }));

let count = 0;
const newFolder = () => join(root, `out-${count++}`);

interface Drawn {
  readonly file: string;
  readonly prompt: string;
  readonly seed: number;
  readonly index: number;
  readonly tokens: number[];
}

/** Draws with --json --tokens and returns what was printed. */
async function draw(...argv: string[]): Promise<Drawn[]> {
  const { code, stdout, stderr } = await runEasel(
    'generate',
    '--model',
    model,
    '--json',
    '--tokens',
    '--out',
    newFolder(),
    ...argv,
  );
  expect([code, stderr]).toEqual([0, expect.stringContaining(`Backend: ${testBackend}`)]);
  return JSON.parse(stdout);
}

describe('easel generate', () => {
  test('writes a PNG of the right size, prints its path, and the file tells how it was made', async () => {
    const out = newFolder();
    const { code, stdout } = await runEasel(
      'generate',
      'a red heart',
      '--model',
      model,
      '--out',
      out,
      '--seed',
      '7',
      '--top-k',
      '3',
    );
    const file = join(out, 'a-red-heart-7-0.png');
    expect([code, stdout]).toEqual([0, `${file}\n`]);
    expect(readdirSync(out)).toEqual(['a-red-heart-7-0.png']);
    const { width, height, channels } = await sharp(file).metadata();
    expect([width, height, channels]).toEqual([8, 8, 3]);
    const texts = readPngText(readFileSync(file));
    expect(texts.get('Description')).toBe('a red heart');
    expect(JSON.parse(texts.get('Easel') ?? '')).toEqual({
      prompt: 'a red heart',
      index: 0,
      seed: 7,
      model: 'model',
      top_k: 3,
      top_p: 1,
      temperature: 1,
      condition_scale: 1,
    });
  });

  test('a picture depends on prompt, seed and number, not on what is drawn beside it', async () => {
    const alone = await draw('a dog', '--images', '2', '--scale', '2');
    const beside = await draw('a red heart', 'a dog', '--images', '2', '--scale', '2', '--batch', '2');
    const other = await draw('a dog', '--images', '2', '--scale', '2', '--seed', '1');
    const tokensOf = (drawn: Drawn[]) =>
      drawn.filter(({ prompt }) => prompt === 'a dog').map(({ tokens }) => tokens);
    expect(tokensOf(beside)).toEqual(tokensOf(alone));
    expect(tokensOf(other)).not.toEqual(tokensOf(alone));
    expect(new Set(tokensOf(alone).map(String)).size).toBe(2);
    expect(alone.map(({ index, seed, tokens }) => [index, seed, tokens.length])).toEqual([
      [0, 0, 16],
      [1, 0, 16],
    ]);
  });

  test('prompts of a file follow those of the command line; equal slugs get different files', async () => {
    const list = join(root, 'prompts.txt');
    writeFileSync(list, 'A dog!\n\na dog?\n');
    const drawn = await draw('a dog', '--prompts', list);
    expect(drawn.map(({ prompt }) => prompt)).toEqual(['a dog', 'A dog!', 'a dog?']);
    expect(new Set(drawn.map(({ file }) => file)).size).toBe(3);
  });

  test('--grid: all pictures on one sheet', async () => {
    const out = newFolder();
    const { stdout } = await runEasel(
      'generate',
      'a dog',
      '--images',
      '3',
      '--model',
      model,
      '--out',
      out,
      '--grid',
    );
    expect(stdout.trim().split('\n').at(-1)).toBe(join(out, 'grid.png'));
    const { width, height } = await sharp(join(out, 'grid.png')).metadata();
    expect([width, height]).toEqual([17, 17]); // two by two of 8 px and a gap of 1
  });

  test('unknown words: hints on stderr and in the JSON; --quiet and pictures stay as they are', async () => {
    const words = join(model, 'words.json');
    writeFileSync(words, '{"words": {"a": 2, "dog": 1}}');
    try {
      const hint = '"dgo": the model does not know this word; did you mean "dog"?\n';
      const ask = ['generate', 'a dgo', 'a dog', '--model', model, '--out', newFolder(), '--overwrite'];
      const plain = await runEasel(...ask);
      expect(plain.stderr).toContain(hint);
      expect(plain.stdout.trim().split('\n')).toHaveLength(2);
      const { stdout, stderr } = await runEasel(...ask, '--json', '--quiet');
      expect(stderr).not.toContain('dgo');
      expect(JSON.parse(stdout).map(({ unknown }: { unknown?: unknown }) => unknown)).toEqual([
        [{ word: 'dgo', suggestions: ['dog'] }],
        undefined,
      ]);
    } finally {
      rmSync(words);
    }
    const { stderr } = await runEasel('generate', 'a dgo', '--model', model, '--out', newFolder());
    expect(stderr).not.toContain('dgo'); // no list, nothing is known to be unknown
  });

  test('settings of generation.json are the defaults', async () => {
    const plain = await draw('a dog');
    const file = join(model, 'generation.json');
    writeFileSync(file, '{"top_k": 1}');
    const likeliest = await draw('a dog', '--images', '2');
    rmSync(file);
    expect(likeliest[0]?.tokens).toEqual(likeliest[1]?.tokens); // the most probable code leaves no choice
    expect(likeliest[0]?.tokens).not.toEqual(plain[0]?.tokens);
  });

  test('a prompt of 2,000 words is drawn from its beginning, with a warning', async () => {
    const out = newFolder();
    const prompt = 'heart '.repeat(2000);
    const { code, stderr } = await runEasel('generate', prompt, '--model', model, '--out', out, '--quiet');
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^Warning: the prompt "heart heart .*…" has \d+ tokens; the model reads the first 10\.\n$/,
    );
  });

  test('Ctrl-C: finished pictures are kept and printed, the one in work is not, code 130', async () => {
    const out = newFolder();
    const running = runEasel(
      'generate',
      'a dog',
      '--model',
      model,
      '--out',
      out,
      '--images',
      '50',
      '--batch',
      '1',
      '--json',
    );
    const watch = setInterval(() => {
      const finished = existsSync(out) && readdirSync(out).some((name) => name.endsWith('.png'));
      if (finished) {
        clearInterval(watch);
        process.emit('SIGINT');
      }
    }, 5);
    const { code, stdout, stderr } = await running.finally(() => clearInterval(watch));
    const kept = readdirSync(out).filter((name) => name.endsWith('.png'));
    expect(code).toBe(130);
    expect(kept.length).toBeGreaterThanOrEqual(1);
    expect(kept.length).toBeLessThan(50);
    expect(readdirSync(out)).toEqual(kept); // no half-written file beside them
    expect(JSON.parse(stdout)).toHaveLength(kept.length);
    expect(stderr).toContain(`Stopped: ${kept.length} of 50 pictures are in`);
  });

  test('leaves no tensors behind but the shared ones', async () => {
    await draw('a dog');
    const before = tf.memory().numTensors;
    await draw('a dog', '--images', '2');
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('easel generate --clip', () => {
  let clip: string;
  beforeAll(() => {
    clip = join(root, 'clip');
    writeTinyClip(clip);
  });

  interface Ranked extends Drawn {
    readonly score: number;
    readonly rank: number;
  }

  test('of the candidates the best are kept, in order, and they are the pictures drawn without it', async () => {
    const all = (await draw('a dog', 'a heart', '--images', '3', '--clip', clip, '--batch', '2')) as Ranked[];
    const plain = await draw('a dog', 'a heart', '--images', '3');
    const best = (await draw(
      'a dog',
      'a heart',
      '--candidates',
      '3',
      '--keep',
      '2',
      '--clip',
      clip,
    )) as Ranked[];
    expect(all.map(({ rank }) => rank)).toEqual([1, 2, 3, 1, 2, 3]);
    for (const prompt of ['a dog', 'a heart']) {
      const ranked = all.filter((one) => one.prompt === prompt);
      expect(ranked.map(({ score }) => score)).toEqual(
        ranked.map(({ score }) => score).sort((a, b) => b - a),
      );
      for (const { index, tokens } of ranked) {
        expect(tokens).toEqual(plain.find((one) => one.prompt === prompt && one.index === index)?.tokens);
      }
      const kept = best.filter((one) => one.prompt === prompt);
      expect(kept.map(({ index, rank }) => [index, rank])).toEqual(
        ranked.slice(0, 2).map(({ index, rank }) => [index, rank]),
      );
    }
  });

  test('files are named by rank, lines carry the score, and the file tells both', async () => {
    const out = newFolder();
    const argv = [
      'a dog',
      '--model',
      model,
      '--out',
      out,
      '--candidates',
      '11',
      '--keep',
      '10',
      '--clip',
      clip,
    ];
    const { code, stdout, stderr } = await runEasel('generate', ...argv, '--grid');
    expect([code, stderr]).toEqual([0, expect.stringContaining('11 of 11 pictures scored')]);
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(11);
    expect(lines[0]).toMatch(/a-dog-0-rank-01\.png\t-?\d+\.\d{3}$/);
    expect(lines[9]).toContain('a-dog-0-rank-10.png');
    expect(lines[10]).toBe(join(out, 'grid.png'));
    expect(readdirSync(out)).toHaveLength(11);
    const made = JSON.parse(readPngText(readFileSync(join(out, 'a-dog-0-rank-01.png'))).get('Easel') ?? '');
    expect(made).toMatchObject({ prompt: 'a dog', seed: 0, clip: 'clip', rank: 1 });
    expect(made.score.toFixed(3)).toBe(lines[0]?.split('\t')[1]);
    expect((await draw('a dog', '--images', '11')).map(({ index }) => index)).toContain(made.index);
  });

  test('leaves no tensors behind', async () => {
    await draw('a dog', '--clip', clip);
    const before = tf.memory().numTensors;
    await draw('a dog', '--candidates', '3', '--clip', clip);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a prompt beyond CLIP: a warning', async () => {
    const long = ['a dog and a heart', '--model', model, '--out', newFolder(), '--clip', clip];
    const { stderr } = await runEasel('generate', ...long, '--quiet');
    expect(stderr).toContain('has 15 tokens for CLIP, which reads the first 12.');
  });

  test.each<[string, string[], number, string]>([
    ['--candidates alone', ['--candidates', '4'], 2, '--candidates needs --clip'],
    ['--keep alone', ['--keep', '4'], 2, '--keep needs --clip'],
    [
      'more kept than drawn',
      ['--candidates', '2', '--keep', '3', '--clip', 'x'],
      2,
      'at most the 2 pictures',
    ],
    ['two numbers of pictures', ['--candidates', '2', '--images', '3', '--clip', 'x'], 2, 'give one of them'],
    ['no such CLIP', ['--clip', '/none'], 1, '/none/config.json: there is no such file. A CLIP folder has'],
  ])('%s', async (_name, argv, expected, message) => {
    const { code, stdout, stderr } = await runEasel('generate', 'x', '--out', newFolder(), ...argv);
    expect(stderr).toContain(message);
    expect([code, stdout]).toEqual([expected, '']);
  });

  test('the folder of a text model is no CLIP', async () => {
    const argv = ['x', '--model', model, '--out', newFolder(), '--clip', model];
    expect((await runEasel('generate', ...argv)).stderr).toContain(
      'model_type: expected "clip", got "dallebart"',
    );
  });
});

describe('easel generate on bad input: one paragraph, code 1, no picture', () => {
  test.each<[string, (standard: string[]) => string[], string]>([
    ['no prompt', (standard) => standard, 'No prompt given'],
    ['an empty prompt', (standard) => ['  ', ...standard], 'Prompt 1 is empty'],
    ['invalid UTF-8', (standard) => ['caf\ufffd', ...standard], 'Prompt 1 is not valid UTF-8'],
    [
      'no such model',
      () => ['x', '--model', join(root, 'none'), '--out', newFolder()],
      'none (from --model) does not exist',
    ],
    [
      'a prompt file that is missing',
      (standard) => [...standard, '--prompts', join(root, 'none.txt')],
      'none.txt: no such file',
    ],
    [
      'an output that cannot be written',
      () => ['x', '--model', model, '--out', '/proc/easel'],
      'Output folder /proc/easel: cannot write',
    ],
    [
      'an unknown backend',
      (standard) => ['x', ...standard, '--backend', 'nativ'],
      'got "nativ" by name. Did you mean "native"?',
    ],
  ])('%s', async (_name, argv, message) => {
    const { code, stdout, stderr } = await runEasel(
      'generate',
      ...argv(['--model', model, '--out', newFolder()]),
    );
    expect(stderr).toContain(message);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('a model folder without its VQGAN, and one whose VQGAN has fewer codes', async () => {
    const broken = join(root, 'broken');
    await writeTinyModel(broken);
    const run = async () => (await runEasel('generate', 'x', '--model', broken, '--out', newFolder())).stderr;
    const config = join(broken, 'vqgan', 'config.json');
    writeFileSync(config, readFileSync(config, 'utf8').replace('"n_embed": 18', '"n_embed": 17'));
    expect(await run()).toMatch(/quantize\.embedding\.embedding: expected \[17,5\], found \[18,5\]/);
    rmSync(join(broken, 'vqgan'), { recursive: true });
    expect(await run()).toContain(
      `${config}: there is no such file, so the codes of the model in ${broken} can't become pixels`,
    );
  });
});
