import { ConfigError } from '@easel/core';
import { describe, expect, test } from '@jest/globals';
import {
  choice,
  flag,
  integer,
  named,
  objectOrFile,
  optional,
  real,
  section,
  text,
  withAssignments,
} from './fields.js';

const read = section({
  steps: integer({ min: 1 }),
  rate: real({ above: 0, max: 1, default: 0.5 }),
  name: text({ default: 'run' }),
  on: flag(true),
  decay: choice(['none', 'linear', 'cosine']),
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

describe('withAssignments', () => {
  test('sets values below new and old sections, as JSON or as text, and leaves the given config alone', () => {
    const config = { steps: 1, inner: { every: 2 } };
    expect(
      withAssignments(config, ['inner.every=5', 'data.train=a b=c', 'limit=null', 'list=[1,2]', 'on=false']),
    ).toEqual({
      steps: 1,
      inner: { every: 5 },
      data: { train: 'a b=c' },
      limit: null,
      list: [1, 2],
      on: false,
    });
    expect(config).toEqual({ steps: 1, inner: { every: 2 } });
  });

  test.each([
    ['steps', /expected name=value/],
    ['=3', /expected name=value/],
    ['steps.x=3', /'steps' is no object/],
  ])('refused: %s', (assignment, message) => {
    expect(() => withAssignments({ steps: 1 }, [assignment])).toThrow(message);
  });
});

test("an object with names of the user's own", () => {
  const sets = section({ evals: named(text()) });
  expect(sets({}, 'x: ')).toEqual({ evals: {} });
  expect(sets({ evals: { birds: 'a', cats: 'b' } }, 'x: ')).toEqual({ evals: { birds: 'a', cats: 'b' } });
  expect(() => sets({ evals: { birds: 3 } }, 'x: ')).toThrow(/evals\.birds: expected a text, got 3/);
  expect(() => sets({ evals: ['a'] }, 'x: ')).toThrow(/evals: expected an object/);
});
