import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { describeNative } from '../../testing/backends.js';
import { rematerialize } from './rematerialize.js';
import { valueAndGrads } from './value-and-grads.js';

/** Blocks x + tanh(x·a)·b, and where the most memory was in use. */
function train(remat: boolean, blocks = 6, width = 24): { grads: number[][]; loss: number } {
  const variables = new Map(
    Array.from({ length: 2 * blocks }, (_, i): [string, tf.Variable] => {
      const shape: [number, number] = i % 2 ? [4 * width, width] : [width, 4 * width];
      return [`w${i}`, tf.tidy(() => tf.variable(tf.randomNormal(shape, 0, 0.2, 'float32', i + 1)))];
    }),
  );
  const input = tf.randomNormal([5, width], 0, 1, 'float32', 99);
  const { value, grads } = valueAndGrads(() => {
    let x: tf.Tensor = input;
    for (let i = 0; i < blocks; i++) {
      const [a, b] = [variables.get(`w${2 * i}`), variables.get(`w${2 * i + 1}`)] as [
        tf.Variable,
        tf.Variable,
      ];
      const block = (y: tf.Tensor): tf.Tensor =>
        tf.tidy(() => tf.add(y, tf.matMul(tf.tanh(tf.matMul(y as tf.Tensor2D, a as never)), b as never)));
      x = remat ? rematerialize(block, [x], [a, b]) : block(x);
    }
    return tf.mean(tf.square(x)) as tf.Scalar;
  }, variables);
  const result = {
    loss: value.dataSync()[0] as number,
    grads: [...grads.values()].map((grad) => [...grad.dataSync()]),
  };
  tf.dispose([value, input, ...grads.values(), ...variables.values()]);
  return result;
}

function suite(): void {
  test('loss and gradients are bit for bit those without it, and no tensor is left', () => {
    const before = tf.memory().numTensors;
    expect(train(true)).toEqual(train(false));
    expect(tf.memory().numTensors).toBe(before);
  });

  test('nested, and with tf.grads', () => {
    const w = tf.variable(tf.tensor2d([0.5, -0.25, 1, 2], [2, 2]));
    const inner = (x: tf.Tensor): tf.Tensor => tf.tanh(tf.matMul(x as tf.Tensor2D, w as never));
    const outer = (x: tf.Tensor): tf.Tensor =>
      rematerialize((y) => tf.square(inner(rematerialize(inner, [y], [w]))), [x], [w]);
    const plain = (x: tf.Tensor): tf.Tensor => tf.square(inner(inner(x)));
    const x = tf.tensor2d([1, 2, -0.5, 0.25], [2, 2]);
    expect([...tf.grad(outer)(x).dataSync()]).toEqual([...tf.grad(plain)(x).dataSync()]);
    const of = (f: (x: tf.Tensor) => tf.Tensor) =>
      tf.variableGrads(() => tf.sum(f(x)) as tf.Scalar, [w]).grads;
    const [ours, theirs] = [of(outer), of(plain)].map((grads) => [
      ...(grads[w.name] as tf.Tensor).dataSync(),
    ]);
    expect(ours).toEqual(theirs);
    w.dispose();
  });

  test('several inputs; one that does not matter has zeros', () => {
    const f = (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor): tf.Tensor =>
      rematerialize((x, y, _) => tf.mul(tf.square(x), y), [a, b, c], []);
    const inputs = [tf.scalar(3), tf.scalar(5), tf.scalar(7)];
    const grads = tf
      .grads(f as (...xs: tf.Tensor[]) => tf.Tensor)(inputs)
      .map((grad) => grad.dataSync()[0]);
    expect(grads).toEqual([30, 9, 0]);
  });

  test('without a tape it just runs', () => {
    let runs = 0;
    const twice = (x: tf.Tensor): tf.Tensor => {
      runs++;
      return tf.mul(x, 2);
    };
    expect(rematerialize(twice, [tf.scalar(4)], []).dataSync()[0]).toBe(8);
    expect(runs).toBe(1);
  });
}

describe('on cpu', () => {
  beforeAll(async () => void (await tf.setBackend('cpu')));
  suite();
});

describeNative('on native', ['_FusedMatMul'], () => {
  suite();

  test('the forward pass keeps less memory', () => {
    const peak = (remat: boolean): number => {
      const memory = () => (tf.memory() as unknown as { native: { liveBytes: number } }).native.liveBytes;
      const w = Array.from({ length: 8 }, () => tf.variable(tf.randomNormal([64, 64]))) as tf.Variable[];
      let most = 0;
      const x = tf.variable(tf.randomNormal([512, 64])) as tf.Variable;
      const { value, grads } = valueAndGrads(
        () => {
          let y: tf.Tensor = x;
          for (const v of w) {
            const block = (z: tf.Tensor): tf.Tensor => {
              let h = z;
              for (let i = 0; i < 4; i++) h = tf.tanh(tf.matMul(h as tf.Tensor2D, v as never));
              return h;
            };
            y = remat ? rematerialize(block, [y], [v]) : tf.tidy(() => block(y));
          }
          most = memory();
          return tf.mean(y) as tf.Scalar;
        },
        new Map([['x', x]]),
      );
      tf.dispose([value, x, ...grads.values(), ...w]);
      return most;
    };
    expect(peak(true)).toBeLessThan(0.4 * peak(false));
  });
});
