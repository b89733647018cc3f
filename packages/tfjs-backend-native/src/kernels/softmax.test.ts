import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  difference,
  expectAsOnCpu,
  LENGTHS,
  someValues,
  underEachTarget,
} from '../../testing/against-cpu.js';
import type { NativeBackend } from '../backend.js';
import '../index.js';

beforeAll(() => {
  tf.setBackend('native');
  (tf.backend() as NativeBackend).pool.poison = true;
});

const run = (name: string, inputs: Record<string, tf.Tensor>) =>
  tf.engine().runKernel(name, inputs) as unknown as tf.Tensor[];

describe.each([
  ['softmax', tf.softmax],
  ['logSoftmax', tf.logSoftmax],
] as const)('%s', (_, f) => {
  test('as the cpu backend, at widths around the vector width', () => {
    for (const n of LENGTHS.slice(1))
      expectAsOnCpu(() => f(tf.tensor3d(someValues(6 * n, 8), [2, 3, n])), {
        absolute: 2e-6,
        relative: 2e-6,
      });
  });
  test('of large, infinite and missing values', () => {
    const rows = [
      [1000, 999, 998],
      [-1000, -1001, -999],
      [-Infinity, 0, 1],
      [Infinity, 0, 1],
      [Number.NaN, 0, 1],
      [-Infinity, -Infinity, -Infinity],
    ];
    expectAsOnCpu(() => f(tf.tensor2d(rows)), { absolute: 2e-6, relative: 2e-6 });
  });
  test('of an empty tensor', () => {
    expectAsOnCpu(() => f(tf.zeros([0, 3])));
  });
});

