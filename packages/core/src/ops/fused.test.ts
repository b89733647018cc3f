import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { describeNative } from '../../testing/backends.js';
import { largestDifference, leakedTensors, sample } from '../../testing/gradient-check.js';
import { gelu, geluTanh, plainGelu, plainGeluTanh, plainSilu, silu } from './activation.js';
import { attention, plainAttention } from './attention.js';
import { plainSparseCrossEntropy, sparseCrossEntropy } from './cross-entropy.js';
import { gatedActivation, plainGatedActivation } from './gated-activation.js';
import { groupNorm, plainGroupNorm } from './group-norm.js';
import { linear, plainLinear } from './linear.js';
import { layerNorm, plainLayerNorm, plainRmsNorm, rmsNorm } from './norm.js';
import { plainUpdateRows, updateRows } from './update-rows.js';
import { valueAndGrads } from './value-and-grads.js';

type Op = (...inputs: tf.Tensor[]) => tf.Tensor;
interface FusedCase {
  readonly name: string;
  readonly kernels: readonly string[];
  readonly fused: Op;
  readonly plain: Op;
  readonly shapes: readonly number[][];
  /** The gradient by the first input does not depend on it. */
  readonly flat?: boolean;
}

const LABELS = [4, 0, 30, 7, 7];
const labels = () => tf.tensor1d(LABELS, 'int32');
const norms = ['LayerNorm', 'LayerNormGrad'];
const groups = { groups: 3, epsilon: 1e-6 };
type Three = [tf.Tensor, tf.Tensor, tf.Tensor];

/**
 * A fused operation beside its plain form: both run on the native backend, so that only the kernel
 * differs.
 */
const CASES: FusedCase[] = [
  {
    name: 'layerNorm',
    kernels: norms,
    fused: (x, s, b) => layerNorm(x as tf.Tensor, s, b),
    plain: (x, s, b) => plainLayerNorm(x as tf.Tensor, s, b, 1e-5),
    shapes: [[2, 5, 37], [37], [37]],
  },
  {
    name: 'layerNorm without scale',
    kernels: norms,
    fused: (x, b) => layerNorm(x as tf.Tensor, undefined, b),
    plain: (x, b) => plainLayerNorm(x as tf.Tensor, undefined, b, 1e-5),
    shapes: [[3, 19], [19]],
  },
  {
    name: 'layerNorm without bias',
    kernels: norms,
    fused: (x, s) => layerNorm(x as tf.Tensor, s, undefined),
    plain: (x, s) => plainLayerNorm(x as tf.Tensor, s, undefined, 1e-5),
    shapes: [[3, 19], [19]],
  },
  {
    name: 'layerNorm alone',
    kernels: norms,
    fused: (x) => layerNorm(x as tf.Tensor, undefined, undefined),
    plain: (x) => plainLayerNorm(x as tf.Tensor, undefined, undefined, 1e-5),
    shapes: [[7, 5]],
  },
  {
    name: 'rmsNorm',
    kernels: norms,
    fused: (x, s) => rmsNorm(x as tf.Tensor, s),
    plain: (x, s) => plainRmsNorm(x as tf.Tensor, s, 1e-5),
    shapes: [[2, 3, 33], [33]],
  },
  {
    name: 'rmsNorm without scale',
    kernels: norms,
    fused: (x) => rmsNorm(x as tf.Tensor, undefined),
    plain: (x) => plainRmsNorm(x as tf.Tensor, undefined, 1e-5),
    shapes: [[4, 17]],
  },
  ...[false, true].map(
    (swish): FusedCase => ({
      name: swish ? 'groupNorm with swish' : 'groupNorm',
      kernels: ['GroupNorm', 'GroupNormGrad'],
      fused: (...xs) => groupNorm(...(xs as Three), { ...groups, swish }),
      plain: (...xs) => plainGroupNorm(...(xs as Three), { ...groups, swish }),
      shapes: [[2, 3, 5, 12], [12], [12]],
    }),
  ),
  {
    name: 'gelu',
    kernels: ['Gelu', 'GeluGrad'],
    fused: (x) => gelu(x as tf.Tensor),
    plain: (x) => plainGelu(x as tf.Tensor),
    shapes: [[3, 67]],
  },
  {
    name: 'geluTanh',
    kernels: ['Gelu', 'GeluGrad'],
    fused: (x) => geluTanh(x as tf.Tensor),
    plain: (x) => plainGeluTanh(x as tf.Tensor),
    shapes: [[3, 67]],
  },
  {
    name: 'silu',
    kernels: ['Silu', 'SiluGrad'],
    fused: (x) => silu(x as tf.Tensor),
    plain: (x) => plainSilu(x as tf.Tensor),
    shapes: [[3, 67]],
  },
  ...(['relu', 'gelu', 'gelu_tanh', 'silu'] as const).map(
    (activation): FusedCase => ({
      name: `gatedActivation ${activation}`,
      kernels: ['GatedActivation', 'GatedActivationGrad'],
      fused: (gate, up) => gatedActivation(gate as tf.Tensor, up as tf.Tensor, activation),
      plain: (gate, up) => plainGatedActivation(gate as tf.Tensor, up as tf.Tensor, activation),
      shapes: [
        [3, 67],
        [3, 67],
      ],
      flat: activation === 'relu',
    }),
  ),
  {
    name: 'linear',
    kernels: ['Linear', 'LinearKernelGrad'],
    fused: (x, kernel, bias, residual) =>
      linear(x as tf.Tensor, kernel as tf.Tensor, bias, { residual: residual as tf.Tensor }),
    plain: (x, kernel, bias, residual) =>
      plainLinear(x as tf.Tensor, kernel as tf.Tensor, bias, { residual: residual as tf.Tensor }),
    shapes: [[2, 3, 7], [7, 19], [19], [2, 3, 19]],
    flat: true,
  },
  ...(['relu', 'gelu', 'gelu_tanh', 'silu'] as const).map(
    (activation): FusedCase => ({
      name: `linear with ${activation}`,
      kernels: ['Linear', 'LinearKernelGrad'],
      fused: (x, kernel, bias) => linear(x as tf.Tensor, kernel as tf.Tensor, bias, { activation }),
      plain: (x, kernel, bias) => plainLinear(x as tf.Tensor, kernel as tf.Tensor, bias, { activation }),
      shapes: [[5, 7], [7, 19], [19]],
      flat: activation === 'relu',
    }),
  ),
  {
    name: 'sparseCrossEntropy',
    kernels: ['SparseCrossEntropy', 'SparseCrossEntropyGrad'],
    fused: (x) => sparseCrossEntropy(x as tf.Tensor2D, labels()),
    plain: (x) => plainSparseCrossEntropy(x as tf.Tensor2D, labels()),
    shapes: [[5, 31]],
  },
];

