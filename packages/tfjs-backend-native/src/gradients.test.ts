import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  difference,
  expectAsOnCpu,
  LENGTHS,
  ROUNDINGS,
  someValues,
  underEachTarget,
} from '../testing/against-cpu.js';
import { addon } from './addon.js';
import type { NativeBackend } from './backend.js';
import './index.js';

beforeAll(() => {
  tf.setBackend('native');
  (tf.backend() as NativeBackend).pool.poison = true;
});

describe('gradients of tfjs operations as on cpu', () => {
  test('relu, at lengths around the vectors, at zero and NaN', () => {
    for (const n of LENGTHS) {
      expectAsOnCpu(() => {
        const x = tf.tensor1d(someValues(n, 2, 3));
        return tf.grad((x) => tf.mul(tf.relu(x), tf.tensor1d(someValues(n, 2, 4))))(x);
      });
    }
    expectAsOnCpu(() =>
      tf.grad((x) => tf.relu(x))(tf.tensor1d([-1, -0, 0, 1, Number.NaN, Infinity, -Infinity])),
    );
  });

  const cases: [shape: number[], axes: number[] | undefined, keep: boolean][] = [
    [[7], [0], false],
    [[3, 5], undefined, false],
    [[3, 5], [0], false],
    [[3, 5], [1], true],
    [[3, 5], [-1], false],
    [[2, 3, 5, 7], [1, 3], false],
    [[2, 3, 5, 7], [0, 2], true],
    [[2, 3, 5, 7], [2], false],
    [[1, 3, 1], [0, 2], false],
    [[], undefined, false],
    [[2, 0, 3], [1], false],
    [[37, 17], [0], false],
  ];
  test.each([
    ['sum', tf.sum],
    ['mean', tf.mean],
  ] as const)('%s over any axes', (_, f) => {
    for (const [shape, axes, keep] of cases) {
      expectAsOnCpu(() => {
        const x = tf.tensor(someValues(tf.util.sizeFromShape(shape), 2, 3), shape);
        return tf.grad((x) => tf.square(f(x, axes, keep)))(x);
      });
    }
  });

  test('one kernel each, on large and small tensors', async () => {
    const x = tf.ones([3, 5]);
    const names = async (f: (x: tf.Tensor) => tf.Tensor) => {
      const { kernelNames } = await tf.profile(() => tf.grad(f)(x));
      return kernelNames;
    };
    expect(await names((x) => tf.relu(x))).toEqual(expect.arrayContaining(['ReluGrad']));
    expect(await names((x) => tf.relu(x))).not.toContain('Step');
    for (const f of [(x: tf.Tensor) => tf.sum(x, 0), (x: tf.Tensor) => tf.mean(x)]) {
      expect(await names(f)).toContain('SumGrad');
      expect(await names(f)).not.toContain('Multiply');
    }
    x.dispose();
  });

  test('a sum by segments: 0 for rows that it leaves out', () => {
    const sum = (ids: number[], segments: number) => {
      const dy = tf.tensor2d([1, 2, 3, 4].slice(0, 2 * segments), [segments, 2]);
      const f = (x: tf.Tensor) =>
        tf.unsortedSegmentSum(x as tf.Tensor2D, tf.tensor1d(ids, 'int32'), segments);
      return tf
        .grad(f)(tf.ones([3, 2]), dy)
        .arraySync();
    };
    expect(sum([1, 2, -1], 2)).toEqual([
      [3, 4],
      [0, 0],
      [0, 0],
    ]);
    expect(sum([0, 1, -1], 0)).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });

  test("derivatives of derivatives take tfjs's own gradients", () => {
    expectAsOnCpu(() =>
      tf.grad((x) => tf.sum(tf.square(tf.grad((y) => tf.sum(tf.pow(tf.relu(tf.mul(y, y)), 2)))(x))))(
        tf.tensor1d([-1, 0.5, 2]),
      ),
    );
  });
});

describe('GatedActivation and its gradient', () => {
  const NAMES = ['relu', 'gelu', 'gelu_tanh', 'silu'];
  const run = (name: string, inputs: Record<string, tf.Tensor>, activation: string) =>
    tf.engine().runKernel(name, inputs, { activation }) as unknown;
  const alone = (activation: string, x: tf.Tensor): tf.Tensor => {
    if (activation === 'relu') return tf.relu(x);
    const [name, attrs] =
      activation === 'silu' ? ['Silu', {}] : ['Gelu', { approximate: activation === 'gelu_tanh' }];
    return tf.engine().runKernel(name as string, { x }, attrs as tf.NamedAttrMap) as tf.Tensor;
  };
  const slopeTimes = (activation: string, dy: tf.Tensor, x: tf.Tensor): tf.Tensor => {
    const [name, attrs] =
      activation === 'relu'
        ? ['ReluGrad', {}]
        : activation === 'silu'
          ? ['SiluGrad', {}]
          : ['GeluGrad', { approximate: activation === 'gelu_tanh' }];
    return tf.engine().runKernel(name as string, { dy, x }, attrs as tf.NamedAttrMap) as tf.Tensor;
  };

  test.each(NAMES)('%s: equal to the kernels one by one, under each target', (activation) => {
    for (const n of [...LENGTHS, 50_021]) {
      const [dy, gate, up] = [1, 2, 3].map((seed) => tf.tensor1d(someValues(n, 3, seed))) as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      underEachTarget((target) =>
        tf.tidy(() => {
          const y = run('GatedActivation', { gate, up }, activation) as tf.Tensor;
          const [dgate, dup] = run('GatedActivationGrad', { dy, gate, up }, activation) as tf.Tensor[];
          const expected = [
            tf.mul(alone(activation, gate), up),
            slopeTimes(activation, tf.mul(dy, up), gate),
            tf.mul(dy, alone(activation, gate)),
          ];
          [y, dgate, dup].forEach((got, i) => {
            const problem = difference(
              (got as tf.Tensor).dataSync(),
              (expected[i] as tf.Tensor).dataSync(),
              ROUNDINGS,
            );
            if (problem) throw new Error(`${target}, ${n}, ${i}${problem}`);
          });
        }),
      );
      tf.dispose([dy, gate, up]);
    }
  });

  test('unaligned arrays, and what does not fit', () => {
    const of = (seed: number, gap: number) => someValues(40 + gap, 2, seed).subarray(gap, gap + 37);
    const [dy, gate, up] = [of(1, 1), of(2, 2), of(3, 3)];
    const [a, b, c, d] = [1, 2, 0, 0].map((gap) => new Float32Array(40).subarray(gap, gap + 37)) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    addon().gatedGrad(1, a, b, dy, gate, up);
    addon().gatedGrad(1, c, d, dy.slice(), gate.slice(), up.slice());
    expect([a, b]).toEqual([c, d]);
    expect(() => addon().gatedGrad(4, a, b, dy, gate, up)).toThrow(/gatedGrad: /);
    expect(() => addon().gatedGrad(0, a, b.subarray(1), dy, gate, up)).toThrow(/gatedGrad: /);
    const [x, y] = [tf.ones([2, 3]), tf.ones([3, 2])];
    expect(() => run('GatedActivation', { gate: x, up: y }, 'gelu')).toThrow('gate [2,3], up [3,2]');
    expect(() => run('GatedActivation', { gate: x, up: x }, 'tanh')).toThrow('got tanh');
    tf.dispose([x, y]);
  });
});
