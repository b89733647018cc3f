import { expect, test } from '@jest/globals';
import { defaultEpochs, lengthOf } from './run-length.js';

const updatesIn = (perEpoch: number) => (epochs: number) => epochs * perEpoch;

test('steps, else epochs, else what the size of the data says', async () => {
  const never = () => Promise.reject(new Error('counted without need'));
  expect(await lengthOf('seq2seq', { steps: 7, epochs: null }, never)).toEqual({ steps: 7, from: 'steps' });
  expect(await lengthOf('vqgan', { steps: null, epochs: 4 }, updatesIn(10))).toEqual({
    steps: 40,
    from: 'epochs',
    epochs: 4,
  });
  expect(await lengthOf('vqgan', { steps: null, epochs: null }, updatesIn(231))).toEqual({
    steps: 5544, // the shipped set: 1,852 pictures, 8 at a time
    from: 'default',
    epochs: 24,
  });
});

test.each([
  ['seq2seq', 578, 5], // the shipped set: 18,520 captions, 32 at a time; 3000 / 578 is 5.19
  ['seq2seq', 100, 30],
  ['seq2seq', 1, 300],
  ['seq2seq', 1e6, 5],
  ['vqgan', 12, 400], // 100 pictures
  ['vqgan', 100, 55],
  ['vqgan', 1e6, 5],
] as const)('%s, %d updates a pass: %d passes', (kind, perEpoch, epochs) => {
  expect(defaultEpochs(kind, perEpoch)).toBe(epochs);
});

test('data that fills no update gives none', async () => {
  const length = await lengthOf('seq2seq', { steps: null, epochs: null }, updatesIn(0));
  expect(length).toMatchObject({ steps: 0, from: 'default' });
});