describe.each(CASES)('$name', ({ name, kernels, fused, plain, shapes, flat }) => {
  describeNative(`${name} on native`, kernels, () => {
    let inputs: tf.Tensor[];
    beforeAll(() => {
      inputs = shapes.map((shape, i) => tf.tidy(() => tf.mul(sample(shape, i + 1), 2)));
    });
    afterAll(() => {
      tf.dispose(inputs);
    });

    test('value', () => {
      expect(largestDifference(fused(...inputs), plain(...inputs))).toBeLessThan(2e-6);
    });

    test('runs the kernel, once', async () => {
      const { kernelNames } = await tf.profile(() => fused(...inputs));
      expect(kernelNames.filter((kernel) => kernel === kernels[0])).toHaveLength(1);
    });

    test('gradients, through tf.grads and through valueAndGrads', () => {
      const weights = sample(fused(...inputs).shape, 50);
      const loss =
        (f: Op) =>
        (...xs: tf.Tensor[]) =>
          tf.sum(tf.mul(f(...xs), weights)) as tf.Scalar;
      const expected = tf.grads(loss(plain))(inputs);
      const actual = tf.grads(loss(fused))(inputs);
      const variables = new Map(inputs.map((input, i) => [`${i}`, tf.variable(input)]));
      const { grads } = valueAndGrads(() => loss(fused)(...variables.values()), variables);
      for (const [i, gradient] of expected.entries()) {
        expect(largestDifference(actual[i] as tf.Tensor, gradient)).toBeLessThan(1e-5);
        expect(largestDifference(grads.get(`${i}`) as tf.Tensor, gradient)).toBeLessThan(1e-5);
      }
      tf.dispose([...variables.values()]);
    });

    (flat ? test.skip : test)('second derivative, through the plain form (not where it is zero)', () => {
      const twice = (f: Op) => {
        const [first, ...rest] = inputs as [tf.Tensor, ...tf.Tensor[]];
        const weights = sample(f(...inputs).shape, 60);
        const slope = tf.grad((x) => tf.sum(tf.mul(f(x, ...rest), weights)));
        return tf.tidy(() => tf.grad((x) => tf.sum(tf.square(slope(x))))(first));
      };
      const expected = twice(plain);
      const size = expected.abs().max().dataSync()[0] as number;
      expect(largestDifference(twice(fused), expected) / size).toBeLessThan(1e-4);
    });

    test('leaves no tensors, with and without a tape', () => {
      expect(leakedTensors(() => fused(...inputs))).toBe(name === 'sparseCrossEntropy' ? 1 : 0); // the labels made here
      expect(leakedTensors(() => tf.tidy(() => tf.grads((...xs) => tf.sum(fused(...xs)))(inputs)))).toBe(0);
    });
  });
});

