import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { difference, someValues, underEachTarget } from '../against-cpu.js';
import type { NativeBackend } from '../backend.js';
import '../index.js';

beforeAll(() => {
  tf.setBackend('native');
  (tf.backend() as NativeBackend).pool.poison = true;
});

interface Case {
  readonly batch: number;
  readonly queries: number;
  readonly capacity: number;
  readonly keys: number;
  readonly heads: number;
  readonly width: number;
  readonly bias?: [number, number, number, number];
}

/** The definition, in double precision. */
function attentionOf(
  c: Case,
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
  bias: Float32Array,
  scale: number,
) {
  const row = c.heads * c.width;
  const y = new Float64Array(q.length);
  for (let b = 0; b < c.batch; b++)
    for (let h = 0; h < c.heads; h++)
      for (let t = 0; t < c.queries; t++) {
        const scores = Array.from({ length: c.keys }, (_, s) => {
          let dot = 0;
          for (let i = 0; i < c.width; i++)
            dot +=
              (q[(b * c.queries + t) * row + h * c.width + i] as number) *
              (k[(b * c.capacity + s) * row + h * c.width + i] as number);
          let added = 0;
          if (c.bias) {
            const at = [b, h, t].map((index, axis) => (c.bias?.[axis] === 1 ? 0 : index));
            let offset = 0;
            for (let axis = 0; axis < 3; axis++)
              offset = offset * (c.bias[axis] as number) + (at[axis] as number);
            added = bias[offset * c.bias[3] + s] as number;
          }
          return dot * scale + added;
        });
        const max = Math.max(...scores);
        const sum = scores.reduce((total, score) => total + Math.exp(score - max), 0);
        for (let i = 0; i < c.width; i++) {
          let mixed = 0;
          for (let s = 0; s < c.keys; s++)
            mixed +=
              (Math.exp((scores[s] as number) - max) / sum) *
              (v[(b * c.capacity + s) * row + h * c.width + i] as number);
          y[(b * c.queries + t) * row + h * c.width + i] = mixed;
        }
      }
  return y;
}

const CASES: Case[] = [
  { batch: 1, queries: 1, capacity: 1, keys: 1, heads: 1, width: 1 },
  { batch: 2, queries: 1, capacity: 37, keys: 23, heads: 3, width: 16 },
  { batch: 3, queries: 1, capacity: 19, keys: 19, heads: 2, width: 5, bias: [3, 1, 1, 19] },
  { batch: 2, queries: 5, capacity: 17, keys: 11, heads: 3, width: 8, bias: [1, 3, 5, 17] },
  { batch: 2, queries: 8, capacity: 9, keys: 9, heads: 2, width: 7, bias: [1, 1, 8, 9] },
  { batch: 2, queries: 13, capacity: 31, keys: 29, heads: 3, width: 20, bias: [2, 3, 13, 29] },
  { batch: 1, queries: 67, capacity: 67, keys: 67, heads: 2, width: 33, bias: [1, 1, 67, 67] },
  { batch: 1, queries: 130, capacity: 50, keys: 50, heads: 1, width: 17, bias: [1, 1, 1, 50] },
];

test.each(CASES)('attention %j', (c) => {
  const row = c.heads * c.width;
  const arrays = {
    q: someValues(c.batch * c.queries * row, 1, 2),
    k: someValues(c.batch * c.capacity * row, 1, 3),
    v: someValues(c.batch * c.capacity * row, 1, 4),
    bias: someValues(c.bias ? tf.util.sizeFromShape(c.bias) : 0, 2, 5),
  };
  const q = tf.tensor3d(arrays.q, [c.batch, c.queries, row]);
  const k = tf.tensor3d(arrays.k, [c.batch, c.capacity, row]);
  const v = tf.tensor3d(arrays.v, [c.batch, c.capacity, row]);
  const bias = c.bias ? tf.tensor4d(arrays.bias, c.bias) : undefined;
  const scale = 0.7;
  const expected = attentionOf(c, arrays.q, arrays.k, arrays.v, arrays.bias, scale);
  underEachTarget((target) => {
    const inputs = { q, k, v, ...(bias ? { bias } : {}) } as unknown as tf.NamedTensorMap;
    const attrs = { heads: c.heads, scale, keyLength: c.keys };
    const y = tf.engine().runKernel('Attention', inputs, attrs) as tf.Tensor;
    const problem = difference(y.dataSync(), expected, { absolute: 2e-6, relative: 2e-6 });
    if (problem) throw new Error(`${target}${problem}`);
    y.dispose();
  });
  tf.dispose([q, k, v]);
  bias?.dispose();
});

test('shapes that do not fit are refused', () => {
  const q = tf.zeros([1, 2, 6]);
  const k = tf.zeros([1, 3, 6]);
  const run = (inputs: Record<string, tf.Tensor>, attrs: tf.NamedAttrMap) => () =>
    tf.engine().runKernel('Attention', { q, k, v: k, ...inputs }, attrs);
  const attrs = { heads: 2, scale: 1, keyLength: 3 };
  expect(run({ v: q }, attrs)).toThrow(/expected q \[B, T, D\] and k, v \[B, S, D\]/);
  expect(run({}, { ...attrs, heads: 4 })).toThrow(/heads \(4\) must divide the width 6/);
  expect(run({}, { ...attrs, keyLength: 4 })).toThrow(/keyLength must be 1 to 3/);
  expect(run({ bias: tf.zeros([1, 3, 1, 3]) }, attrs)).toThrow(/bias that broadcasts to \[1,2,2, 3\]/);
  tf.dispose([q, k]);
});
