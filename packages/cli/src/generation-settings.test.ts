import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DalleBartConfig } from '@easel/bart';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { generationSettingsToJson, readGenerationSettings } from './generation-settings.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'easel-settings-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const config = { topK: 50, topP: 1, temperature: 0.9 } as DalleBartConfig;
const read = (text: string) => {
  writeFileSync(join(folder, 'generation.json'), text);
  return readGenerationSettings(folder, config);
};

test("without a file: the config's values, no super conditioning", async () => {
  expect(await readGenerationSettings(join(folder, 'none'), config)).toEqual({
    topK: 50,
    topP: 1,
    temperature: 0.9,
    conditionScale: 1,
  });
});

test('the file wins where it says something, and round-trips', async () => {
  const json = generationSettingsToJson({ conditionScale: 2, topK: 64 });
  expect(json).toEqual({ top_k: 64, condition_scale: 2 });
  expect(await read(JSON.stringify(json))).toEqual({
    topK: 64,
    topP: 1,
    temperature: 0.9,
    conditionScale: 2,
  });
});

test('unknown key, wrong type, no JSON, no object', async () => {
  await expect(read('{"temprature":1}')).rejects.toThrow('unknown key temprature. Did you mean temperature?');
  await expect(read('{"top_k":"64"}')).rejects.toThrow('expected top_k to be a number, got "64"');
  await expect(read('{')).rejects.toThrow('not valid JSON');
  await expect(read('[1]')).rejects.toThrow('expected an object with top_k');
});
