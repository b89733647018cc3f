import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { deserialize, toFloat32 } from 'safetensors-ts';
import { dequantize, packedLength, quantize, unpackBytes } from './quantized.js';

const { tensors } = deserialize(
  new Uint8Array(
    readFileSync(
      new URL('../../../../reference/golden/optimizers/quantization.safetensors', import.meta.url),
    ),
  ),
);

beforeAll(async () => {
  await tf.setBackend('cpu');
});

test.each(['matrix', 'psd', 'stack'])('%s: bytes and buckets as the original, and back', (name) => {
  const view = tensors.get(`${name}/value`);
  const bytes = tensors.get(`${name}/int8/quantized`);
  if (view === undefined || bytes === undefined) throw new Error(`no ${name} in the recording`);
  const values = (key: string) => toFloat32(tensors.get(`${name}/${key}`) as never);
  tf.tidy(() => {
    const x = tf.tensor(toFloat32(view), view.shape);
    const quantized = quantize(x);
    expect(quantized.packed.shape).toEqual([packedLength(x.size)]);
    const recorded = new Int8Array(bytes.data.buffer, bytes.data.byteOffset, bytes.data.byteLength);
    expect([...unpackBytes(quantized.packed, view.shape).dataSync()]).toEqual([...recorded]);
    expect([...quantized.buckets.dataSync()]).toEqual([...values('int8/bucket_size')]);
    expect([...dequantize(quantized, view.shape).dataSync()]).toEqual([...values('int8/float')]);
  });
});

test('every byte survives packing, at every place', () => {
  tf.tidy(() => {
    const all = Float32Array.from({ length: 255 }, (_, i) => i - 127);
    for (const shift of [0, 1, 2, 3]) {
      const x = tf.concat([tf.zeros([shift, 1]), tf.tensor2d(all, [255, 1])]);
      const { packed } = quantize(x); // the bucket is 1
      expect([...unpackBytes(packed, x.shape).dataSync()].slice(shift)).toEqual([...all]);
    }
  });
});

test('a column of zeros stays zeros', () => {
  tf.tidy(() => {
    const x = tf.tensor2d([0, 2, 0, -1], [2, 2]);
    expect([...dequantize(quantize(x), [2, 2]).dataSync()].map(Math.fround)).toEqual(
      [0, 2, 0, (-64 * 2) / 127].map(Math.fround),
    );
  });
});