describeNative('attention on native', ['Attention'], () => {
  test.each([
    { bias: undefined, keyLength: undefined },
    { bias: undefined, keyLength: 5 },
    { bias: [1, 1, 1, 11], keyLength: undefined },
    { bias: [2, 1, 1, 11], keyLength: 7 },
    { bias: [1, 3, 4, 11], keyLength: undefined },
    { bias: [2, 3, 1, 11], keyLength: 1 },
  ])('equals the plain form %j', ({ bias, keyLength }) => {
    const [q, k, v] = [
      [2, 4, 15],
      [2, 11, 15],
      [2, 11, 15],
    ].map((shape, i) => sample(shape, i)) as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
    const options = {
      heads: 3,
      ...(bias === undefined ? {} : { bias: sample(bias, 9) as tf.Tensor4D }),
      ...(keyLength === undefined ? {} : { keyLength }),
    };
    expect(largestDifference(attention(q, k, v, options), plainAttention(q, k, v, options))).toBeLessThan(
      1e-6,
    );
    expect(leakedTensors(() => attention(q, k, v, options))).toBe(0);
  });

  test('a bias cut to keyLength is the same as the whole', () => {
    const [q, k] = [sample([1, 2, 6], 1) as tf.Tensor3D, sample([1, 5, 6], 2) as tf.Tensor3D];
    const bias = sample([1, 2, 2, 5], 3) as tf.Tensor4D;
    const cut = tf.slice(bias, [0, 0, 0, 0], [-1, -1, -1, 3]);
    const whole = attention(q, k, k, { heads: 2, bias, keyLength: 3 });
    expect(largestDifference(attention(q, k, k, { heads: 2, bias: cut, keyLength: 3 }), whole)).toBe(0);
  });

  test('runs one kernel without a tape, and its gradient under one', async () => {
    const q = sample([1, 2, 6]) as tf.Tensor3D;
    const names = async (run: () => tf.Tensor) => (await tf.profile(run)).kernelNames;
    expect(await names(() => attention(q, q, q, { heads: 2 }))).toEqual(['Attention']);
    const underTape = await names(() =>
      tf.grad((x) => tf.sum(attention(x as tf.Tensor3D, q, q, { heads: 2 })))(q),
    );
    expect(underTape).toEqual(expect.arrayContaining(['Attention', 'AttentionGrad']));
    expect(underTape).not.toContain('Softmax');
  });
});

describeNative('updateRows on native', ['UpdateRows'], () => {
  test('writes in place: result and cache share data, and equal the plain form', async () => {
    const cache = sample([2, 3, 5], 1) as tf.Tensor3D;
    const rows = sample([2, 1, 5], 2) as tf.Tensor3D;
    const expected = plainUpdateRows(cache, rows, 1);
    const result = updateRows(cache, rows, 1);
    expect(result.dataId).toBe(cache.dataId);
    cache.dispose();
    expect(largestDifference(result, expected)).toBe(0);
    expect(leakedTensors(() => updateRows(result, rows, 2))).toBe(0);
  });

  test('under a tape it is a copy', () => {
    const cache = sample([1, 2, 3], 1) as tf.Tensor3D;
    const before = cache.dataSync().slice();
    const rows = sample([1, 1, 3], 2) as tf.Tensor3D;
    tf.grad((x) => tf.sum(tf.square(updateRows(x as tf.Tensor3D, rows, 0))))(cache);
    expect(cache.dataSync()).toEqual(before);
  });
});

// A backend without our kernels runs the plain forms: the same entry points, no kernel asked for.
describe('without fused kernels', () => {
  test('cpu has none of them', () => {
    const names = CASES.flatMap(({ kernels }) => kernels);
    for (const name of [...names, 'Attention', 'UpdateRows'])
      expect(tf.getKernel(name, 'cpu')).toBeUndefined();
  });
});
