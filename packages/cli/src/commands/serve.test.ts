import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@easel/core';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import OpenAI from 'openai';
import { writeTinyModel } from '../../../draw/testing/tiny-model.js';
import { startEasel, whenBuilt } from '../../testing/easel-process.js';
import { runEasel } from '../../testing/run-easel.js';

jest.setTimeout(300_000); // a busy machine

whenBuilt('easel serve (skipped before npm run build)', () => {
  let root: string;
  beforeAll(async () => {
    await selectBackend('cpu');
    root = mkdtempSync(join(tmpdir(), 'easel-serve-'));
    await writeTinyModel(join(root, 'mine'));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  test('prints its address and draws; SIGTERM finishes what it has accepted and exits with 0', async () => {
    const words = [
      'serve',
      '--model',
      join(root, 'mine'),
      '--port',
      '0',
      '--backend',
      'cpu',
      '--max-images',
      '50',
    ];
    const { child, ended } = startEasel([...words, '--slots', '1']);
    const url = await new Promise<string>((resolve) => {
      child.stdout?.once('data', (text) => resolve(String(text).trim()));
    });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    const client = new OpenAI({ baseURL: `${url}v1`, apiKey: 'any', maxRetries: 0 });
    const drawing = client.images.generate({ prompt: 'a dog', n: 50, model: 'mine' });
    const isDrawing = async () =>
      /^easel_batch_pictures 1$/m.test(await (await fetch(`${url}metrics`)).text());
    while (!(await isDrawing())) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGTERM');
    expect((await drawing).data).toHaveLength(50);
    const { code, stdout, stderr } = await ended;
    expect([code, stdout]).toEqual([0, `${url}\n`]);
    expect(stderr).toContain('Finishing what was accepted');
    expect(stderr).toContain('"path":"/v1/images/generations","status":200');
  });

  test('a model that does not open ends it with one sentence', async () => {
    expect(await runEasel('serve', '--model', join(root, 'none'), '--port', '0')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('does not exist'),
    });
  });
});
