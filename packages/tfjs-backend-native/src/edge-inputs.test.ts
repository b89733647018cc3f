// biome-ignore-all lint/performance/noDynamicNamespaceImportAccess: operations by name
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import './index.js';
import { difference, underEachTarget } from '../testing/against-cpu.js';

/** Every rank that tfjs has, with axes of 1 among them. */
const RANKS = [[], [5], [2, 3], [2, 1, 3], [2, 3, 1, 4], [1, 2, 2, 3, 2], [2, 1, 2, 3, 1, 2]];
/** Nothing inside: first, last and middle axes of 0. */
const EMPTY = [
  [0],
  [0, 3],
  [3, 0],
  [2, 0, 3],
  [0, 1, 2, 3],
  [2, 3, 0, 1],
  [1, 0, 2, 1, 3],
  [2, 1, 2, 0, 1, 2],
];

type Dtype = 'float32' | 'int32' | 'bool';

/** Numbers among which float32 has NaN, infinities, −0 and the smallest there are. */
function operand(shape: number[], dtype: Dtype, seed: number): tf.Tensor {
  const special = [Number.NaN, 0.5, Number.POSITIVE_INFINITY, -0, 2.5, Number.NEGATIVE_INFINITY, 1e-45, -3];
  const size = tf.util.sizeFromShape(shape);
  const of = {
    float32: (i: number) => special[(i + seed) % special.length] as number,
    int32: (i: number) => ((i * 7 + seed * 3) % 11) - 5,
    bool: (i: number) => ((i * 5 + seed) % 3) % 2,
  }[dtype];
  return tf.tensor(
    Array.from({ length: size }, (_, i) => of(i)),
    shape,
    dtype,
  );
}

type Run = (x: tf.Tensor, y: tf.Tensor) => tf.Tensor | tf.Tensor[];

const axes = (x: tf.Tensor) => x.shape.map((_, axis) => axis);

