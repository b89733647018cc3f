import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import type { NativeBackend } from './backend.js';
import { DataName } from './data-store.js';
import './index.js';

describe('data on their names', () => {
  test('are found, counted and forgotten, and a disposed tensor holds none', async () => {
    await tf.setBackend('native');
    const { data } = tf.backend() as NativeBackend;
    const before = data.numDataIds();
    const x = tf.tensor1d([1, 2, 3]);
    const name = x.dataId as DataName;
    expect(name).toBeInstanceOf(DataName);
    expect(data.has(name)).toBe(true);
    expect(data.get(name)).toMatchObject({ dtype: 'float32', refCount: 1 });
    expect(data.numDataIds()).toBe(before + 1);
    x.dispose();
    expect(data.has(name)).toBe(false);
    expect(name.entry).toBeUndefined();
    expect(data.delete(name)).toBe(false);
    expect(data.numDataIds()).toBe(before);
  });

  test('move to another backend and back, and come from one', async () => {
    await tf.setBackend('native');
    const native = tf.backend() as NativeBackend;
    const before = native.numDataIds();
    const x = tf.tensor1d([1, 2, 3]);
    await tf.setBackend('cpu');
    const there = x.mul(2); // moves x
    expect(native.numDataIds()).toBe(before);
    expect(native.data.has(x.dataId)).toBe(false);
    await tf.setBackend('native');
    const back = x.add(there); // moves both
    expect([...back.dataSync()]).toEqual([3, 6, 9]);
    expect(native.numDataIds()).toBe(before + 3);
    tf.dispose([x, there, back]);
    expect(native.numDataIds()).toBe(before);
  });
});
