import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  difference,
  expectAsOnCpu,
  ROUNDINGS,
  someValues,
  underEachTarget,
} from '../../testing/against-cpu.js';
import '../index.js';

beforeAll(() => {
  tf.setBackend('native');
});

const EXTENTS: Record<string, number> = { b: 2, h: 3, i: 4, j: 5, k: 7, l: 1, m: 6 };

/** Tensors whose axes have the letters of the terms. */
const tensorsOf = (equation: string, dtype: 'float32' | 'int32' = 'float32'): tf.Tensor[] =>
  (equation.split('->')[0] as string)
    .replace(/\s/g, '')
    .split(',')
    .map((term, i) => {
      const shape = [...term].map((letter) => EXTENTS[letter] as number);
      const values = someValues(tf.util.sizeFromShape(shape), 2, i + 1);
      return tf.tensor(dtype === 'int32' ? values.map(Math.round) : values, shape, dtype);
    });

const EQUATIONS = [
  'ij,jk->ik',
  'ij,kj->ik',
  'ji,jk->ik',
  'ij,jk->ki',
  'bij,bjk->bik',
  'bhik,bhjk->bhij',
  'bhij,bjhk->bihk',
  'bihk,bjhk->bhij',
  'bi, bjk -> bijk',
  'ij,ij->ij',
  'ij,ij->',
  'i,j->ij',
  'i,i->',
  'ijk,j->ki',
  'ijm,jk->ik',
  'ij,klm->jk',
  'bil,bjl->bij',
  'ij->ji',
  'ijk->k',
  'ij->',
  'i->i',
  'bhij,hk->bijk',
  'im,mbk->ibk',
];

/** The same by products and sums over all axes, of which tfjs has gradients. */
const byHand =
  (equation: string) =>
  (...tensors: tf.Tensor[]): tf.Tensor => {
    const [terms, out] = equation.replace(/\s/g, '').split('->') as [string, string];
    const letters = terms.split(',');
    const all = [...new Set(out + letters.join(''))];
    const spread = tensors.map((x, i) => {
      const own = letters[i] as string;
      const order = all.filter((letter) => own.includes(letter));
      const moved = tf.transpose(
        x,
        order.map((letter) => own.indexOf(letter)),
      );
      return tf.reshape(
        moved,
        all.map((letter) => (own.includes(letter) ? (EXTENTS[letter] as number) : 1)),
      );
    });
    const full = all.map((letter) => EXTENTS[letter] as number);
    const product = spread.map((x) => tf.broadcastTo(x, full)).reduce((a, b) => tf.mul(a, b));
    const axes = all.flatMap((letter, i) => (out.includes(letter) ? [] : [i]));
    return axes.length > 0 ? tf.sum(product, axes) : product;
  };

describe('einsum', () => {
  // tfjs's cpu kernel refuses 'ij,klm->jk', where both tensors have axes of their own that go.
  test.each(EQUATIONS)('%s is its products, summed', (equation) => {
    underEachTarget((target) => {
      tf.tidy(() => {
        const tensors = tensorsOf(equation);
        const got = tf.einsum(equation, ...tensors);
        const expected = byHand(equation)(...tensors);
        expect(got.shape).toEqual(expected.shape);
        const problem = difference(got.dataSync(), expected.dataSync(), ROUNDINGS);
        if (problem) throw new Error(`${target}${problem}`);
      });
    });
  });

  test.each(EQUATIONS.filter((equation) => equation !== 'ij,klm->jk'))('%s is as on cpu', (equation) => {
    expectAsOnCpu(() => tf.einsum(equation, ...tensorsOf(equation)), ROUNDINGS);
  });

  test('integers and empty tensors', () => {
    expectAsOnCpu(() => tf.einsum('ij,jk->ik', ...tensorsOf('ij,jk->ik', 'int32')));
    expectAsOnCpu(() => tf.einsum('ij,jk->ik', tf.zeros([0, 3]), tf.ones([3, 2])));
    expectAsOnCpu(() => tf.einsum('ij,jk->ik', tf.zeros([2, 0]), tf.ones([0, 2])));
  });

  test.each([
    ['ij,jk->ix', /label x not present/],
    ['ii->i', /duplicate axes/],
    ['ij,jk', /without an arrow/],
    ['ij,jk,kl->il', /more than 2/],
  ])('%s is refused', (equation, message) => {
    expect(() => tf.einsum(equation, ...tensorsOf(equation.replace('x', 'i')))).toThrow(message);
  });

  test('axes of one letter must agree', () => {
    expect(() => tf.einsum('ij,jk->ik', tf.ones([2, 3]), tf.ones([4, 2]))).toThrow(/dimension/);
  });

  test('the input is not given away', () => {
    const x = tf.tensor1d([1, 2, 3]);
    tf.einsum('i->i', x).dispose();
    expect(Array.from(x.dataSync())).toEqual([1, 2, 3]);
  });
});

describe('gradient of einsum', () => {
  test.each(EQUATIONS)('%s', (equation) => {
    underEachTarget((target) => {
      tf.tidy(() => {
        const tensors = tensorsOf(equation);
        const y = byHand(equation)(...tensors);
        const dy = tf.tensor(someValues(y.size, 1, 9), y.shape);
        const got = tf.grads((...x) => tf.mul(tf.einsum(equation, ...x), dy))(tensors);
        const expected = tf.grads((...x) => tf.mul(byHand(equation)(...x), dy))(tensors);
        got.forEach((gradient, i) => {
          const problem = difference(gradient.dataSync(), (expected[i] as tf.Tensor).dataSync(), ROUNDINGS);
          if (problem) throw new Error(`${target}, input ${i}${problem}`);
          expect(gradient.shape).toEqual((tensors[i] as tf.Tensor).shape);
        });
      });
    });
  });

  test('has a gradient itself', () => {
    const [a, b] = tensorsOf('ij,jk->ik') as [tf.Tensor, tf.Tensor];
    const inner = (x: tf.Tensor) => tf.sum(tf.square(tf.einsum('ij,jk->ik', x, b)));
    const outer = tf.grad((x) => tf.sum(tf.square(tf.grad(inner)(x))));
    const byProducts = tf.grad((x) =>
      tf.sum(tf.square(tf.grad((z) => tf.sum(tf.square(tf.matMul(z as tf.Tensor2D, b as tf.Tensor2D))))(x))),
    );
    const problem = difference(outer(a).dataSync(), byProducts(a).dataSync(), {
      absolute: 1e-3,
      relative: 1e-4,
    });
    expect(problem).toBeUndefined();
  });
});
