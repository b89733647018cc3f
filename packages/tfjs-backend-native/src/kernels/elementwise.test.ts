import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  difference,
  expectAsOnCpu,
  expectNativeAsOnCpu,
  LENGTHS,
  someValues,
  underEachTarget,
} from '../../testing/against-cpu.js';
import { addon } from '../addon.js';
import '../index.js';
import { BINARY_OPS, UNARY_OPS, type UnaryOp } from '../addon-numbers.js';
import type { NativeBackend } from '../backend.js';
import { planBroadcast } from './broadcast.js';

const SPECIAL = [Number.NaN, Infinity, -Infinity, 0, -0, 1e-40, -1e-40, 1e30, -1e30, 88.7, 89.5, -87.4, -104];

beforeAll(() => {
  tf.setBackend('native');
  (tf.backend() as NativeBackend).pool.poison = true;
});

/** Abramowitz and Stegun 7.1.5 and 7.1.14 in double precision. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  let sum = a;
  if (a < 2.5) {
    for (let n = 1, term = a; n < 100; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 80; n > 0; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const K = Math.sqrt(2 / Math.PI);
const geluTanh = (x: number) => 0.5 * x * (1 + Math.tanh(K * (x + 0.044715 * x ** 3)));
const gelu = (x: number) => 0.5 * x * (1 + erf(x * Math.SQRT1_2));

describe('unary functions against double precision', () => {
  // The most units in the last place of the float32 result, over the range. Measured maxima are a
  // little below.
  const cases: [UnaryOp, (x: number) => number, number, number, number][] = [
    ['exp', Math.exp, -87, 88, 1],
    ['exp', Math.exp, -1, 1, 1],
    ['log', Math.log, 1e-3, 1e3, 1],
    ['log', Math.log, 1e-38, 1e-36, 1],
    ['tanh', Math.tanh, -10, 10, 5],
    ['tanh', Math.tanh, -0.01, 0.01, 5],
    ['sigmoid', sigmoid, -80, 20, 4],
    ['erf', erf, -5, 5, 6],
    ['erf', erf, -0.01, 0.01, 5],
    ['sqrt', Math.sqrt, 0, 1e5, 0.5001],
    ['rsqrt', (x) => 1 / Math.sqrt(x), 1e-5, 1e5, 1.5],
    ['silu', (x) => x * sigmoid(x), -60, 60, 5],
  ];
  test.each(cases)('%s', (op, reference, low, high, ulps) => {
    const n = 20011;
    const x = Float32Array.from({ length: n }, (_, i) => low + ((high - low) * i) / (n - 1));
    const y = new Float32Array(n);
    underEachTarget((target) => {
      addon().unary(UNARY_OPS.indexOf(op), y, x, 0, 0);
      let worst = 0;
      let at = 0;
      for (let i = 0; i < n; i++) {
        const expected = reference(x[i] as number);
        const ulp = 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(expected) || 1e-45))) - 23);
        const error = Math.abs((y[i] as number) - expected) / ulp;
        if (!(error <= worst)) {
          worst = error;
          at = x[i] as number;
        }
      }
      if (!(worst <= ulps)) throw new Error(`${target}: ${worst} ulp at ${at}`);
    });
  });

  test.each([
    ['gelu', gelu],
    ['geluTanh', geluTanh],
  ] as const)('%s, absolute error', (op, reference) => {
    const x = Float32Array.from({ length: 8001 }, (_, i) => (i - 4000) / 400);
    const y = new Float32Array(x.length);
    underEachTarget(() => {
      addon().unary(UNARY_OPS.indexOf(op), y, x, 0, 0);
      expect(difference(y, Array.from(x, reference), { absolute: 1e-6, relative: 5e-7 })).toBeUndefined();
    });
  });
});

describe('activations', () => {
  test.each([
    ['Gelu', { approximate: false }, gelu],
    ['Gelu', { approximate: true }, geluTanh],
    ['Silu', {}, (x: number) => x * sigmoid(x)],
  ] as const)('%sGrad %j against central differences', (name, attrs, f) => {
    const x = tf.linspace(-6, 6, 131);
    const dy = tf.tensor1d(someValues(131));
    const values = dy.dataSync();
    const points = x.dataSync();
    const h = 1e-5;
    const expected = Array.from(points, (v, i) => ((f(v + h) - f(v - h)) / (2 * h)) * (values[i] as number));
    underEachTarget(() => {
      const dx = tf.engine().runKernel(`${name}Grad`, { dy, x }, attrs) as tf.Tensor;
      expect(difference(dx.dataSync(), expected, { absolute: 2e-6, relative: 0 })).toBeUndefined();
      dx.dispose();
    });
    tf.dispose([x, dy]);
  });

  test('other dtypes are refused', () => {
    const x = tf.tensor1d([1, 2], 'int32');
    expect(() => tf.engine().runKernel('Gelu', { x })).toThrow(/Gelu: x must be float32, got int32/);
    x.dispose();
  });
});

describe('unary kernels as the cpu backend', () => {
  const ops: [string, (x: tf.Tensor) => tf.Tensor][] = [
    ['neg', (x) => x.neg()],
    ['abs', (x) => x.abs()],
    ['square', (x) => x.square()],
    ['sqrt', (x) => x.sqrt()],
    ['rsqrt', (x) => x.rsqrt()],
    ['reciprocal', (x) => x.reciprocal()],
    ['exp', (x) => x.exp()],
    ['log', (x) => x.log()],
    ['tanh', (x) => x.tanh()],
    ['sigmoid', (x) => x.sigmoid()],
    ['relu', (x) => x.relu()],
    ['relu6', (x) => x.relu6()],
    ['leakyRelu', (x) => tf.leakyRelu(x, 0.3)],
    ['step', (x) => x.step(0.25)],
    ['clip', (x) => x.clipByValue(-0.5, 1.25)],
    ['erf', (x) => x.erf()],
  ];
  const tolerance = { absolute: 2e-7, relative: 2e-6 };
  test.each(ops)('%s at lengths around the vector width', (_, f) => {
    for (const n of LENGTHS) expectAsOnCpu(() => f(tf.tensor1d(someValues(n))), tolerance);
  });
  test.each(ops)('%s of NaN, infinities, zeros, denormals and extremes', (name, f) => {
    // The cpu backend's erf is an approximation that is 1e-7 off near 0.
    const special = name === 'erf' ? SPECIAL.filter((x) => !(Math.abs(x) < 1e-30)) : SPECIAL;
    expectAsOnCpu(() => f(tf.tensor1d(special)), { absolute: 1e-44, relative: 2e-6 });
  });
  test('at an offset that is not aligned', () => {
    expectAsOnCpu(() => tf.tensor1d(someValues(1003)).slice([3], [77]).exp(), tolerance);
  });
  test('int32 goes to the cpu kernel', () => {
    expectAsOnCpu(() => tf.tensor1d([1, -2, 3], 'int32').abs());
  });
});

describe('binary kernels as the cpu backend', () => {
  const ops: [string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor][] = [
    ['add', tf.add],
    ['sub', tf.sub],
    ['mul', tf.mul],
    ['div', tf.div],
    ['maximum', tf.maximum],
    ['minimum', tf.minimum],
    ['squaredDifference', tf.squaredDifference],
    ['pow', (a, b) => tf.pow(a.abs(), b)],
    ['equal', tf.equal],
    ['notEqual', tf.notEqual],
    ['greater', tf.greater],
    ['greaterEqual', tf.greaterEqual],
    ['less', tf.less],
    ['lessEqual', tf.lessEqual],
  ];
  const shapes: [number[], number[]][] = [
    [
      [5, 7],
      [5, 7],
    ],
    [[5, 7], []],
    [[], [5, 7]],
    [
      [5, 1],
      [1, 1, 1],
    ],
    [[3, 5, 17], [17]],
    [[17], [3, 5, 17]],
    [[700, 3], [3]],
    [[3], [700, 3]],
    [
      [11, 13],
      [11, 1],
    ],
    [
      [11, 1],
      [11, 13],
    ],
    [
      [7, 1],
      [1, 5],
    ],
    [
      [2, 3, 5, 7],
      [3, 1, 7],
    ],
    [
      [2, 1, 5, 1],
      [3, 1, 7],
    ],
    [
      [2, 1, 3, 1, 5, 1],
      [1, 7, 1, 2, 1, 3],
    ],
    [[2, 0, 3], [3]],
    [
      [2, 3, 1],
      [2, 3, 37],
    ],
  ];
  test.each(ops)('%s on every kind of broadcast', (_, f) => {
    for (const [a, b] of shapes) {
      const make = () =>
        f(
          tf.tensor(someValues(tf.util.sizeFromShape(a), 2, 3), a),
          tf.tensor(someValues(tf.util.sizeFromShape(b), 2, 5), b),
        );
      expectAsOnCpu(make, { absolute: 1e-6, relative: 2e-6 });
    }
  });
  test.each(ops.filter(([name]) => name !== 'pow'))('%s of NaN and infinities', (_, f) => {
    expectAsOnCpu(() =>
      f(
        tf.tensor2d(SPECIAL, [SPECIAL.length, 1]),
        tf.tensor2d(SPECIAL.concat([1, 2, 3, 4]), [1, SPECIAL.length + 4]),
      ),
    );
  });
  test.each(ops.filter(([name]) => !['div', 'pow'].includes(name)))(
    '%s of int32, wrapping around',
    (_, f) => {
      expectAsOnCpu(() =>
        f(
          tf.tensor2d(
            [
              [1, -2],
              [2 ** 31 - 1, 4],
            ],
            [2, 2],
            'int32',
          ),
          tf.tensor1d([2, -4], 'int32'),
        ),
      );
    },
  );
  test('add of float32 and int32, and of bools', () => {
    expectAsOnCpu(() => tf.add(tf.tensor1d([1.5, 2.5]), tf.tensor1d([1, 2], 'int32')));
    expectAsOnCpu(() => tf.tensor1d([true, false], 'bool').mul(tf.tensor1d([1.5, 2.5])));
  });
  test('large tensors are cut into pieces', () => {
    const [rows, width] = [173, 1031];
    const a = someValues(rows * width, 1, 7);
    const b = someValues(width, 1, 8);
    const sum = tf.tensor2d(a, [rows, width]).add(tf.tensor1d(b));
    const expected = a.map((x, i) => x + (b[i % width] as number));
    expect(difference(sum.dataSync(), expected, { absolute: 0, relative: 0 })).toBeUndefined();
    const column = tf.tensor2d(a, [rows, width]).mul(tf.tensor2d(b.slice(0, rows), [rows, 1]));
    const products = a.map((x, i) => x * (b[Math.floor(i / width)] as number));
    expect(difference(column.dataSync(), products, { absolute: 0, relative: 0 })).toBeUndefined();
    tf.dispose([sum, column]);
  });
  test('shapes that do not broadcast are refused', () => {
    expect(() => tf.add(tf.ones([2, 3]), tf.ones([2]))).toThrow(/broadcast/);
  });
});

describe('functions of libm', () => {
  const exact = { absolute: 0, relative: 0 };
  test.each(['acos', 'asin', 'acosh', 'asinh', 'atanh'] as const)('%s', (name) => {
    const values = [...someValues(300, 1.2), ...someValues(300, 50, 2), ...SPECIAL, 1, -1];
    expectNativeAsOnCpu(() => tf.tensor1d(values)[name]());
  });
  test.each(['atan2', 'mod'] as const)('%s, also of special numbers and broadcast', (name) => {
    const pairs = SPECIAL.flatMap((a) => SPECIAL.map((b) => [a, b] as const));
    const side = (i: 0 | 1) => tf.tensor1d(pairs.map((pair) => pair[i]));
    expectNativeAsOnCpu(() => side(0)[name](side(1)), exact);
    expectNativeAsOnCpu(
      () => tf.tensor(someValues(7 * 5000), [7, 5000])[name](tf.tensor(someValues(7, 1, 3), [7, 1])),
      exact,
    );
    expectNativeAsOnCpu(() => tf.scalar(3.5)[name](tf.tensor1d(someValues(33))), exact);
  });
  test('abs of complex numbers', () => {
    expectAsOnCpu(() => {
      const parts = [tf.tensor1d(someValues(99)), tf.tensor1d(someValues(99, 2, 2))] as const;
      return tf.abs(tf.complex(...parts));
    });
  });
});

describe('division with remainder', () => {
  const WHOLE = [0, 1, -1, 2, -2, 7, -7, 8, 1000003, 2147483647, -2147483648];
  const pairs = WHOLE.flatMap((a) => WHOLE.map((b) => [a, b] as const));
  const whole = (i: 0 | 1) =>
    tf.tensor1d(
      pairs.map((pair) => pair[i]),
      'int32',
    );
  const exact = { absolute: 0, relative: 0 };
  test('of integers', () => {
    expectNativeAsOnCpu(() => tf.mod(whole(0), whole(1)), exact);
    expectNativeAsOnCpu(() => tf.floorDiv(whole(0), whole(1)), exact);
    expectNativeAsOnCpu(() => tf.bitwiseAnd(whole(0), whole(1)), exact);
  });
  test('of floats', () => {
    expectNativeAsOnCpu(
      () => tf.floorDiv(tf.tensor1d(someValues(9999, 40)), tf.tensor1d(someValues(9999, 3, 2))),
      exact,
    );
    const special = SPECIAL.flatMap((a) => SPECIAL.map((b) => [a, b] as const));
    const side = (i: 0 | 1) => tf.tensor1d(special.map((pair) => pair[i]));
    expectNativeAsOnCpu(() => tf.floorDiv(side(0), side(1)), exact);
  });
});

test.each(['isNaN', 'isInf', 'isFinite'] as const)('%s', (name) => {
  expectNativeAsOnCpu(() => tf.tensor1d([...SPECIAL, ...someValues(40000)])[name]());
});

test('planBroadcast joins axes', () => {
  expect(planBroadcast([2, 3, 5], [5])).toEqual({
    shape: [2, 3, 5],
    axes: new Int32Array([6, 5, 5, 1, 0, 1]),
  });
  expect(planBroadcast([2, 3, 5], [2, 3, 1])).toEqual({
    shape: [2, 3, 5],
    axes: new Int32Array([6, 5, 5, 1, 1, 0]),
  });
});

test('planBroadcast finds the shapes that tfjs finds, and refuses those that it refuses', () => {
  const shapes: number[][] = [[]];
  for (const shape of shapes)
    if (shape.length < 3) for (const extent of [0, 1, 2, 3]) shapes.push([extent, ...shape]);
  for (const a of shapes)
    for (const b of shapes) {
      const of = (f: () => number[] | undefined) => {
        try {
          return f();
        } catch (error) {
          return (error as Error).message;
        }
      };
      const expected = of(() => tf.backend_util.assertAndGetBroadcastShape(a, b));
      expect(of(() => planBroadcast(a, b)?.shape)).toEqual(expected);
    }
});

test('planBroadcast has eight axes at most', () => {
  const odd = (rank: number, first: number) =>
    Array.from({ length: rank }, (_, i) => ((i + first) % 2 ? 2 : 1));
  expect(planBroadcast(odd(8, 0), odd(8, 1))?.axes).toEqual(
    new Int32Array([2, 2, 2, 2, 2, 2, 2, 2, 0, 8, 0, 4, 0, 2, 0, 1, 8, 0, 4, 0, 2, 0, 1, 0]),
  );
  expect(planBroadcast(odd(9, 0), odd(9, 1))).toBeUndefined();
});

test('select, addN', () => {
  expectAsOnCpu(() =>
    tf.where(
      tf.tensor2d(someValues(77), [11, 7]).greater(0),
      tf.ones([11, 7]),
      tf.tensor1d(someValues(7, 3, 3)),
    ),
  );
  for (const n of LENGTHS)
    expectAsOnCpu(() => tf.addN([1, 2, 3, 4].map((seed) => tf.tensor1d(someValues(n, 1, seed)))));
});

test('the addon refuses arrays that do not cover the axes', () => {
  const y = new Float32Array(4);
  const binary = (a: number, axes: number[]) => () =>
    addon().binary(BINARY_OPS.indexOf('add'), y, new Float32Array(a), y, new Int32Array(axes));
  expect(binary(3, [4, 1, 1])).toThrow(/binary: arrays do not cover the axes/);
  expect(binary(4, [4, 2, 1])).toThrow(/do not cover/);
  expect(binary(4, [5, 1, 1])).toThrow(/do not cover/);
  expect(binary(4, [-4, 1, 1])).toThrow(/do not cover/);
  expect(() => addon().unary(99, y, y, 0, 0)).toThrow(/unknown operation/);
  const without = (a: number) => () => addon().binary(0, y, new Float32Array(a), y, null);
  expect(without(4)).not.toThrow();
  expect(without(3)).toThrow(/binary: lengths differ/);
  expect(without(5)).toThrow(/binary: lengths differ/);
  expect(() => addon().binary(0, y, y, y, 4 as unknown as null)).toThrow(/argument 4 must be an Int32Array/);
});

describe('functions that models use seldom, against the cpu backend', () => {
  const values = [...SPECIAL, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, ...someValues(37, 6)];
  const close = { absolute: 1e-6, relative: 2e-6 };

  const functions: Record<string, (x: tf.Tensor1D) => tf.Tensor> = {
    floor: tf.floor,
    ceil: tf.ceil,
    round: tf.round,
    sign: tf.sign,
    elu: tf.elu,
    selu: tf.selu,
    softplus: tf.softplus,
    log1p: tf.log1p,
    expm1: tf.expm1,
    sin: tf.sin,
    cos: tf.cos,
    tan: tf.tan,
    atan: tf.atan,
    sinh: tf.sinh,
    cosh: tf.cosh,
  };
  test.each(Object.entries(functions))('%s', (_, f) => {
    expectAsOnCpu(() => f(tf.tensor1d(values)), close);
    for (const n of LENGTHS) expectAsOnCpu(() => f(tf.tensor1d(someValues(n, 3))), close);
  });

  test('elu near zero keeps its digits', () => {
    const x = Float32Array.of(-1e-7, -1e-4, -0.01, -0.3466, -0.3467, -1);
    underEachTarget(() => {
      const y = new Float32Array(x.length);
      addon().unary(UNARY_OPS.indexOf('elu'), y, x, 1, 1);
      for (const [i, value] of x.entries())
        expect(Math.abs((y[i] as number) / Math.expm1(value) - 1)).toBeLessThan(2.5e-7);
    });
  });

  test('elu gradient, prelu with broadcasting', () => {
    expectAsOnCpu(() => tf.grad((x) => tf.elu(x as tf.Tensor))(tf.tensor1d(someValues(131))), close);
    expectAsOnCpu(
      () =>
        tf.prelu<tf.Tensor>(tf.tensor3d(someValues(3 * 5 * 7), [3, 5, 7]), tf.tensor1d(someValues(7, 1, 2))),
      close,
    );
  });

  test('and, or, not, with broadcasting', () => {
    const bools = (n: number, seed: number) => tf.greater(tf.tensor1d(someValues(n, 1, seed)), 0);
    for (const n of LENGTHS) {
      expectAsOnCpu(() => tf.logicalAnd(bools(n, 1), bools(n, 2)));
      expectAsOnCpu(() => tf.logicalOr(bools(n, 1), bools(n, 2)));
      expectAsOnCpu(() => tf.logicalNot(bools(n, 1)));
    }
    expectAsOnCpu(() => tf.logicalAnd(tf.reshape(bools(15, 1), [3, 5]), bools(5, 2)));
  });

  test('where of int32', () => {
    const ids = (seed: number) => tf.cast(tf.tensor1d(someValues(131, 100, seed)), 'int32');
    expectAsOnCpu(() => tf.where(tf.greater(tf.tensor1d(someValues(131)), 0), ids(2), ids(3)));
  });
});

describe('conversions', () => {
  test('float32 to int32 and bool as JavaScript converts', () => {
    const x = Float32Array.of(
      0,
      -0,
      0.9,
      -0.9,
      1.5,
      -1.5,
      2147483520,
      -2147483648,
      2147483648,
      4294967296,
      6442450944,
      -3e9,
      1e20,
      Number.NaN,
      Infinity,
      -Infinity,
      1e-40,
    );
    const ints = new Int32Array(x.length);
    addon().convert(ints, x);
    expect([...ints]).toEqual([...Int32Array.from(x)]);
    const bools = new Uint8Array(x.length);
    addon().convert(bools, x);
    expect([...bools]).toEqual([...x].map((value) => (value === 0 ? 0 : 1)));
  });

  test('to float32 and between integers', () => {
    const ints = Int32Array.of(0, 1, -1, 16777217, -2147483648, 256);
    const floats = new Float32Array(6);
    addon().convert(floats, ints);
    expect([...floats]).toEqual([...Float32Array.from(ints)]);
    const bools = new Uint8Array(6);
    addon().convert(bools, ints);
    expect([...bools]).toEqual([0, 1, 1, 1, 1, 1]);
    addon().convert(floats, bools);
    expect([...floats]).toEqual([0, 1, 1, 1, 1, 1]);
    const back = new Int32Array(6);
    addon().convert(back, bools);
    expect([...back]).toEqual([0, 1, 1, 1, 1, 1]);
  });

  test('other lengths or types are refused', () => {
    expect(() => addon().convert(new Float32Array(2), new Int32Array(3))).toThrow(/lengths differ/);
    expect(() => addon().convert(new Float32Array(2), new Float32Array(2))).toThrow(/must be an Int32Array/);
  });
});

test('complex numbers with one of fewer axes', () => {
  const parts = (z: tf.Tensor) => [tf.real(z).arraySync(), tf.imag(z).arraySync()];
  const x = tf.complex([1, 3], [2, 4]); // 1 + 2i, 3 + 4i
  const z = tf.complex(2, -1);
  expect(parts(tf.mul(x, z))).toEqual([
    [4, 10],
    [3, 5],
  ]);
  expect(parts(tf.sub(z, x))).toEqual([
    [1, -1],
    [-3, -5],
  ]);
  const rows = tf.complex(
    [
      [10, 20],
      [30, 40],
    ],
    [
      [1, 2],
      [3, 4],
    ],
  );
  expect(parts(tf.add(rows, x))).toEqual([
    [
      [11, 23],
      [31, 43],
    ],
    [
      [3, 6],
      [5, 8],
    ],
  ]);
});
