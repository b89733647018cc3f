import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '../errors.js';
import {
  fixed,
  flag,
  integer,
  list,
  named,
  objectOrFile,
  oneOf,
  optional,
  readSettings,
  real,
  section,
  snakeCase,
  text,
} from './fields.js';

const read = section({
  steps: integer({ min: 1 }),
  rate: real({ above: 0, max: 1, default: 0.5 }),
  name: text({ default: 'run' }),
  on: flag(true),
  decay: oneOf(['none', 'linear', 'cosine']),
  limit: optional(real({ min: 0 })),
  model: optional(objectOrFile),
  inner: section({ every: integer({ min: 0, default: 50 }), keep: integer({ default: 2 }) }),
});

test('defaults are filled in, sections included; null and absent optional settings are null', () => {
  expect(read({ steps: 3, limit: null }, 'x.json: ')).toEqual({
    steps: 3,
    rate: 0.5,
    name: 'run',
    on: true,
    decay: 'none',
    limit: null,
    model: null,
    inner: { every: 50, keep: 2 },
  });
});

test('given values are kept', () => {
  const given = {
    steps: 9,
    rate: 1,
    name: 'n',
    on: false,
    decay: 'cosine',
    limit: 0,
    model: { d: 1 },
    inner: { every: 0, keep: -1 },
  };
  expect(read(given, '')).toEqual(given);
  expect(read({ ...given, model: 'm.json' }, '').model).toBe('m.json');
});

describe('refused, by place, expectation and value', () => {
  test.each([
    [
      'an unknown setting, with the nearest',
      { steps: 1, inner: { evry: 3 } },
      'x.json: inner.evry: there is no such setting. Did you mean "every"?',
    ],
    [
      'an unknown setting at the top',
      { step: 1 },
      'x.json: step: there is no such setting. Did you mean "steps"?',
    ],
    ['a missing one', {}, 'x.json: steps: expected a whole number from 1, it is missing.'],
    [
      'a fraction for a whole number',
      { steps: 1.5 },
      'x.json: steps: expected a whole number from 1, got 1.5.',
    ],
    ['too small a number', { steps: 0 }, 'got 0'],
    ['the excluded bound', { steps: 1, rate: 0 }, 'x.json: rate: expected a number above 0 to 1, got 0.'],
    ['too large a number', { steps: 1, rate: 1.1 }, 'got 1.1'],
    ['a number as text', { steps: '3' }, 'got "3"'],
    [
      'a word that is near another',
      { steps: 1, decay: 'cosin' },
      'x.json: decay: expected "none" or "linear" or "cosine", got "cosin". Did you mean "cosine"?',
    ],
    ['a text that is no flag', { steps: 1, on: 'yes' }, 'x.json: on: expected true or false, got "yes".'],
    ['an empty text', { steps: 1, name: '' }, 'x.json: name: expected a text'],
    [
      'a list for a section',
      { steps: 1, inner: [] },
      'x.json: inner: expected an object of settings, got [].',
    ],
    [
      'a number for a model',
      { steps: 1, model: 3 },
      'x.json: model: expected an object of settings or the name of a JSON file, got 3.',
    ],
    ['no object at all', 'text', 'expected an object of settings, got "text"'],
  ])('%s', (_, json, message) => {
    expect(() => read(json, 'x.json: ')).toThrow(ConfigError);
    expect(() => read(json, 'x.json: ')).toThrow(message);
  });
});

test("an object with names of the user's own", () => {
  const sets = section({ evals: named(text()) });
  expect(sets({}, 'x: ')).toEqual({ evals: {} });
  expect(sets({ evals: { birds: 'a', cats: 'b' } }, 'x: ')).toEqual({ evals: { birds: 'a', cats: 'b' } });
  expect(() => sets({ evals: { birds: 3 } }, 'x: ')).toThrow(/evals\.birds: expected a text, got 3/);
  expect(() => sets({ evals: ['a'] }, 'x: ')).toThrow(/evals: expected an object/);
});

describe('a section of a file with other names', () => {
  const form = { nameOf: snakeCase, ignored: new Set(['torch_dtype']) };
  const sizes = section({ dModel: integer({ min: 1, default: 8 }), useBias: flag(false) }, form);

  test('fields have our names, settings those of the file; what is ignored may hold anything', () => {
    expect(sizes({ d_model: 5, torch_dtype: [] }, 'c: ')).toEqual({ dModel: 5, useBias: false });
    expect(sizes({ d_model: null }, 'c: ')).toEqual({ dModel: 8, useBias: false });
  });

  test('messages have the names of the file', () => {
    expect(() => sizes({ d_model: 0 }, 'c: ')).toThrow('c: d_model: expected a whole number from 1, got 0.');
    expect(() => sizes({ dModel: 5 }, 'c: ')).toThrow(
      'c: dModel: there is no such setting. Did you mean "d_model"? Settings here: d_model, use_bias.',
    );
    expect(() => sizes({ constructor: 1 }, 'c: ')).toThrow('c: constructor: there is no such setting.');
  });

  test('what an object inherits is no setting of it', () => {
    expect(sizes(Object.create({ d_model: 5 }), 'c: ').dModel).toBe(8);
  });

  test('a whole file must be an object', () => {
    expect(readSettings(sizes, {}, 'c.json')).toEqual({ dModel: 8, useBias: false });
    for (const json of [null, undefined, [], 'text'])
      expect(() => readSettings(sizes, json, 'c.json')).toThrow(/^c\.json: expected an object of settings, /);
  });
});

test('a list of at least so many entries', () => {
  const factors = list(integer({ min: 1 }), [1, 2], 2);
  expect(factors(undefined, 'f')).toEqual([1, 2]);
  expect(() => factors([1], 'f')).toThrow('f: expected a list of at least 2 entries, got [1].');
  expect(() => factors([1, 0.5], 'f')).toThrow('f[1]: expected a whole number from 1, got 0.5.');
});

test('a setting that can have one value only', () => {
  const dropout = fixed(0, 'No other is implemented.');
  expect([dropout(0, 'd'), dropout(undefined, 'd'), dropout(null, 'd')]).toEqual([0, 0, 0]);
  expect(() => dropout(0.1, 'd')).toThrow('d: expected 0, got 0.1. No other is implemented.');
});

test('a long value is cut off in messages', () => {
  expect(() => flag(true)('x'.repeat(200), 'f')).toThrow(
    `f: expected true or false, got "${'x'.repeat(76)}….`,
  );
});
