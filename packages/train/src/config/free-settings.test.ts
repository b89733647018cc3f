import { flag, integer, optional, section, text } from '@easel/core/config';
import { expect, test } from '@jest/globals';
import { freeOnResume, freeSettings } from './free-settings.js';
import { FREE_SEQ2SEQ_SETTINGS } from './seq2seq-config.js';
import { FREE_VQGAN_SETTINGS } from './vqgan-config.js';

test('paths of marked fields, within sections too; a marked section stands for all in it', () => {
  const fields = {
    steps: integer(),
    log: freeOnResume(section({ every: integer({ default: 1 }) })),
    data: section({ train: text(), limit: freeOnResume(integer({ default: 3 })) }),
    judge: optional(section({ loud: freeOnResume(flag(true)) })),
  };
  expect(freeSettings(fields)).toEqual(['log', 'data.limit', 'judge.loud']);
});

test('a marked field reads as before', () => {
  const every = freeOnResume(integer({ min: 1, default: 4 }));
  expect(every(undefined, 'every')).toBe(4);
  expect(() => every(0, 'every')).toThrow('every: expected a whole number from 1, got 0.');
});

test('what the two trainings let a resumed run change', () => {
  expect([...FREE_SEQ2SEQ_SETTINGS].sort()).toEqual([
    'checkpoint',
    'data.eval',
    'data.evals',
    'data.maxEvalRows',
    'data.repeatEpoch',
    'data.train',
    'evaluation',
    'exportDtype',
    'exportOriginal',
    'log',
    'ranks',
    'samples',
    'vqgan',
    'vqganParts',
  ]);
  expect([...FREE_VQGAN_SETTINGS].sort()).toEqual([
    'checkpoint',
    'data.eval',
    'data.memoryLimit',
    'data.train',
    'evaluation',
    'exportDtype',
    'log',
  ]);
});
