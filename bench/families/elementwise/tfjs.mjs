import { gelu } from '../rows/tfjs.mjs';

const SHAPE = [2048, 2048];
const unary =
  (f) =>
  ({ tf, random }) => {
    const x = random(SHAPE);
    return () => f(tf, x);
  };
const binary =
  (f, shape) =>
  ({ tf, random }) => {
    const x = random(SHAPE);
    const y = random(shape);
    return () => f(tf, x, y);
  };

export const kinds = {
  add: binary((tf, x, y) => tf.add(x, y), SHAPE),
  add_row: binary((tf, x, y) => tf.add(x, y), [2048]),
  add_column: binary((tf, x, y) => tf.add(x, y), [2048, 1]),
  mul: binary((tf, x, y) => tf.mul(x, y), SHAPE),
  exp: unary((tf, x) => tf.exp(x)),
  tanh: unary((tf, x) => tf.tanh(x)),
  gelu: unary(gelu),
};
