import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openVqgan, saveVqgan } from '@easel/vqgan/node';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { tinyVqganConfig, writeTinyModel, writeTinyVqgan } from '../../../draw/testing/tiny-model.js';
import { runEasel, testBackend } from '../../testing/run-easel.js';

jest.setTimeout(300_000); // a busy machine

let root: string;
const at = (...parts: string[]) => join(root, ...parts);

beforeAll(async () => {
  await tf.setBackend(testBackend);
  root = mkdtempSync(join(tmpdir(), 'easel-cli-tune-'));
  mkdirSync(at('pictures'));
  for (const [i, background] of ['red', 'lime', 'blue'].entries()) {
    const create = { width: 20 + i, height: 18, channels: 3 as const, background };
    await sharp({ create })
      .png()
      .toFile(at('pictures', `${background}.png`));
    writeFileSync(at('pictures', `${background}.txt`), `a ${background} wall\nübersetzt\n`);
  }
  writeFileSync(at('pictures', 'broken.png'), 'no picture');
  writeFileSync(at('pictures', 'broken.txt'), 'a broken wall');
  await writeTinyModel(at('model'));
  // 16 pixels, which can be judged: four for a token
  await writeTinyVqgan(at('model', 'vqgan'), { ...tinyVqganConfig, ch_mult: [1, 1, 1], resolution: 16 });
  writeFileSync(at('known.txt'), 'a dog\na red heart\n');
});
afterAll(() => rmSync(root, { recursive: true }));

const tune = (...more: string[]) =>
  runEasel('tune', at('pictures'), '--from', at('model'), '--prompts', at('known.txt'), ...more);

describe('tune', () => {
  test('a model that draws, a sheet of before and after, and what was left out', async () => {
    const args = [
      '--out',
      at('tuned'),
      '--minutes',
      '0.001',
      '--caption-lines',
      'first',
      '--decoder-below',
      '0',
    ];
    const { code, stdout, stderr } = await tune(...args);
    expect([code, stdout]).toEqual([0, `${at('tuned')}\n${at('tuned', 'before-after.png')}\n`]);
    expect(stderr).toContain("1 picture can't be used: undecodable 1; named in");
    expect(stderr).toContain('3 pictures with 3 captions');
    expect(stderr).toMatch(/1\/4 {2}pictures → tokens/);
    expect(stderr).toMatch(/4\/4 {2}text → tokens/);
    expect(stderr).toContain('left in all');
    expect(stderr).toMatch(/Draw with: easel generate "a blue wall" --model .*tuned/);
    // three captions and two prompts: pairs of 16 pixels, two apart, four in a row
    const { width } = await sharp(at('tuned', 'before-after.png')).metadata();
    expect(width).toBeGreaterThanOrEqual(4 * 34);
    expect(width).toBeLessThan(4 * 34 + 12);
    expect(readFileSync(at('tuned', 'prompts.txt'), 'utf8').split('\n')).toEqual(
      expect.arrayContaining(['a red wall', 'a dog']),
    );
    const { code: drawn } = await runEasel(
      'generate',
      'a red wall',
      '--model',
      at('tuned'),
      '--out',
      at('drawn'),
    );
    expect(drawn).toBe(0);

    const again = await tune('--out', at('tuned'), '--caption-lines', 'first', '--json');
    const result = JSON.parse(again.stdout);
    expect(result).toMatchObject({ complete: true, model: at('tuned'), pictures: 3, rehearsed: 2 });
    expect(result.known).toEqual(['a dog', 'a red heart']);
  });

  test('refused with what to do, and nothing is left', async () => {
    await writeTinyModel(at('half'));
    const vqgan = await openVqgan(at('half', 'vqgan'));
    await saveVqgan(at('half', 'vqgan'), vqgan, { decoderOnly: true });
    vqgan.dispose();
    const refused = async (message: RegExp, ...args: string[]) => {
      const { code, stderr } = await runEasel('tune', ...args, '--out', at('none'), '--quiet');
      expect(stderr).toMatch(message);
      expect(code).toBeGreaterThan(0);
      expect(existsSync(at('none'))).toBe(false);
    };
    await refused(/half\/vqgan: this VQGAN has no encoder/, at('pictures'), '--from', at('half'));
    await refused(/\(from --from\) does not exist/, at('pictures'), '--from', at('nowhere'));
    await refused(
      /is a VQGAN, which turns codes into pixels/,
      at('pictures'),
      '--from',
      at('model', 'vqgan'),
    );
    await refused(/nowhere/, at('nowhere'), '--from', at('model'));
    await refused(/--rehearsal: expected/, at('pictures'), '--rehearsal', '1.5');
    await refused(/expected one prompt a line/, at('pictures'), '--prompts', emptyFile());
  });

  const emptyFile = () => {
    writeFileSync(at('empty.txt'), '\n');
    return at('empty.txt');
  };
});

describe('judge', () => {
  test('captions of pictures; a list of judged prompts', async () => {
    const { code, stdout } = await runEasel(
      ...['judge', at('pictures'), '--model', at('model'), '--caption-lines', 'first', '--quiet'],
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^\d+\.\d % nearest to their own picture, 100\.0 % among the five nearest: 3 drawings of 3 prompts \(captions\), 3 pictures; chance 33\.33 %\n$/,
    );
    const prompts = [{ prompt: 'anything', file: 'pictures/red.png', concept: 'red' }];
    writeFileSync(at('prompts.json'), JSON.stringify({ plain: prompts }));
    const json = await runEasel(
      ...['judge', at('prompts.json'), '--model', at('model'), '--images', '2', '--quiet', '--json'],
    );
    // One picture in the gallery: whatever is drawn is nearest to it.
    expect(JSON.parse(json.stdout)).toMatchObject({ list: 'plain', drawings: 2, gallery: 1, top1: 100 });
  });

  test('what is refused', async () => {
    const judge = (...args: string[]) => runEasel('judge', ...args, '--model', at('model'), '--quiet');
    const list = await judge(at('pictures'), '--list', 'plain');
    expect([list.code, list.stderr]).toEqual([2, expect.stringContaining('has no prompts.json with lists')]);
    await writeTinyModel(at('eight'));
    const small = await runEasel('judge', at('pictures'), '--model', at('eight'), '--quiet');
    expect([small.code, small.stderr]).toEqual([1, expect.stringContaining('got a side of 8')]);
  });
});
