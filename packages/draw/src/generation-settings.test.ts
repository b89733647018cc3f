import { expect, test } from '@jest/globals';
import {
  generationSettingsToJson,
  parseGenerationSettings,
  standardSettings,
  trainedSettings,
} from './generation-settings.js';

test("the standard: the config's values, no super conditioning", () => {
  expect(standardSettings({ topK: 50, topP: 1, temperature: 0.9 })).toEqual({
    topK: 50,
    topP: 1,
    temperature: 0.9,
    conditionScale: 1,
  });
});

test("the original's notebook adds super conditioning; a trained model needs blank captions for it", () => {
  const config = { topK: 50, topP: 1, temperature: 0.9 };
  expect(standardSettings(config, true)).toEqual({ ...config, conditionScale: 10 });
  expect(trainedSettings(0.1)).toEqual({ topK: 64, temperature: 0.5, conditionScale: 1.5 });
  expect(trainedSettings(0).conditionScale).toBe(1);
});

test('only what is named is set, and round-trips', () => {
  const json = generationSettingsToJson({ conditionScale: 2, topK: 64 });
  expect(json).toEqual({ top_k: 64, condition_scale: 2 });
  expect(parseGenerationSettings(JSON.stringify(json))).toEqual({ topK: 64, conditionScale: 2 });
});

test.each([
  ['{"temprature":1}', 'generation.json: temprature: there is no such setting. Did you mean "temperature"?'],
  ['{"top_k":"64"}', 'generation.json: top_k: expected a whole number from 0, got "64"'],
  ['{', 'generation.json: not JSON'],
  ['[1]', 'generation.json: expected an object of settings, got [1]'],
  ['{"temperature":0}', 'generation.json: temperature: expected a number above 0, got 0'],
])('refused: %s', (text, message) => {
  expect(() => parseGenerationSettings(text)).toThrow(message);
});
