import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { deserialize, toFloat32 } from 'safetensors-ts';
import { inversePthRoot, powerIterationStart } from './inverse-root.js';

const golden = (name: string) =>
  readFileSync(new URL(`../../../../reference/golden/optimizers/${name}`, import.meta.url));
const { tensors } = deserialize(new Uint8Array(golden('inverse_roots.safetensors')));
const values = (key: string): Float32Array => toFloat32(tensors.get(key) as never);

// The original's own roots: packages/conformance, kind `optimizers`.

beforeAll(async () => {
  await tf.setBackend('cpu');
});

test('the start of the power iteration is numpy’s', () => {
  const start = values('power_iteration_start');
  expect(powerIterationStart(start.length)).toEqual(start);
  expect(powerIterationStart(7)).toEqual(start.slice(0, 7));
});

test.each([2, 4])('padding by two numbers is padding by an identity, p = %d', async (p) => {
  const n = 5;
  const size = 9;
  const [s, padded] = tf.tidy(() => {
    const a = tf.randomNormal([n, n], 0, 1, 'float32', 3) as tf.Tensor2D;
    const s = tf.matMul(a, a, false, true) as tf.Tensor2D;
    const padded = tf.add(
      tf.pad(s, [
        [0, size - n],
        [0, size - n],
      ]),
      tf.diag(tf.tensor1d([...Array(n).fill(0), ...Array(size - n).fill(1)])),
    ) as tf.Tensor2D;
    return [s, padded];
  });
  const before = tf.memory().numTensors;
  // Beside each other, as an optimizer computes them.
  const [small, large] = await Promise.all([inversePthRoot(s, p, size), inversePthRoot(padded, p)]);
  expect(tf.memory().numTensors).toBe(before + 2);
  tf.tidy(() => {
    const corner = tf.slice(large.root, [0, 0], [n, n]);
    expect(tf.max(tf.abs(tf.sub(small.root, corner))).dataSync()[0]).toBeLessThan(2e-6);
  });
  tf.dispose([s, padded, small.root, large.root]);
});

test('what is not square or too large is refused', async () => {
  await expect(inversePthRoot(tf.zeros([2, 3]), 2)).rejects.toThrow(/square matrix/);
  await expect(inversePthRoot(tf.zeros([4, 4]), 2, 3)).rejects.toThrow(/at most 3 rows/);
});
