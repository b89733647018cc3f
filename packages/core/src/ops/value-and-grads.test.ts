import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { onEachBackend } from '../../testing/backends.js';
import { largestDifference, sample } from '../../testing/gradient-check.js';
import { EaselError } from '../errors.js';
import { gelu } from './activation.js';
import { attention } from './attention.js';
import { sparseCrossEntropy } from './cross-entropy.js';
import { embedding } from './embedding.js';
import { linear } from './linear.js';
import { layerNorm } from './norm.js';
import { insideGradient } from './tape.js';
import { valueAndGrads } from './value-and-grads.js';

onEachBackend(() => {
  function variables(shapes: Record<string, number[]>): Map<string, tf.Variable> {
    return new Map(
      Object.entries(shapes).map(([name, shape], i) => [
        name,
        tf.tidy(() => tf.variable(sample(shape, i + 1))),
      ]),
    );
  }

  /**
   * A one-layer transformer with every operation that a model uses: embedding, norm, attention,
   * residuals, gelu, cross-entropy.
   */
  const SHAPES = {
    table: [7, 6],
    scale: [6],
    bias: [6],
    qkv: [6, 18],
    up: [6, 10],
    upBias: [10],
    down: [10, 6],
  };

  function transformerLoss(weights: Map<string, tf.Variable>): tf.Scalar {
    const get = (name: keyof typeof SHAPES) => weights.get(name) as tf.Variable;
    const ids = tf.tensor2d([1, 2, 3, 1, 0, 6], [2, 3], 'int32');
    const x = embedding(get('table'), ids);
    const n = layerNorm(x, get('scale'), get('bias'));
    const [q, k, v] = tf.split(linear(n, get('qkv')), 3, 2) as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
    const y = tf.add(x, attention(q, k, v, { heads: 2 }));
    const z = tf.add(y, linear(gelu(linear(y, get('up'), get('upBias'))), get('down')));
    const logits = tf.matMul(tf.reshape(z, [6, 6]), get('table'), false, true); // tied: the table has two gradients
    return tf.mean(sparseCrossEntropy(logits as tf.Tensor2D, tf.reshape(ids, [6]))) as tf.Scalar;
  }

  describe('valueAndGrads', () => {
    const weights = variables(SHAPES);

    test('equals tf.variableGrads on a transformer, and leaves only value and gradients', () => {
      const list = [...weights.values()];
      const before = tf.memory().numTensors;
      const reference = tf.variableGrads(() => transformerLoss(weights), list);
      const between = tf.memory().numTensors;
      const { value, grads } = valueAndGrads(() => transformerLoss(weights), weights);
      expect(tf.memory().numTensors - between).toBe(1 + weights.size);
      expect(between - before).toBe(1 + weights.size);
      expect([...grads.keys()]).toEqual([...weights.keys()]);
      expect(value.dataSync()).toEqual(reference.value.dataSync());
      for (const [name, gradient] of grads) {
        const expected = reference.grads[(weights.get(name) as tf.Variable).name] as tf.Tensor;
        expect(expected.abs().max().dataSync()[0]).toBeGreaterThan(1e-3);
        expect(largestDifference(gradient, expected)).toBeLessThan(1e-7);
      }
    });

    test('hands out gradients one by one, each when the rest no longer reads its variable, and keeps none', () => {
      const reference = valueAndGrads(() => transformerLoss(weights), weights);
      const expected = new Map([...reference.grads].map(([name, gradient]) => [name, gradient.dataSync()]));
      tf.dispose([reference.value, ...reference.grads.values()]);
      const before = tf.memory().numTensors;
      const kept = new Map([...weights].map(([name, weight]) => [name, tf.clone(weight)]));
      const found: string[] = [];
      const { value, grads } = valueAndGrads(() => transformerLoss(weights), weights, {
        onGradient: (name, gradient) => {
          found.push(name);
          expect(gradient.dataSync()).toEqual(expected.get(name));
          tf.tidy(() => (weights.get(name) as tf.Variable).assign(tf.fill(gradient.shape, 1e6)));
        },
      });
      expect(grads.size).toBe(0);
      expect(found.toSorted()).toEqual([...weights.keys()].toSorted());
      expect([found[0], found.at(-1)]).toEqual(['down', 'table']); // the tied table is read first and last
      value.dispose();
      for (const [name, values] of kept) weights.get(name)?.assign(values);
      tf.dispose([...kept.values()]);
      expect(tf.memory().numTensors).toBe(before);
    });

    test('an error in onGradient leaves nothing', () => {
      const before = tf.memory().numTensors;
      const fail = () => {
        throw new EaselError('inside onGradient');
      };
      expect(() => valueAndGrads(() => transformerLoss(weights), weights, { onGradient: fail })).toThrow(
        'inside onGradient',
      );
      expect(tf.memory().numTensors).toBe(before);
    });

    test('two names of one variable are both handed its gradient; one that is not reached is an error', () => {
      const [w, unused] = [tf.variable(tf.scalar(3)), tf.variable(tf.scalar(1))];
      const found: [string, number][] = [];
      const take = (name: string, gradient: tf.Tensor) => {
        found.push([name, gradient.dataSync()[0] as number]);
      };
      const square = () => tf.square(w) as tf.Scalar;
      const named: [string, tf.Variable][] = [
        ['a', w],
        ['b', w],
      ];
      valueAndGrads(square, new Map(named), { onGradient: take }).value.dispose();
      expect(found).toEqual([
        ['a', 6],
        ['b', 6],
      ]);
      expect(() => valueAndGrads(square, new Map([...named, ['c', unused]]), { onGradient: take })).toThrow(
        'does not depend on c.',
      );
      tf.dispose([w, unused]);
    });

    test('inside tidy, the caller keeps what it returns and nothing else', () => {
      const before = tf.memory().numTensors;
      const kept = tf.tidy(
        () => valueAndGrads(() => transformerLoss(weights), weights).grads.get('up') as tf.Tensor,
      );
      expect(tf.memory().numTensors).toBe(before + 1);
      kept.dispose();
    });

    test('frees saved tensors and gradients while it walks', () => {
      const [a, b] = [tf.variable(tf.ones([3])), tf.variable(tf.ones([3]))];
      let most = 0;
      const chain = (): tf.Scalar => {
        let x: tf.Tensor = tf.mul(a, b);
        for (let i = 0; i < 20; i++) x = tf.tanh(x);
        const y = tf.sum(x);
        most = 0; // the way up is the same for both
        return y as tf.Scalar;
      };
      const peak = (run: () => void): number => {
        const start = tf.memory().numDataBuffers;
        const engine = tf.engine() as unknown as {
          makeTensorFromTensorInfo: (...args: unknown[]) => unknown;
        };
        const original = engine.makeTensorFromTensorInfo;
        engine.makeTensorFromTensorInfo = function (this: unknown, ...args: unknown[]) {
          const made = original.apply(this, args);
          most = Math.max(most, tf.memory().numDataBuffers - start);
          return made;
        };
        tf.tidy(run);
        engine.makeTensorFromTensorInfo = original;
        return most;
      };
      const eager = peak(() => valueAndGrads(chain, new Map([['a', a]])));
      const whole = peak(() => tf.variableGrads(chain, [a]));
      // tfjs keeps the gradient of each of 20 steps beside 22 saved tensors; the walk frees each
      // gradient and what was saved for it.
      expect(whole).toBeGreaterThan(40);
      expect(eager).toBeLessThan(30);
      tf.dispose([a, b]);
    });

    test('hands out further results by name', async () => {
      const w = tf.variable(tf.scalar(3));
      const { value, outputs, grads } = valueAndGrads(
        () => ({ loss: tf.square(w) as tf.Scalar, doubled: tf.mul(w, 2) }),
        new Map([['w', w]]),
      );
      expect([value.dataSync()[0], Object.keys(outputs), outputs.doubled?.dataSync()[0]]).toEqual([
        9,
        ['doubled'],
        6,
      ]);
      expect(grads.get('w')?.dataSync()[0]).toBe(6);
    });

    test('the loss may be a variable itself, a gradient may be dy itself, one variable may have two names', () => {
      const w = tf.variable(tf.scalar(3));
      expect(
        valueAndGrads(() => tf.clone(w) as tf.Scalar, new Map([['w', w]]))
          .grads.get('w')
          ?.dataSync()[0],
      ).toBe(1);
      expect(
        valueAndGrads(() => tf.add(w, w) as tf.Scalar, new Map([['w', w]]))
          .grads.get('w')
          ?.dataSync()[0],
      ).toBe(2);
      const both = valueAndGrads(
        () => tf.square(w) as tf.Scalar,
        new Map([
          ['a', w],
          ['b', w],
        ]),
      ).grads;
      both.get('a')?.dispose();
      expect(both.get('b')?.dataSync()[0]).toBe(6);
    });

    test('an index chosen by a variable is a constant', () => {
      const table = tf.variable(tf.tensor2d([1, 5, 2], [3, 1]));
      const { grads } = valueAndGrads(
        () => {
          const best = tf.reshape(tf.argMax(table, 0), [1]) as tf.Tensor1D;
          return tf.sum(embedding(table, best)) as tf.Scalar;
        },
        new Map([['table', table]]),
      );
      expect([...(grads.get('table') as tf.Tensor).dataSync()]).toEqual([0, 1, 0]);
    });

    test('an unused variable is named, or left out where that is allowed', () => {
      const [w, unused] = [tf.variable(tf.scalar(3)), tf.variable(tf.scalar(1))];
      const both = new Map([
        ['w', w],
        ['decoder.bias', unused],
      ]);
      const before = tf.memory().numTensors;
      expect(() => valueAndGrads(() => tf.square(w) as tf.Scalar, both)).toThrow(
        'does not depend on decoder.bias.',
      );
      expect(tf.memory().numTensors).toBe(before);
      const { grads } = valueAndGrads(() => tf.square(w) as tf.Scalar, both, { allowUnused: true });
      expect([...grads.keys()]).toEqual(['w']);
    });

    describe('on an error nothing is left and tfjs goes on', () => {
      const w = tf.variable(tf.tensor1d([1, 2]));
      const named = new Map([['w', w]]);
      const cases: [string, () => unknown, string][] = [
        [
          'f throws',
          () =>
            valueAndGrads(() => {
              tf.square(w);
              throw new EaselError('inside f');
            }, named),
          'inside f',
        ],
        [
          'the loss is no scalar',
          () => valueAndGrads(() => tf.square(w) as unknown as tf.Scalar, named),
          'float32 [2]',
        ],
        [
          'f returns nothing',
          () => valueAndGrads(() => undefined as unknown as tf.Scalar, named),
          'float32 scalar as its loss, got none',
        ],
        [
          'an operation without gradient',
          () => valueAndGrads(() => tf.sum(tf.mul(tf.square(w), tf.cumprod(w))) as tf.Scalar, named),
          'the operation Cumprod has no gradient',
        ],
        [
          'inside another gradient',
          () => tf.grad(() => valueAndGrads(() => tf.sum(w) as tf.Scalar, named).value)(tf.scalar(1)),
          'cannot run inside another gradient',
        ],
      ];
      test.each(cases)('%s', (_, run, message) => {
        const before = tf.memory();
        expect(run).toThrow(message);
        expect(tf.memory().numTensors).toBeLessThanOrEqual(before.numTensors + 1); // tf.grad's own argument
        expect(insideGradient()).toBe(false);
        expect(
          valueAndGrads(() => tf.sum(w) as tf.Scalar, named)
            .grads.get('w')
            ?.dataSync(),
        ).toEqual(Float32Array.of(1, 1));
      });
    });
  });
});