/** Operations of one or two tensors of one shape. */
const OPERATIONS: Record<string, Run> = {
  ...Object.fromEntries(
    (['neg', 'abs', 'square', 'sqrt', 'rsqrt', 'reciprocal', 'exp', 'log', 'tanh', 'sigmoid', 'relu', 'relu6', 'leakyRelu', 'elu', 'selu', 'step', 'erf', 'floor', 'ceil', 'round', 'sign', 'sin', 'cos', 'tan', 'atan', 'sinh', 'cosh', 'log1p', 'expm1', 'softplus', 'zerosLike', 'onesLike'] as const).map(
      (name) => [name, (x: tf.Tensor) => tf[name](x)] as [string, Run],
    ), // biome-ignore format: a list
  ),
  ...Object.fromEntries(
    (['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'squaredDifference', 'pow', 'equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual'] as const).flatMap(
      (name) => [
        [name, (x: tf.Tensor, y: tf.Tensor) => tf[name](x, y)],
        [`${name} of a number`, (x: tf.Tensor, y: tf.Tensor) => tf[name](x, y.size > 0 ? y.flatten().slice(0, 1).squeeze() : tf.scalar(2, y.dtype as 'int32'))],
      ] as [string, Run][],
    ), // biome-ignore format: a list
  ),
  logicalAnd: (x, y) => tf.logicalAnd(x.cast('bool'), y.cast('bool')),
  logicalOr: (x, y) => tf.logicalOr(x.cast('bool'), y.cast('bool')),
  logicalNot: (x) => tf.logicalNot(x.cast('bool')),
  where: (x, y) => tf.where(y.cast('bool'), x, y),
  addN: (x, y) => tf.addN([x, y, x]),
  clipByValue: (x) => tf.clipByValue(x, -1, 2),
  prelu: (x, y) => tf.prelu(x, y),
  ...Object.fromEntries(
    (['sum', 'mean', 'max', 'min'] as const).flatMap(
      (name) =>
        [
          [name, (x: tf.Tensor) => tf[name](x)],
          [`${name} of the first axis`, (x: tf.Tensor) => tf[name](x, 0, true)],
          [`${name} of the last axis`, (x: tf.Tensor) => tf[name](x, -1)],
          [`${name} of none`, (x: tf.Tensor) => tf[name](x, [])],
        ] as [string, Run][],
    ),
  ),
  argMax: (x) => tf.argMax(x, 0),
  argMin: (x) => tf.argMin(x, -1),
  softmax: (x) => tf.softmax(x),
  logSoftmax: (x) => tf.logSoftmax(x),
  topk: (x) => {
    // The order of NaN is ours: it comes last.
    const { values, indices } = tf.topk(tf.where(tf.equal(x, x), x, tf.zerosLike(x)), 1);
    return [values, indices];
  },
  transpose: (x) => tf.transpose(x),
  reverse: (x) => tf.reverse(x),
  pad: (x) =>
    tf.pad(
      x,
      axes(x).map(() => [1, 2] as [number, number]),
      3,
    ),
  tile: (x) =>
    tf.tile(
      x,
      axes(x).map((axis) => (axis % 2) + 1),
    ),
  'tile to nothing': (x) =>
    tf.tile(
      x,
      axes(x).map((axis) => (axis === 0 ? 0 : 1)),
    ),
  concat: (x, y) => tf.concat([x, y, x], 0),
  'concat of the last axis': (x, y) => tf.concat([x, y], -1),
  stack: (x, y) => tf.stack([x, y], x.rank > 0 ? 1 : 0),
  unstack: (x) => tf.unstack(x, 0),
  split: (x) => tf.split(x, [1, (x.shape.at(-1) as number) - 1], -1),
  slice: (x) =>
    tf.slice(
      x,
      axes(x).map((axis) => Math.min(1, (x.shape[axis] as number) - 1)),
    ),
  'slice of nothing': (x) =>
    tf.slice(
      x,
      axes(x).map(() => 0),
      axes(x).map(() => 0),
    ),
  stridedSlice: (x) =>
    tf.stridedSlice(
      x,
      axes(x).map(() => -1),
      axes(x).map(() => -9),
      axes(x).map(() => -2),
    ),
  gather: (x) => tf.gather(x, tf.tensor1d([0, 0], 'int32')),
  'gather of nothing': (x) => tf.gather(x, tf.tensor1d([], 'int32')),
  oneHot: (x) => tf.oneHot(x.cast('int32'), 3),
  'cast to float32': (x) => tf.cast(x, 'float32'),
  'cast to int32': (x) => tf.cast(x, 'int32'),
  'cast to bool': (x) => tf.cast(x, 'bool'),
  reshape: (x) => [tf.reshape(x, [x.size]), tf.expandDims(x), tf.squeeze(x)],
  matMul: (x, y) => tf.matMul(x, y, false, true),
  cumsum: (x) => tf.cumsum(x, Math.max(0, x.rank - 1)),
};

type Outcome =
  | { error: true }
  | { error: false; outputs: { shape: number[]; dtype: string; values: ArrayLike<number> }[] };

/** What comes out, or that the operation refuses its input. */
function outcome(run: Run, shape: number[], dtype: Dtype): Outcome {
  return tf.tidy(() => {
    try {
      const made = run(operand(shape, dtype, 1), operand(shape, dtype, 4));
      const outputs = (Array.isArray(made) ? made : [made]).map((tensor) => ({
        shape: tensor.shape,
        dtype: tensor.dtype,
        values: tensor.dataSync(),
      }));
      return { error: false, outputs };
    } catch {
      return { error: true };
    }
  });
}

const same = (a: Outcome, b: Outcome): string | undefined => {
  if (a.error || b.error)
    return a.error === b.error
      ? undefined
      : `${a.error ? '' : 'no '}error, on cpu ${b.error ? 'one' : 'none'}`;
  for (const [i, { shape, dtype, values }] of a.outputs.entries()) {
    const other = b.outputs[i];
    if (other === undefined || `${shape}` !== `${other.shape}` || dtype !== other.dtype)
      return `output ${i} is [${shape}] ${dtype}, on cpu [${other?.shape}] ${other?.dtype}`;
    const found = difference(values, other.values, { absolute: 1e-6, relative: 4e-6 });
    if (found !== undefined) return found;
  }
  return undefined;
};

/**
 * Of nothing the cpu backend gives other numbers than TensorFlow and this one; reduce.test.ts has
 * those.
 */
const shapesFor = (name: string) => (/^(mean|max|min)\b/.test(name) ? RANKS : [...RANKS, ...EMPTY]);

describe.each(Object.entries(OPERATIONS))('%s', (name, run) => {
  test.each(['float32', 'int32', 'bool'] as const)(
    '%s of ranks 0 to 6 and of nothing, as on cpu',
    (dtype) => {
      for (const shape of shapesFor(name)) {
        tf.setBackend('cpu');
        const expected = outcome(run, shape, dtype);
        tf.setBackend('native');
        underEachTarget((target) => {
          const before = tf.memory().numTensors;
          const problem = same(outcome(run, shape, dtype), expected);
          if (problem !== undefined) throw new Error(`[${shape}] ${dtype} on ${target}: ${problem}`);
          expect(tf.memory().numTensors).toBe(before);
        });
      }
    },
  );
});
