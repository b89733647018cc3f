import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { describeNative, onEachBackend } from '../../testing/backends.js';
import { type PackOptions, pack } from '../packed/pack.js';
import { unpack } from '../packed/unpack.js';
import { conv2d } from './conv2d.js';
import { embedding } from './embedding.js';
import { linear } from './linear.js';
import { packedTensor } from './packed-tensor.js';

const waves = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * i + 1));
const packings: readonly PackOptions[] = [
  { format: 'F16' },
  { format: 'BF16' },
  { format: 'INT8' },
  { format: 'INT4', group: 64 },
];

onEachBackend(() => {
  test.each(packings)('$format: a tensor like any other, with the numbers of unpack', async (options) => {
    const packed = pack(waves(34 * 22), [34, 22], options);
    const before = tf.memory().numTensors;
    const tensor = packedTensor(packed);
    expect([tensor.shape, tensor.dtype]).toEqual([[34, 22], 'float32']);
    expect(await tensor.data()).toEqual(unpack(packed));
    const turned = tf.transpose(tensor);
    const back = tf.transpose(turned);
    expect(await back.data()).toEqual(unpack(packed));
    tf.dispose([tensor, turned, back]);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('arrays that do not fit are refused', () => {
    const packed = pack(waves(8), [4, 2], { format: 'INT8' });
    expect(() => packedTensor({ ...packed, shape: [4, 3] })).toThrow(
      'packed INT8 [4,3]: expected scales [1, 3]',
    );
  });
});

describeNative('on native: the bits of the widened tensor', ['PackedTensor'], () => {
  const wide = (tensor: tf.Tensor, shape: number[]) => tf.tensor(tensor.dataSync(), shape);

  test.each(packings)('$format: products of 1 to 40 rows', async (options) => {
    const kernel = packedTensor(pack(waves(600 * 90), [600, 90], options));
    const widened = wide(kernel, [600, 90]);
    for (const rows of [1, 2, 7, 16, 32, 33, 40]) {
      const x = tf.tensor(waves(rows * 600), [rows, 600]);
      const [got, expected] = [linear(x, kernel), linear(x, widened)];
      expect([rows, await got.data()]).toEqual([rows, await expected.data()]);
      tf.dispose([x, got, expected]);
    }
    tf.dispose([kernel, widened]);
  });

  test.each([...packings, { format: 'INT8', axis: 1 }, { format: 'INT4', axis: 1 }] as PackOptions[])(
    '$format along $axis: rows of a table, and an id outside',
    async (options) => {
      const table = packedTensor(pack(waves(50 * 66), [50, 66], options));
      const ids = tf.tensor2d([0, 49, 7, 7, 13, 2], [2, 3], 'int32');
      const [got, expected] = [embedding(table, ids), embedding(wide(table, [50, 66]), ids)];
      expect(await got.data()).toEqual(await expected.data());
      expect(() => embedding(table, tf.tensor1d([1, 50], 'int32'))).toThrow(
        'the index value 50 is not in [0, 49]',
      );
    },
  );

  test('a filter in float16: the convolution of its floats', async () => {
    const filter = packedTensor(pack(waves(3 * 3 * 8 * 5), [3, 3, 8, 5], { format: 'F16' })) as tf.Tensor4D;
    const x = tf.tensor4d(waves(7 * 6 * 8), [1, 7, 6, 8]);
    const of = (kernel: tf.Tensor4D) =>
      conv2d(x, kernel, undefined, { stride: 1, padding: 'same' }).dataSync();
    expect(of(filter)).toEqual(of(wide(filter, [3, 3, 8, 5]) as tf.Tensor4D));
  });

  test('a variable can be trained on: it becomes float32', async () => {
    const kernel = tf.variable(packedTensor(pack(waves(6 * 4), [6, 4], { format: 'INT8' })));
    const before = kernel.dataSync();
    const { grads } = tf.variableGrads(() => tf.sum(linear(tf.ones([2, 6]), kernel)) as tf.Scalar, [kernel]);
    expect(await (grads[kernel.name] as tf.Tensor).data()).toEqual(new Float32Array(24).fill(2));
    kernel.assign(tf.add(kernel, 1));
    expect(await kernel.data()).toEqual(before.map((value) => Math.fround(value + 1)));
  });
});
