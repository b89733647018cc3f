import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { serialize } from 'safetensors-ts';
import { fromSafetensors } from './safetensors.js';
import type { TensorSource } from './tensor-source.js';
import { loadWeights, WeightMismatchError, type WeightRule } from './weights.js';

const range = (length: number, from = 0) => Float32Array.from({ length }, (_, i) => i + from);
const source = (shapes: Record<string, number[]>): TensorSource =>
  fromSafetensors(
    serialize(
      Object.entries(shapes).map(([name, shape]) => ({
        name,
        dtype: 'F32',
        shape,
        data: range(shape.reduce((a, b) => a * b, 1)),
      })),
    ),
    'theirs',
  );
const variables = (shapes: Record<string, number[]>) =>
  new Map(Object.entries(shapes).map(([name, shape]) => [name, tf.variable(tf.zeros(shape))]));
const rules = (table: Record<string, WeightRule>) => new Map(Object.entries(table));
const dispose = (target: Map<string, tf.Variable>) => {
  for (const variable of target.values()) variable.dispose();
};

describe('loadWeights', () => {
  test('plain, slices of a stack, transposed; no tensors left over', async () => {
    const target = variables({ w: [3, 2], l0: [5], l1: [5], k: [7, 2, 3] });
    const before = tf.memory().numTensors;
    await loadWeights(
      target,
      source({ w: [3, 2], stack: [2, 5], kernel: [2, 3, 7] }),
      rules({
        w: { source: 'w' },
        l0: { source: 'stack', slice: 0 },
        l1: { source: 'stack', slice: 1 },
        k: { source: 'kernel', transpose: [2, 0, 1] },
      }),
    );
    expect(tf.memory().numTensors).toBe(before);
    expect(target.get('w')?.dataSync()).toEqual(range(6));
    expect(target.get('l0')?.dataSync()).toEqual(range(5));
    expect(target.get('l1')?.dataSync()).toEqual(range(5, 5));
    const transposed = tf.tidy(() => tf.tensor(range(42), [2, 3, 7]).transpose([2, 0, 1]).dataSync());
    expect(target.get('k')?.dataSync()).toEqual(transposed);
    dispose(target);
  });

  test('all differences at once, and nothing is changed', async () => {
    const target = variables({
      good: [2],
      lost: [2],
      renamed: [2],
      short: [3],
      l0: [5],
      flat: [4],
      unruled: [1],
    });
    const failure = loadWeights(
      target,
      source({ good: [2], extra: [1], short: [2], stack: [3, 5], flat: [2, 2], state: [1] }),
      rules({
        good: { source: 'good' },
        lost: { source: 'lost' },
        renamed: { source: 'their.name' },
        short: { source: 'short' },
        l0: { source: 'stack', slice: 1 },
        flat: { source: 'flat', transpose: [0] },
        other: { source: 'good' },
      }),
      { ignore: (name) => name === 'state' },
    );
    await expect(failure).rejects.toBeInstanceOf(WeightMismatchError);
    await expect(failure).rejects.toMatchObject({
      missing: ['unruled (no rule says where it is)', 'lost', 'renamed (their.name)'],
      unexpected: ['other (by rule)', 'stack (index 0, 2 of its leading axis)', 'extra'],
      misshapen: ['short: expected [3], found [2]', 'flat: expected 1 axes, found [2,2] (flat)'],
    });
    await expect(failure).rejects.toThrow(
      'theirs does not fit the model. missing from the checkpoint (3): unruled (no rule says where it is), lost, renamed (their.name). unexpected in the checkpoint (3): ',
    );
    expect([...target.values()].every((variable) => variable.dataSync().every((value) => value === 0))).toBe(
      true,
    );
    dispose(target);
  });

  test('a stack with too few layers', async () => {
    const target = variables({ l0: [5], l1: [5] });
    const table = rules({ l0: { source: 'stack', slice: 0 }, l1: { source: 'stack', slice: 1 } });
    await expect(loadWeights(target, source({ stack: [1, 5] }), table)).rejects.toThrow(
      'l1: needs index 1 of stack, whose shape is [1,5]',
    );
    dispose(target);
  });
});

describe('fromSafetensors', () => {
  test('reads whole and by slice, copies', async () => {
    const theirs = source({ a: [2, 3], s: [] });
    const first = await theirs.read('a');
    first[0] = 99;
    expect(await theirs.read('a')).toEqual(range(6));
    expect(await theirs.read('a', 1)).toEqual(range(3, 3));
    await expect(theirs.read('a', 2)).rejects.toThrow('slice 2');
    await expect(theirs.read('s', 0)).rejects.toThrow('its shape is []');
    await expect(theirs.read('b')).rejects.toThrow('theirs: there is no tensor "b"');
  });

  test('a damaged file', () => {
    expect(() => fromSafetensors(Uint8Array.of(1, 2), 'x.safetensors')).toThrow('fetch it again');
  });
});
