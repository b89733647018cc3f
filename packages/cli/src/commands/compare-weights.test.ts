import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@easel/core';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import sharp from 'sharp';
import { tinyVqganConfig, writeTinyModel, writeTinyVqgan } from '../../../draw/testing/tiny-model.js';
import { runEasel, testBackend } from '../../testing/run-easel.js';

jest.setTimeout(300_000); // a busy machine

let root: string;
let model: string;
beforeAll(async () => {
  await selectBackend(testBackend);
  root = mkdtempSync(join(tmpdir(), 'easel-weights-'));
  model = join(root, 'model');
  await writeTinyModel(model, { d_model: 64, encoder_ffn_dim: 66, decoder_ffn_dim: 34 });
  // Pictures of 16 pixels from the same 4×4 codes.
  await writeTinyVqgan(join(model, 'vqgan'), {
    ...tinyVqganConfig,
    ch: 16,
    ch_mult: [1, 1, 1],
    resolution: 16,
  });
  const prompts = ['red', 'blue'].map((colour) => ({
    prompt: `a ${colour} heart`,
    file: `${colour}.png`,
    concept: colour,
  }));
  for (const background of ['red', 'blue'])
    await sharp({ create: { width: 16, height: 16, channels: 3, background } })
      .png()
      .toFile(join(root, `${background}.png`));
  writeFileSync(join(root, 'prompts.json'), JSON.stringify({ plain: prompts }));
});
afterAll(() => rmSync(root, { recursive: true }));

const compare = (...args: string[]) =>
  runEasel('compare-weights', root, '--model', model, '--count', '2', ...args);

test('float32 equals itself; fewer bits are further away', async () => {
  const { code, stdout, stderr } = await compare('--weights', 'f16,int8,int4', '--json');
  expect([code, stderr]).toEqual([0, expect.anything()]);
  const [f32, f16, int8, int4] = JSON.parse(stdout);
  expect(f32).toMatchObject({ weights: 'f32', sameTokens: 100, sameLikeliest: 100, largestLogitError: 0 });
  expect([f16.weights, int8.weights, int4.weights]).toEqual(['f16', 'int8', 'int4']);
  expect(f16.meanLogitError).toBeGreaterThan(0);
  expect(int8.meanLogitError).toBeGreaterThan(3 * f16.meanLogitError);
  expect(int4.meanLogitError).toBeGreaterThan(3 * int8.meanLogitError);
  for (const one of [f16, int8, int4]) expect(one.largestLogitError).toBeGreaterThan(one.meanLogitError);
  const { stdout: table } = await compare('--weights', 'f16');
  expect(table.split('\n')).toEqual([
    expect.stringMatching(/^\| weights \| same tokens drawn /),
    expect.stringMatching(/^\| --- /),
    expect.stringMatching(/^\| f32 \| 100\.0 % \| 100\.0 % \| 0\.0 \| 0\.0 \| .* \| equal \|$/),
    expect.stringMatching(/^\| f16 \| /),
    '',
  ]);
});

test('a way that does not exist is named with the nearest', async () => {
  const { code, stderr } = await compare('--weights', 'f16,int9');
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/--weights: expected some of .*got "int9"\. Did you mean "int8"/),
  ]);
});
