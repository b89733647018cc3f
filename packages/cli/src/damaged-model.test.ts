import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyModel } from '@easel/core';
import { folderFiles } from '@easel/core/node';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { runEasel } from '../testing/run-easel.js';
import { damageOf } from './commands/doctor.js';
import { findShippedModel } from './model-folder.js';

jest.setTimeout(300_000); // a busy machine

const shipped = findShippedModel() as string;
const RESTORE = 'To restore it: git checkout -- data/models/emoji ';

test('the files of the shipped model are as its manifest lists them', async () => {
  expect(await verifyModel(folderFiles(shipped))).toBeGreaterThanOrEqual(10);
  expect(await damageOf(shipped)).toBeNull();
});

describe('a damaged copy of the shipped model', () => {
  let model: string;
  beforeEach(() => {
    model = join(mkdtempSync(join(tmpdir(), 'easel-damaged-')), 'emoji');
    cpSync(shipped, model, { recursive: true });
  });
  afterEach(() => rmSync(join(model, '..'), { recursive: true }));

  const draw = () => runEasel('generate', 'a dog', '--model', model, '--out', join(model, '..', 'out'));
  const flip = (name: string, at: number) => {
    const bytes = readFileSync(join(model, name));
    bytes[at] = 0xff ^ (bytes[at] as number);
    writeFileSync(join(model, name), bytes);
  };

  test.each<[name: string, damage: () => void, fault: string]>([
    ['weights cut', () => truncateSync(join(model, 'model.safetensors'), 1000), 'has 1000 bytes in place of'],
    [
      'weights empty',
      () => truncateSync(join(model, 'vqgan/model.safetensors'), 0),
      'has 0 bytes in place of',
    ],
    ['weights missing', () => rmSync(join(model, 'model.safetensors')), 'model.safetensors is missing'],
    ['config missing', () => rmSync(join(model, 'config.json')), 'config.json is missing'],
    [
      'VQGAN missing',
      () => rmSync(join(model, 'vqgan'), { recursive: true }),
      'vqgan/config.json is missing',
    ],
    ['vocabulary missing', () => rmSync(join(model, 'vocab.json')), 'vocab.json is missing'],
    ['config flipped', () => flip('config.json', 0), 'config.json has other bytes than it had'],
    ['vocabulary flipped', () => flip('vocab.json', 1), 'vocab.json has other bytes than it had'],
    ['header flipped', () => flip('model.safetensors', 9), 'model.safetensors has other bytes than it had'],
  ])('%s: generate says what and how to restore it', async (_, damage, fault) => {
    damage();
    const { code, stderr, stdout } = await draw();
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('is damaged: ');
    expect(stderr).toContain(fault);
    expect(stderr).toContain(RESTORE);
  });

  test('a flipped weight draws; doctor and inspect --verify find it', async () => {
    flip('model.safetensors', 5_000_001);
    expect(await damageOf(model)).toMatch(/model\.safetensors has other bytes than it had/);
    const { code, stderr } = await runEasel('inspect', model, '--verify');
    expect([code, stderr]).toEqual([1, expect.stringContaining(RESTORE)]);
  });

  test("settings that are a user's to change are not listed", async () => {
    writeFileSync(join(model, 'generation.json'), '{"temperature": 0.9}');
    const { code, stdout } = await runEasel('inspect', model, '--verify');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/files are as manifest\.json lists them\n$/)]);
  });

  test('decode and encode name a damaged VQGAN', async () => {
    truncateSync(join(model, 'vqgan', 'model.safetensors'), 0);
    const encoded = join(model, '..', 'set.jsonl');
    writeFileSync(encoded, '{"caption": "a", "encoding": [1]}\n');
    const { code, stderr } = await runEasel(
      'decode',
      encoded,
      '--vqgan',
      model,
      '--out',
      join(model, '..', 'out'),
    );
    expect([code, stderr]).toEqual([1, expect.stringContaining(RESTORE)]);
  });
});
