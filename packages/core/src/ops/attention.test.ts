import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { describeNative, onEachBackend } from '../../testing/backends.js';
import { gradientError, largestDifference, leakedTensors, sample } from '../../testing/gradient-check.js';
import { ShapeError } from '../errors.js';
import { attention, plainAttention } from './attention.js';
import { valueAndGrads } from './value-and-grads.js';

onEachBackend(() => {
  const sample3 = (shape: [number, number, number], seed: number) => sample(shape, seed) as tf.Tensor3D;

  test('one head, one query, by hand', async () => {
    // Scores q·k = (ln 3, 0), scale 1: weights (3/4, 1/4). 3/4·(8, 0) + 1/4·(0, 4) = (6, 1).
    const q = tf.tensor3d([1, 0], [1, 1, 2]);
    const k = tf.tensor3d([Math.log(3), 5, 0, 5], [1, 2, 2]);
    const v = tf.tensor3d([8, 0, 0, 4], [1, 2, 2]);
    const y = await attention(q, k, v, { heads: 1, scale: 1 }).data();
    expect(y[0]).toBeCloseTo(6, 5);
    expect(y[1]).toBeCloseTo(1, 5);
  });

  test('default scale is 1/√K; heads lie side by side', async () => {
    const [q, k, v] = [sample3([2, 3, 10], 1), sample3([2, 7, 10], 2), sample3([2, 7, 10], 3)];
    const y = attention(q, k, v, { heads: 2 });
    expect(y.shape).toEqual([2, 3, 10]);
    const second = [q, k, v].map((x) => tf.slice(x, [0, 0, 5], [-1, -1, 5]) as tf.Tensor3D);
    const alone = attention(...(second as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D]), {
      heads: 1,
      scale: 1 / Math.sqrt(5),
    });
    expect(largestDifference(tf.slice(y, [0, 0, 5], [-1, -1, 5]), alone)).toBeLessThan(1e-6);
  });

  test('a masked key is as good as absent, and keyLength cuts keys and bias', async () => {
    const [q, k, v] = [sample3([1, 3, 6], 1), sample3([1, 5, 6], 2), sample3([1, 5, 6], 3)];
    const cut = [k, v].map((x) => tf.slice(x, [0, 0, 0], [-1, 4, -1]) as tf.Tensor3D) as [
      tf.Tensor3D,
      tf.Tensor3D,
    ];
    const expected = attention(q, ...cut, { heads: 3 });
    const mask = tf.tensor4d([0, 0, 0, 0, -1e9], [1, 1, 1, 5]);
    expect(largestDifference(attention(q, k, v, { heads: 3, bias: mask }), expected)).toBeLessThan(1e-6);
    expect(largestDifference(attention(q, k, v, { heads: 3, keyLength: 4 }), expected)).toBeLessThan(1e-6);
    expect(
      largestDifference(attention(q, k, v, { heads: 3, keyLength: 4, bias: mask }), expected),
    ).toBeLessThan(1e-6);
  });

  test('causal: query t looks at keys 0 … firstQuery + t, whatever a bias says', () => {
    const [q, k, v] = [sample3([2, 3, 6], 1), sample3([2, 5, 6], 2), sample3([2, 5, 6], 3)];
    const y = attention(q, k, v, { heads: 2, causal: true, firstQuery: 1 });
    for (let t = 0; t < 3; t++) {
      const row = attention(tf.slice(q, [0, t, 0], [-1, 1, -1]) as tf.Tensor3D, k, v, {
        heads: 2,
        keyLength: t + 2,
      });
      expect(largestDifference(tf.slice(y, [0, t, 0], [-1, 1, -1]), row)).toBeLessThan(1e-6);
    }
    // All that query 0 sees is masked: its keys 0 and 1 weigh alike (up to the scores' rounding
    // next to 1e9), and no other counts.
    const bias = tf.tensor4d([-1e9, -1e9, 0, 0, 0], [1, 1, 1, 5]);
    const masked = attention(q, k, v, { heads: 2, causal: true, firstQuery: 1, bias });
    const mean = tf.mean(tf.slice(v, [0, 0, 0], [-1, 2, -1]), 1, true);
    expect(largestDifference(tf.slice(masked, [0, 0, 0], [-1, 1, -1]), mean)).toBeLessThan(1e-6);
  });

  describe('numbers of rows', () => {
    const ints = (...values: number[]): tf.Tensor1D => tf.tensor1d(values, 'int32');
    const rowOf = (x: tf.Tensor, row: number): tf.Tensor3D => tf.slice(x, [row], [1]) as tf.Tensor3D;

    test.each([1, 3])('%d queries: each row as if it were alone, with its own bias', (queries) => {
      const q = sample3([4, queries, 6], 1);
      const [k, v] = [sample3([3, 7, 6], 2), sample3([3, 7, 6], 3)];
      const bias = sample([4, 1, queries, 7], 4) as tf.Tensor4D;
      const [keyLengths, firsts, keyRows] = [
        [7, 1, 5, 4],
        [0, 2, 4, 1],
        [2, 0, 0, 1],
      ] as const;
      const y = attention(q, k, v, {
        heads: 2,
        bias,
        causal: true,
        keyLength: ints(...keyLengths),
        firstQuery: ints(...firsts),
        keyRows: ints(...keyRows),
      });
      expect(y.shape).toEqual([4, queries, 6]);
      for (let row = 0; row < 4; row++) {
        const [own, keyRow] = [rowOf(q, row), keyRows[row] as number];
        const alone = attention(own, rowOf(k, keyRow), rowOf(v, keyRow), {
          heads: 2,
          bias: rowOf(bias, row) as unknown as tf.Tensor4D,
          causal: true,
          keyLength: keyLengths[row] as number,
          firstQuery: firsts[row] as number,
        });
        expect([row, largestDifference(rowOf(y, row), alone) < 1e-6]).toEqual([row, true]);
      }
    });

    test("keys beyond a row's length do not count, NaN or not", () => {
      const [q, k] = [sample3([2, 1, 4], 1), sample3([2, 3, 4], 2)];
      const v = tf.tensor3d(
        [...Array(8).fill(1), ...Array(4).fill(Number.NaN), ...Array(12).fill(2)],
        [2, 3, 4],
      );
      if (tf.getBackend() !== 'native') return; // the plain form weighs them with 0, and 0·NaN is NaN
      const y = attention(q, k, v, { heads: 1, keyLength: ints(2, 3) });
      expect(largestDifference(y, tf.tensor3d([1, 1, 1, 1, 2, 2, 2, 2], [2, 1, 4]))).toBeLessThan(1e-6);
    });

    test('gradients against finite differences', () => {
      const inputs = [
        sample([3, 2, 4], 1),
        sample([2, 5, 4], 2),
        sample([2, 5, 4], 3),
        sample([3, 2, 2, 5], 4),
      ];
      const options = { keyLength: ints(4, 2, 5), firstQuery: ints(2, 0, 1), keyRows: ints(1, 0, 1) };
      const f = (q?: tf.Tensor, k?: tf.Tensor, v?: tf.Tensor, bias?: tf.Tensor) =>
        attention(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, {
          heads: 2,
          causal: true,
          bias: bias as tf.Tensor4D,
          ...options,
        });
      expect(gradientError(f, inputs)).toBeLessThan(1e-3);
    });

    test('leave no tensors; what does not fit is named', () => {
      const [q, k] = [sample3([2, 3, 6], 1), sample3([5, 4, 6], 2)];
      const rows = ints(4, 0);
      const lengths = ints(1, 3);
      const run = () => attention(q, k, k, { heads: 2, keyRows: rows, keyLength: lengths, causal: true });
      expect(leakedTensors(run)).toBe(0);
      expect(() => attention(q, k, k, { heads: 2, keyLength: lengths })).toThrow('k and v [2, S, 6]');
      expect(() => attention(q, k, k, { heads: 2, keyRows: ints(1) })).toThrow(
        'keyRows int32 [2], a number for each row, got int32 [1]',
      );
      const keyLength = tf.tensor1d([1, 2]);
      expect(() => attention(q, k, k, { heads: 2, keyRows: rows, keyLength })).toThrow('got float32 [2]');
    });
  });

  describe('gradients against finite differences', () => {
    const inputs = [sample([2, 3, 4], 1), sample([2, 5, 4], 2), sample([2, 5, 4], 3)];
    const run =
      (options: Omit<Parameters<typeof attention>[3], 'heads'>) =>
      (q?: tf.Tensor, k?: tf.Tensor, v?: tf.Tensor) =>
        attention(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, { heads: 2, ...options });

    test('of q, k, v', () => {
      expect(gradientError(run({}), inputs)).toBeLessThan(1e-3);
    });

    test('with keyLength', () => {
      expect(gradientError(run({ keyLength: 3 }), inputs)).toBeLessThan(1e-3);
    });

    test('causal', () => {
      expect(gradientError(run({ causal: true, firstQuery: 1 }), inputs)).toBeLessThan(1e-3);
    });

    test('causal, with bias and keyLength', () => {
      const f = (q?: tf.Tensor, k?: tf.Tensor, v?: tf.Tensor, bias?: tf.Tensor) =>
        run({ bias: bias as tf.Tensor4D, causal: true, keyLength: 4 })(q, k, v);
      expect(gradientError(f, [...inputs, sample([1, 2, 3, 5], 4)])).toBeLessThan(1e-3);
    });

    test.each([[[2, 2, 3, 5]], [[1, 2, 1, 5]], [[2, 1, 1, 5]], [[1, 1, 3, 5]]])(
      'with bias %p, and of the bias',
      (shape) => {
        const f = (q?: tf.Tensor, k?: tf.Tensor, v?: tf.Tensor, bias?: tf.Tensor) =>
          run({ bias: bias as tf.Tensor4D })(q, k, v);
        expect(gradientError(f, [...inputs, sample(shape, 4)])).toBeLessThan(1e-3);
      },
    );
  });

  test('leaves no tensors; what does not fit is named', () => {
    const [q, k] = [sample3([2, 3, 6], 1), sample3([2, 5, 6], 2)];
    expect(leakedTensors(() => attention(q, k, k, { heads: 2, keyLength: 3 }))).toBe(0);
    expect(() => attention(q, k, q, { heads: 2 })).toThrow(ShapeError);
    expect(() => attention(q, k, k, { heads: 4 })).toThrow('multiple of the heads, got 6 and 4 heads');
    expect(() => attention(q, k, k, { heads: 2, keyLength: 6 })).toThrow('keyLength from 1 to 5, got 6');
    expect(() => attention(q, k, k, { heads: 2, causal: true, firstQuery: -1 })).toThrow(
      'firstQuery to be an integer from 0',
    );
    expect(() => attention(q, k, k, { heads: 2, bias: tf.zeros([1, 1, 1, 4]) })).toThrow(
      'bias [1 or 2, 1 or 2, 1 or 3, 5]',
    );
  });
});

