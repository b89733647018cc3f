import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateBeams, generateTokens } from '@easel/bart';
import { openDalleBart } from '@easel/bart/node';
import { type Key, selectBackend } from '@easel/core';
import { iterationKeys, readPngText } from '@easel/draw';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import sharp from 'sharp';
import { writeTinyFirstVersion, writeTinyModel } from '../../../draw/testing/tiny-model.js';
import { runEasel, testBackend } from '../../testing/run-easel.js';

jest.setTimeout(300_000); // a busy machine

let root: string;
beforeAll(async () => {
  await selectBackend(testBackend);
  root = mkdtempSync(join(tmpdir(), 'easel-search-'));
  await writeTinyModel(join(root, 'second'));
  await writeTinyFirstVersion(join(root, 'first'));
});
afterAll(() => rmSync(root, { recursive: true }));

let count = 0;

async function run(version: string, ...argv: string[]) {
  const out = join(root, `out-${count++}`);
  const standard = ['--model', join(root, version), '--out', out, '--json', '--tokens', '--quiet'];
  const outcome = await runEasel('generate', ...standard, ...argv);
  expect(outcome.code).toBe(0);
  const drawn = JSON.parse(outcome.stdout) as { file: string; tokens: number[] }[];
  const made = drawn.map(({ file }) => JSON.parse(readPngText(readFileSync(file)).get('Easel') ?? ''));
  return { drawn, made, tokens: drawn.map(({ tokens }) => tokens), stderr: outcome.stderr };
}

/** What the library gives for the prompts, its rows as lists. */
async function library(
  version: string,
  prompts: readonly string[],
  find: (
    model: Awaited<ReturnType<typeof openDalleBart>>['model'],
    inputs: Parameters<typeof generateTokens>[1],
  ) => Promise<Int32Array[]>,
): Promise<number[][]> {
  const opened = await openDalleBart(join(root, version));
  try {
    return (await find(opened.model, opened.processor.process(prompts))).map((row) => [...row]);
  } finally {
    opened.dispose();
  }
}

describe.each(['second', 'first'])('the %s version', (version) => {
  test("--seed: the notebook's keys, one for each picture", async () => {
    const { tokens } = await run(version, 'a dog', '--images', '2', '--seed', '7', '--scale', '3');
    const keys = iterationKeys(7, 2);
    for (const [i, row] of tokens.entries()) {
      const [expected] = await library(version, ['a dog'], (model, inputs) =>
        generateTokens(model, inputs, { key: keys[i] as Key, conditionScale: 3 }),
      );
      expect(row).toEqual(expected);
    }
    expect(tokens[0]).not.toEqual(tokens[1]);
  });

  test("--rule min-dalle: its own settings where none are given, whatever the model's", async () => {
    const { tokens, made } = await run(version, 'a dog', '--rule', 'min-dalle');
    const rowKeys = iterationKeys(0, 1);
    const draw = (options: object) =>
      library(version, ['a dog'], (model, inputs) =>
        generateTokens(model, inputs, { rowKeys, rule: 'min-dalle', greedy: false, ...options }),
      );
    expect(tokens).toEqual(await draw({ conditionScale: 16, temperature: 1, topK: 18 }));
    expect(made[0]).toMatchObject({ rule: 'min-dalle', top_k: 256, temperature: 1, condition_scale: 16 });
    expect(made[0]).not.toHaveProperty('top_p');
    const other = await run(version, 'a dog', '--rule', 'min-dalle', '--top-k', '2', '--scale', '1');
    expect(other.tokens).toEqual(await draw({ topK: 2 }));
  });

  test('--greedy: the likeliest codes, with or without super conditioning', async () => {
    const { tokens, made } = await run(version, 'a dog', 'a red heart', '--greedy', '--scale', '2');
    const expected = await library(version, ['a dog', 'a red heart'], (model, inputs) =>
      generateTokens(model, inputs, { greedy: true, conditionScale: 2 }),
    );
    expect(tokens).toEqual(expected);
    expect(made[0]).toMatchObject({ greedy: true, condition_scale: 2 });
    expect(made[0]).not.toHaveProperty('top_k');
  });

  test('--beams: each prompt alone, so what is beside it changes nothing', async () => {
    const search = ['--beams', '3', '--length-penalty', '0.5', '--early-stopping'];
    const { tokens, made } = await run(version, 'a dog', 'a red heart', ...search);
    for (const [i, prompt] of ['a dog', 'a red heart'].entries()) {
      const [expected] = await library(version, [prompt], async (model, inputs) => {
        const options = { beams: 3, lengthPenalty: 0.5, earlyStopping: true };
        return (await generateBeams(model, inputs, options)).tokens;
      });
      expect(tokens[i]).toEqual(expected);
    }
    expect(made[0]).toMatchObject({ beams: 3, length_penalty: 0.5, early_stopping: true });
    expect(made[0]).not.toHaveProperty('temperature');
  });
});

