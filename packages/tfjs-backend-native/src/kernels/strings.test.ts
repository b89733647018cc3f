import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import '../index.js';

beforeAll(() => {
  tf.setBackend('native');
});

test('texts of any shape are rewritten, the first match or all, and none is left behind', async () => {
  const before = tf.memory().numTensors;
  const x = tf.tensor2d(
    [
      ['a b', 'ab ba'],
      ['é', ''],
    ],
    [2, 2],
    'string',
  );
  const all = tf.string.staticRegexReplace(x, '([ab])', '<\\1>');
  expect(all.shape).toEqual([2, 2]);
  expect(await all.data()).toEqual(['<a> <b>', '<a><b> <b><a>', 'é', '']);
  const first = tf.string.staticRegexReplace(x, '([ab])', '$1', false);
  expect(await first.data()).toEqual(['$1 b', '$1b ba', 'é', '']);
  const none = tf.string.staticRegexReplace(tf.tensor1d([], 'string'), 'a', 'b');
  expect([none.shape, await none.data()]).toEqual([[0], []]);
  tf.dispose([x, all, first, none]);
  expect(tf.memory().numTensors - before).toBe(1); // the empty input
});