describeNative('the kernels and the plain form', ['Attention', 'AttentionGrad'], () => {
  const q = () => sample([2, 70, 24], 1) as tf.Tensor3D;
  const k = () => sample([2, 75, 24], 2) as tf.Tensor3D;
  const v = () => sample([2, 75, 24], 3) as tf.Tensor3D;
  const settings = [
    { heads: 3 },
    { heads: 2, causal: true },
    { heads: 2, causal: true, firstQuery: 4, keyLength: 71 },
    { heads: 3, causal: true, bias: [1, 3, 70, 75] },
    { heads: 3, keyLength: 66, bias: [2, 1, 1, 75] },
    { heads: 4, scale: 0.2, bias: [1, 1, 70, 75] },
  ];

  test.each(settings)('agree in value and gradient: %j', ({ bias: shape, ...options }) => {
    const bias = shape && (sample(shape, 4) as tf.Tensor4D);
    const of = (form: typeof attention) => (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, bias?: tf.Tensor) =>
      form(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, {
        ...options,
        ...(bias && { bias: bias as tf.Tensor4D }),
      });
    const inputs = [q(), k(), v(), ...(bias ? [bias] : [])];
    const dy = sample([2, 70, 24], 5);
    const results = [attention, plainAttention].map((form) => {
      const f = of(form) as (...inputs: tf.Tensor[]) => tf.Tensor;
      return [f(...inputs), ...tf.grads(f)(inputs, dy)];
    }) as [tf.Tensor[], tf.Tensor[]];
    for (const [i, fused] of results[0].entries()) {
      expect(largestDifference(fused, results[1][i] as tf.Tensor)).toBeLessThan(5e-6);
    }
  });

  test('the gradient of a mask is not computed, that of a learnt bias is', async () => {
    const [weight, bias] = [tf.variable(sample([24], 6)), tf.variable(sample([1, 1, 70, 75], 7))];
    const names = async (variables: Record<string, tf.Variable>): Promise<string[]> => {
      const loss = () =>
        tf.sum(
          attention(tf.mul(q(), weight), k(), v(), { heads: 2, bias: bias as unknown as tf.Tensor4D }),
        ) as tf.Scalar;
      const run = () => tf.tidy(() => valueAndGrads(loss, new Map(Object.entries(variables))).value);
      expect(leakedTensors(run)).toBe(0);
      return (await tf.profile(run)).kernelNames;
    };
    expect(await names({ weight })).not.toContain('AttentionBiasGrad');
    expect(await names({ weight, bias })).toContain('AttentionBiasGrad');
    tf.dispose([weight, bias]);
  });

  test('the second derivative goes through the plain form', () => {
    // d²/dx² of sum(attention(x, x, x)) along a fixed direction, against the plain form's.
    const x = sample([1, 4, 6], 1) as tf.Tensor3D;
    const second = (form: typeof attention) => {
      const first = tf.grad((x) =>
        tf.sum(form(x as tf.Tensor3D, x as tf.Tensor3D, x as tf.Tensor3D, { heads: 2, causal: true })),
      );
      return tf.grad((x) => tf.sum(tf.mul(first(x), sample([1, 4, 6], 2))))(x);
    };
    expect(largestDifference(second(attention), second(plainAttention))).toBeLessThan(1e-5);
  });
});