test('--all-ids: the id without a code comes too, and its picture is black, with a warning', async () => {
  const argv = ['a dog', '--images', '12', '--temperature', '20', '--top-k', '0'];
  const { tokens, drawn, stderr, made } = await run('second', ...argv, '--all-ids');
  const masked = await run('second', ...argv);
  const hasNone = (row: number[]) => row.some((id) => id >= 18);
  expect(masked.tokens.some(hasNone)).toBe(false);
  expect(masked.stderr).toBe('');
  const black = tokens.map(hasNone);
  expect(black).toContain(true);
  expect(stderr.trim().split('\n')).toHaveLength(black.filter(Boolean).length);
  expect(stderr).toMatch(/^Warning: picture \d+ of "a dog" is black: one of its ids has no code\.$/m);
  expect(made[0]).toMatchObject({ all_ids: true });
  for (const [i, { file }] of drawn.entries()) {
    const bytes = await sharp(file).raw().toBuffer();
    expect(bytes.every((byte) => byte === 0)).toBe(black[i]);
  }
});

test.each([
  [['--greedy', '--top-k', '3'], '--top-k: --greedy takes the likeliest code'],
  [['--greedy', '--rule', 'min-dalle'], '--rule: --greedy takes the likeliest code'],
  [
    ['--greedy', '--images', '2'],
    '--greedy: all pictures of a prompt would be the same, but 2 were asked for',
  ],
  [
    ['--beams', '2', '--candidates', '4', '--clip', 'x'],
    '--beams: all pictures of a prompt would be the same',
  ],
  [['--beams', '2', '--greedy'], '--greedy: a beam search draws nothing'],
  [['--beams', '2', '--scale', '3'], '--scale: a beam search draws nothing and compares nothing'],
  [['--beams', '2', '--rule', 'dalle-mini'], '--rule: a beam search draws nothing'],
  [['--beams', '1'], '--beams: expected a whole number from 2, got 1'],
  [['--beams', '2', '--length-penalty', '0'], '--length-penalty: expected a number above 0, got 0'],
  [['--length-penalty', '1'], '--length-penalty: this goes with --beams'],
  [['--early-stopping'], '--early-stopping: this goes with --beams'],
  [['--rule', 'min-dalle', '--top-p', '0.9'], "--top-p: min-dalle's rule has none"],
  [['--rule', 'min-dalle', '--top-k', '0'], '--top-k: expected at least 1, got 0'],
  [['--rule', 'min-dalle', '--all-ids'], "--all-ids: min-dalle's rule never draws an id without a code"],
  [['--rule', 'max-dalle'], 'rule'],
])('options that do not go together: %j', async (argv, message) => {
  const { code, stdout, stderr } = await runEasel('generate', 'a dog', '--out', join(root, 'none'), ...argv);
  expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(message)]);
});
