import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import '../index.js';
import { addon, setTarget } from '../addon.js';

describe('tf.fused.matMul on native', () => {
  beforeAll(async () => void (await tf.setBackend('native')));

  const activations = ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu'] as const;

  /** Values in steps of 1/8, so that products are exact whatever the order. */
  const steps = (shape: number[], seed: number) => {
    const size = tf.util.sizeFromShape(shape);
    return tf.tensor(
      Float32Array.from({ length: size }, (_, i) => (((i * 37 + seed * 11) % 65) - 32) / 8),
      shape,
    );
  };

  const plain = (y: tf.Tensor, activation: (typeof activations)[number], alpha: number): tf.Tensor => {
    if (activation === 'linear') return y;
    if (activation === 'leakyrelu') return tf.leakyRelu(y, alpha);
    const { relu, relu6, elu, sigmoid } = tf;
    return { relu, relu6, elu, sigmoid }[activation](y);
  };

  test('[1,2]x[2,2] with bias and relu by hand', () => {
    // [1 2]·[1 -1; 1 -1] = [3 -3]; + [1 1] = [4 -2]; relu = [4 0]
    const a = tf.tensor2d([[1, 2]]);
    const b = tf.tensor2d([[1, -1], [1, -1]]); // biome-ignore format: matrix
    const y = tf.fused.matMul({ a, b, bias: tf.tensor1d([1, 1]), activation: 'relu' });
    expect([...y.dataSync()]).toEqual([4, 0]);
  });

  // One size a path: few rows, in place, packed, batched.
  const sizes = [
    { a: [3, 20], b: [20, 45] },
    { a: [19, 20], b: [20, 45] },
    { a: [130, 100], b: [100, 101] },
    { a: [6, 33, 12], b: [6, 12, 21] },
  ];
  for (const target of addon().status().targets) {
    test.each(sizes)(`$a x $b, every activation, on ${target}`, ({ a, b }) => {
      const previous = setTarget(target);
      const x = steps(a, 1);
      const w = steps(b, 2);
      const bias = steps([b.at(-1) as number], 3);
      for (const activation of activations) {
        const fused = tf.fused.matMul({
          a: x as tf.Tensor2D,
          b: w as tf.Tensor2D,
          bias,
          activation,
          leakyreluAlpha: 0.3,
        });
        const expected = plain(tf.add(tf.matMul(x, w), bias), activation, 0.3).dataSync();
        const got = fused.dataSync();
        let worst = 0;
        expected.forEach((value, i) => {
          worst = Math.max(worst, Math.abs(value - (got[i] as number)) / (1 + Math.abs(value)));
        });
        expect({ activation, close: worst < 1e-6 }).toEqual({ activation, close: true });
      }
      setTarget(previous);
    });
  }

  test('a bias that is not one value a column, prelu, and nothing left behind', () => {
    const a = steps([3, 4], 1) as tf.Tensor2D;
    const b = steps([4, 5], 2) as tf.Tensor2D;
    const alpha = tf.tensor2d([[0.1, 0.2, 0.3, 0.4, 0.5]]);
    const before = tf.memory().numDataBuffers;
    const scalar = tf.tidy(() =>
      tf.fused.matMul({ a, b, bias: tf.scalar(2), activation: 'relu' }).dataSync(),
    );
    const prelu = tf.tidy(() => {
      return tf.fused
        .matMul({ a, b, bias: tf.ones([5]), activation: 'prelu', preluActivationWeights: alpha })
        .dataSync();
    });
    expect(tf.memory().numDataBuffers).toBe(before);
    const product = tf.matMul(a, b);
    expect(scalar).toEqual(tf.relu(product.add(2)).dataSync());
    expect(prelu).toEqual(tf.prelu(product.add(1), alpha).dataSync());
  });
});
