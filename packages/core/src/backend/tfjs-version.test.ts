import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { checkTfjsVersion } from './tfjs-version.js';

test('the tfjs that is installed will do, and so will its patches; others are an error with the remedy', () => {
  expect(() => checkTfjsVersion(tf.version_core)).not.toThrow();
  expect(() => checkTfjsVersion('4.22.9')).not.toThrow();
  for (const other of ['4.21.0', '4.220.0', '5.0.0'])
    expect(() => checkTfjsVersion(other)).toThrow(
      `expected version 4.22.x, got ${other}. Install the one that Easel uses: npm install @tensorflow/tfjs@~4.22.0`,
    );
});
