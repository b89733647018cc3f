import { expect, test } from '@jest/globals';
import type { DrawerFacts } from '../drawing/drawer.js';
import { freshValues, requestOf, valuesOf } from './form-values.js';
import { pictureName } from './picture-name.js';

const settings = { topK: 64, topP: 1, temperature: 0.5, conditionScale: 1.5 };
const facts: DrawerFacts = {
  ...{ model: 'tiny', width: 8, height: 8, settings, examples: [], images: 4, promptLength: 10 },
  backend: { name: 'cpu', reason: 'asked for' },
};
const values = freshValues(facts, ' a dog ');

test('a fresh form asks for as many pictures as there may be, with a random seed', () => {
  expect(requestOf(values, facts, () => 0.5)).toEqual({
    ...{ prompt: 'a dog', images: 4, seed: 2 ** 31, settings },
  });
  expect(requestOf(values, facts, () => 1 - 2 ** -53)).toMatchObject({ seed: 2 ** 32 - 1 });
});

test('a form of a request asks for it again', () => {
  const request = { prompt: 'a cat', images: 2, seed: 7, settings: { ...settings, topP: 0.9 } };
  expect(requestOf(valuesOf(request), facts)).toEqual(request);
});

test.each([
  [{ prompt: ' ' }, 'Say what to draw first.'],
  [{ prompt: 'a very large dog' }, 'The prompt has 16 characters; 10 can be read at most.'],
  [{ seed: '1.5' }, 'Seed: expected a whole number from 0 to 4,294,967,295.'],
  [{ seed: '4294967296' }, 'Seed: expected a whole number from 0 to 4,294,967,295.'],
  [{ images: '5' }, 'Pictures: expected a whole number from 1 to 4.'],
  [{ temperature: '' }, 'Temperature: expected a number from 0.01 to 100.'],
  [{ topP: '2' }, 'Top-p: expected a number from 0 to 1.'],
  [{ topK: 'x' }, 'Top-k: expected a whole number from 0 to 1,000,000.'],
])('%j is refused', (changes, fault) => {
  expect(requestOf({ ...values, ...changes }, facts)).toEqual({ fault });
});

test("a picture's file has its prompt's words, its seed and its number", () => {
  const of = (prompt: string) => pictureName({ prompt, images: 1, seed: 7, settings }, 2);
  expect(of('A Red/Héart!')).toBe('a-red-héart-7-2.png');
  expect(of('🦊')).toBe('picture-7-2.png');
  expect(of('x'.repeat(99))).toBe(`${'x'.repeat(60)}-7-2.png`);
});