describe('SparseCrossEntropy', () => {
  const [rows, width] = [5, 37];
  const values = someValues(rows * width, 6, 3);
  const labels = [0, 36, 7, 16, 5];
  const reference = (x: ArrayLike<number>) =>
    labels.map((label, r) => {
      const row = Array.from({ length: width }, (_, j) => x[r * width + j] as number);
      const max = Math.max(...row);
      const lse = max + Math.log(row.reduce((sum, value) => sum + Math.exp(value - max), 0));
      return { lse, loss: lse - (row[label] as number) };
    });

  test('of rows that rise past the maximum held, or hold what is no number, at widths around a few vectors', () => {
    const kinds: Record<string, (i: number) => number> = {
      'by just under 2 a vector': (i) => (1.9 * i) / 16,
      'by just over 2 a vector': (i) => 2.1 * Math.floor(i / 16),
      'by one leap': (i) => (i === 70 ? 80 : -3),
      'from -Infinity': (i) => (i < 80 ? -Infinity : Math.sin(i)),
      'to 1e30': (i) => 1e30 * Math.sin(i),
      'with NaN in the second vector': (i) => (i === 20 ? Number.NaN : i),
      'with NaN in the fourth vector': (i) => (i === 60 ? Number.NaN : 0),
      'with Infinity': (i) => (i === 33 ? Infinity : i),
    };
    for (const [kind, valueAt] of Object.entries(kinds))
      for (const n of [1, 15, 16, 17, 63, 64, 65, 127, 128, 129, 1000]) {
        const row = Array.from({ length: n }, (_, i) => Math.fround(valueAt(i)));
        const max = Math.max(...row);
        const lse = max + Math.log(row.reduce((sum, value) => sum + Math.exp(value - max), 0));
        const expected = [lse - (row[0] as number)];
        const tolerance = { absolute: 1e-6 * (1 + Math.abs(row[0] as number)), relative: 1e-6 };
        const inputs = { logits: tf.tensor2d([row]), labels: tf.tensor1d([0], 'int32') };
        underEachTarget((target) => {
          const [loss, ofRow] = run('SparseCrossEntropy', inputs) as [tf.Tensor, tf.Tensor];
          const problem = difference(loss.dataSync(), Float32Array.from(expected), tolerance);
          if (problem) throw new Error(`${target}, ${kind}, ${n} wide${problem}`);
          tf.dispose([loss, ofRow]);
        });
        tf.dispose(Object.values(inputs));
      }
  });

  test('loss and log-sum-exp, against double precision', () => {
    const logits = tf.tensor2d(values, [rows, width]);
    const ids = tf.tensor1d(labels, 'int32');
    underEachTarget(() => {
      const [loss, lse] = run('SparseCrossEntropy', { logits, labels: ids }) as [tf.Tensor, tf.Tensor];
      const expected = reference(values);
      const tolerance = { absolute: 2e-6, relative: 1e-6 };
      expect(
        difference(
          loss.dataSync(),
          expected.map((row) => row.loss),
          tolerance,
        ),
      ).toBeUndefined();
      expect(
        difference(
          lse.dataSync(),
          expected.map((row) => row.lse),
          tolerance,
        ),
      ).toBeUndefined();
      tf.dispose([loss, lse]);
    });
    tf.dispose([logits, ids]);
  });

  test('gradient, against central differences', () => {
    const logits = tf.tensor2d(values, [rows, width]);
    const ids = tf.tensor1d(labels, 'int32');
    const weights = someValues(rows, 1, 9);
    const dloss = tf.tensor1d(weights);
    const h = 1e-5;
    const expected = Array.from(values, (_, i) => {
      const r = Math.floor(i / width);
      const at = (step: number) => {
        const x = Float64Array.from(values);
        x[i] = (x[i] as number) + step;
        return (reference(x)[r] as { loss: number }).loss;
      };
      return ((at(h) - at(-h)) / (2 * h)) * (weights[r] as number);
    });
    underEachTarget(() => {
      const [loss, lse] = run('SparseCrossEntropy', { logits, labels: ids }) as [tf.Tensor, tf.Tensor];
      const inputs = { dloss, logits, labels: ids, lse };
      const dx = tf.engine().runKernel('SparseCrossEntropyGrad', inputs) as tf.Tensor;
      expect(difference(dx.dataSync(), expected, { absolute: 1e-6, relative: 0 })).toBeUndefined();
      tf.dispose([loss, lse, dx]);
    });
    tf.dispose([logits, ids, dloss]);
  });

  test('an index outside is named with its position', () => {
    const logits = tf.zeros([2, 4]);
    const before = tf.memory().numTensors;
    for (const bad of [4, -1]) {
      const ids = tf.tensor1d([0, bad], 'int32');
      expect(() => run('SparseCrossEntropy', { logits, labels: ids })).toThrow(
        `label ${bad} at position 1 is not within 0..3`,
      );
      ids.dispose();
    }
    expect(() => run('SparseCrossEntropy', { logits, labels: logits })).toThrow(/int32 labels/);
    expect(tf.memory().numTensors).toBe(before);
    logits.dispose();
  });
});

describe('gradients of softmax and log-softmax', () => {
  const close = { absolute: 2e-6, relative: 2e-5 };
  test.each([1, 7, 8, 9, 16, 17, 131, 1000, 5000])('rows of %i as composed by tfjs', (width) => {
    const inputs = () =>
      [
        tf.tensor2d(someValues(3 * width, 3), [3, width]),
        tf.tensor2d(someValues(3 * width, 1, 2), [3, width]),
      ] as const;
    for (const op of [tf.softmax, tf.logSoftmax] as const) {
      expectAsOnCpu(() => {
        const [x, dy] = inputs();
        return tf.grad((logits) => op(logits as tf.Tensor))(x, dy);
      }, close);
    }
  });

  test('wrong shapes and dtypes are named', () => {
    tf.setBackend('native');
    const run = (dy: tf.Tensor, y: tf.Tensor) => tf.engine().runKernel('SoftmaxGrad', { dy, y });
    expect(() => run(tf.zeros([2, 3]), tf.zeros([3, 2]))).toThrow(
      /SoftmaxGrad: expected dy and y .* got \[2,3\] and \[3,2\]/,
    );
    expect(() => run(tf.zeros([2], 'int32'), tf.zeros([2]))).toThrow(/dy must be float32, got int32/);
  });
});
