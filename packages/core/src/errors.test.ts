import { expect, test } from '@jest/globals';
import { CheckpointError, ConfigError, didYouMean, EaselError, nearest } from './errors.js';

test('errors carry their class as name, and are EaselErrors', () => {
  const error = new CheckpointError('model.safetensors: truncated', { cause: new Error('read') });
  expect([error.name, error instanceof EaselError, (error.cause as Error).message]).toEqual([
    'CheckpointError',
    true,
    'read',
  ]);
  expect(new ConfigError('x') instanceof CheckpointError).toBe(false);
});

test('nearest: a slip is found, another word is not', () => {
  const options = ['top-k', 'top-p', 'temperature', 'seed'];
  expect(nearest('temprature', options)).toBe('temperature');
  expect(nearest('TOP-K', options)).toBe('top-k');
  expect(nearest('sede', options)).toBe('seed'); // neighbours swapped: one edit
  expect(nearest('sxex', options)).toBeUndefined(); // two edits of four letters: more than a third
  expect(nearest('model', options)).toBeUndefined();
  expect(nearest('', options)).toBeUndefined();
  expect(nearest('a', [])).toBeUndefined();
  expect(nearest('x', ['y'])).toBe('y'); // one edit is always allowed
});

test('didYouMean ends a message, or adds nothing', () => {
  expect(didYouMean('sed', ['seed'])).toBe(' Did you mean "seed"?');
  expect(didYouMean('model', ['seed'])).toBe('');
});
