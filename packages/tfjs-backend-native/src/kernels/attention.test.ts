import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { difference, someValues, underEachTarget } from '../../testing/against-cpu.js';
import { addon, setThreads } from '../addon.js';
import type { NativeBackend } from '../backend.js';
import '../index.js';

beforeAll(() => {
  tf.setBackend('native');
  (tf.backend() as NativeBackend).pool.poison = true;
});

interface Case {
  readonly batch: number;
  readonly queries: number;
  readonly capacity: number;
  readonly keys: number;
  readonly heads: number;
  readonly width: number;
  readonly bias?: [number, number, number, number];
  /** Place of the first query under a causal mask; undefined: no such mask. */
  readonly first?: number;
}

interface Operands {
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
  readonly bias: Float32Array;
  readonly dy: Float32Array;
}

const SCALE = 0.7;

function operands(c: Case, size = 1): Operands {
  const row = c.heads * c.width;
  return {
    q: someValues(c.batch * c.queries * row, size, 2),
    k: someValues(c.batch * c.capacity * row, size, 3),
    v: someValues(c.batch * c.capacity * row, size, 4),
    bias: someValues(c.bias ? tf.util.sizeFromShape(c.bias) : 0, 2, 5),
    dy: someValues(c.batch * c.queries * row, size, 6),
  };
}

/** The definition and its derivatives, in double precision: [y, dq, dk, dv, dbias]. */
function attentionOf(c: Case, { q, k, v, bias, dy }: Operands): Float64Array[] {
  const row = c.heads * c.width;
  const at = (x: ArrayLike<number>, i: number): number => x[i] as number;
  const [y, dq, dk, dv, dbias] = [q, q, k, v, bias].map((x) => new Float64Array(x.length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const add = (to: Float64Array, i: number, x: number): void => {
    to[i] = at(to, i) + x;
  };
  for (let b = 0; b < c.batch; b++)
    for (let h = 0; h < c.heads; h++)
      for (let t = 0; t < c.queries; t++) {
        const seen = c.first === undefined ? c.keys : Math.min(c.keys, c.first + t + 1);
        const query = (b * c.queries + t) * row + h * c.width;
        const key = (s: number): number => (b * c.capacity + s) * row + h * c.width;
        const biasAt = (s: number): number =>
          [b, h, t].reduce(
            (sum, i, axis) => sum * at(c.bias ?? [], axis) + (c.bias?.[axis] === 1 ? 0 : i),
            0,
          ) *
            at(c.bias ?? [], 3) +
          s;
        const scores = Array.from({ length: seen }, (_, s) => {
          let dot = 0;
          for (let i = 0; i < c.width; i++) dot += at(q, query + i) * at(k, key(s) + i);
          return dot * SCALE + (c.bias ? at(bias, biasAt(s)) : 0);
        });
        const max = Math.max(...scores);
        const sum = scores.reduce((total, score) => total + Math.exp(score - max), 0);
        const p = scores.map((score) => Math.exp(score - max) / sum);
        const dp = p.map((_, s) => {
          let dot = 0;
          for (let i = 0; i < c.width; i++) dot += at(dy, query + i) * at(v, key(s) + i);
          return dot;
        });
        const mean = p.reduce((total, part, s) => total + part * at(dp, s), 0);
        for (let s = 0; s < seen; s++) {
          const ds = at(p, s) * (at(dp, s) - mean);
          if (c.bias) add(dbias, biasAt(s), ds);
          for (let i = 0; i < c.width; i++) {
            add(y, query + i, at(p, s) * at(v, key(s) + i));
            add(dv, key(s) + i, at(p, s) * at(dy, query + i));
            add(dq, query + i, SCALE * ds * at(k, key(s) + i));
            add(dk, key(s) + i, SCALE * ds * at(q, query + i));
          }
        }
      }
  return [y, dq, dk, dv, dbias];
}

/** What the kernels make of it: [y, dq, dk, dv, dbias]. */
function kernels(c: Case, x: Operands, attrs: tf.NamedAttrMap = {}): Float32Array[] {
  const row = c.heads * c.width;
  return tf.tidy(() => {
    const q = tf.tensor3d(x.q, [c.batch, c.queries, row]);
    const k = tf.tensor3d(x.k, [c.batch, c.capacity, row]);
    const v = tf.tensor3d(x.v, [c.batch, c.capacity, row]);
    const dy = tf.tensor3d(x.dy, [c.batch, c.queries, row]);
    const bias = c.bias ? { bias: tf.tensor4d(x.bias, c.bias) } : undefined;
    const all = {
      heads: c.heads,
      scale: SCALE,
      keyLength: c.keys,
      ...(c.first === undefined ? {} : { causal: true, firstQuery: c.first }),
      ...attrs,
    };
    const run = (name: string, inputs: object): tf.Tensor[] =>
      tf
        .engine()
        .runKernel(name, inputs as tf.NamedTensorMap, all as tf.NamedAttrMap) as unknown as tf.Tensor[];
    const name = bias ? 'BiasedAttention' : 'Attention';
    const alone = ([] as tf.Tensor[]).concat(run(name, { q, k, v, ...bias }));
    Object.assign(all, { withStats: true });
    const [y, stats] = run(name, { q, k, v, ...bias }) as [tf.Tensor, tf.Tensor];
    expect(alone).toHaveLength(1);
    expect(alone[0]?.dataSync()).toEqual(y.dataSync());
    const inputs = { dy, q, k, v, ...bias, y, stats };
    const gradients = run('AttentionGrad', inputs);
    const ofBias = bias ? ([] as tf.Tensor[]).concat(run('AttentionBiasGrad', inputs)) : [];
    return [y, ...gradients, ...ofBias].map((tensor) => tensor.dataSync() as Float32Array);
  });
}

const CASES: Case[] = [
  { batch: 1, queries: 1, capacity: 1, keys: 1, heads: 1, width: 1 },
  { batch: 2, queries: 1, capacity: 37, keys: 23, heads: 3, width: 16 },
  { batch: 3, queries: 1, capacity: 19, keys: 19, heads: 2, width: 5, bias: [3, 1, 1, 19] },
  { batch: 1, queries: 1, capacity: 300, keys: 291, heads: 2, width: 40, bias: [1, 2, 1, 300] },
  { batch: 1, queries: 1, capacity: 515, keys: 515, heads: 1, width: 65 },
  { batch: 1, queries: 1, capacity: 515, keys: 515, heads: 2, width: 16, first: 400 },
  { batch: 2, queries: 3, capacity: 1, keys: 1, heads: 3, width: 2, first: 0 },
  { batch: 2, queries: 5, capacity: 17, keys: 11, heads: 3, width: 8, bias: [1, 3, 5, 17] },
  { batch: 2, queries: 8, capacity: 9, keys: 9, heads: 2, width: 7, bias: [1, 1, 8, 9] },
  { batch: 2, queries: 13, capacity: 31, keys: 29, heads: 3, width: 20, bias: [2, 3, 13, 29] },
  { batch: 3, queries: 11, capacity: 23, keys: 23, heads: 5, width: 6, bias: [1, 1, 1, 23] },
  { batch: 3, queries: 7, capacity: 18, keys: 17, heads: 5, width: 4, bias: [3, 1, 7, 18], first: 9 },
  { batch: 1, queries: 67, capacity: 67, keys: 67, heads: 2, width: 33, bias: [1, 1, 67, 67] },
  { batch: 1, queries: 130, capacity: 50, keys: 50, heads: 1, width: 17, bias: [1, 1, 1, 50] },
  { batch: 1, queries: 130, capacity: 130, keys: 130, heads: 2, width: 16, first: 0 },
  { batch: 2, queries: 63, capacity: 65, keys: 65, heads: 1, width: 15, first: 0 },
  { batch: 1, queries: 65, capacity: 63, keys: 63, heads: 3, width: 31, first: 0, bias: [1, 3, 1, 63] },
  { batch: 1, queries: 64, capacity: 128, keys: 128, heads: 2, width: 64, first: 40 },
  { batch: 1, queries: 37, capacity: 129, keys: 97, heads: 2, width: 48, first: 51, bias: [1, 2, 37, 129] },
  { batch: 1, queries: 20, capacity: 200, keys: 200, heads: 1, width: 80, first: 250 },
];

test.each(CASES)('attention %j', (c) => {
  const x = operands(c);
  const expected = attentionOf(c, x);
  const before = tf.memory().numTensors;
  underEachTarget((target) => {
    for (const [i, got] of kernels(c, x).entries()) {
      const problem = difference(got, expected[i] as Float64Array, { absolute: 4e-6, relative: 4e-6 });
      if (problem) throw new Error(`${target}, ${['y', 'dq', 'dk', 'dv', 'dbias'][i]}${problem}`);
    }
  });
  expect(tf.memory().numTensors).toBe(before);
});

test('every size around blocks, tiles and vectors, causal or not', () => {
  underEachTarget((target) => {
    for (const queries of [1, 2, 6, 7, 15, 16, 17, 31, 33, 64, 66])
      for (const keys of [1, 5, 16, 18, 63, 64, 65])
        for (const first of [undefined, 0, 3]) {
          const c = {
            batch: 1,
            queries,
            capacity: keys,
            keys,
            heads: 1,
            width: 3,
            ...(first !== undefined && { first }),
          };
          const x = operands(c);
          const expected = attentionOf(c, x);
          for (const [i, got] of kernels(c, x).entries()) {
            const problem = difference(got, expected[i] as Float64Array, { absolute: 4e-6, relative: 4e-6 });
            if (problem) throw new Error(`${target}, ${JSON.stringify(c)}, output ${i}${problem}`);
          }
        }
  });
});

test('head widths around the vectors', () => {
  underEachTarget((target) => {
    for (const width of [1, 4, 7, 8, 9, 16, 23, 24, 32, 47, 64, 100, 128, 130]) {
      const c = { batch: 1, queries: 9, capacity: 14, keys: 13, heads: 2, width, first: 2 };
      const x = operands(c, 0.5);
      const expected = attentionOf(c, x);
      for (const [i, got] of kernels(c, x).entries()) {
        const problem = difference(got, expected[i] as Float64Array, { absolute: 4e-6, relative: 4e-6 });
        if (problem) throw new Error(`${target}, width ${width}, output ${i}${problem}`);
      }
    }
  });
});

test('large scores: neither overflow nor loss of the sum', () => {
  const c: Case = { batch: 1, queries: 70, capacity: 90, keys: 90, heads: 2, width: 8, bias: [1, 1, 70, 90] };
  const x = operands(c);
  for (let i = 0; i < x.bias.length; i++) x.bias[i] = ((i * 7919) % 2001) - 1000;
  const expected = attentionOf(c, x);
  underEachTarget((target) => {
    for (const [i, got] of kernels(c, x).entries()) {
      // Scores up to 1,000 have roundings of 6e-5.
      const problem = difference(got, expected[i] as Float64Array, { absolute: 5e-4, relative: 5e-4 });
      if (problem) throw new Error(`${target}, output ${i}${problem}`);
    }
  });
});

test('a row masked by −1e9 throughout weighs its keys alike', () => {
  const c: Case = { batch: 1, queries: 3, capacity: 70, keys: 70, heads: 1, width: 4, bias: [1, 1, 1, 70] };
  const x = operands(c);
  x.bias.fill(-1e9);
  x.q.fill(0);
  underEachTarget(() => {
    const [y, , , dv] = kernels(c, x) as [Float32Array, Float32Array, Float32Array, Float32Array];
    for (let i = 0; i < 4; i++) {
      let mean = 0;
      for (let s = 0; s < 70; s++) mean += (x.v[s * 4 + i] as number) / 70;
      expect(y[i]).toBeCloseTo(mean, 6);
      const sum = (x.dy[i] as number) + (x.dy[4 + i] as number) + (x.dy[8 + i] as number);
      expect(dv[i]).toBeCloseTo(sum / 70, 6);
    }
  });
});

test('−∞ hides a key, also the first ones; a row of −∞ alone gives NaN, and no other row', () => {
  const c: Case = {
    batch: 1,
    queries: 3,
    capacity: 140,
    keys: 140,
    heads: 1,
    width: 5,
    bias: [1, 1, 3, 140],
  };
  const x = operands(c);
  x.bias.fill(Number.NEGATIVE_INFINITY, 0, 100); // query 0 sees the keys from 100 on
  x.bias.fill(Number.NEGATIVE_INFINITY, 280, 420); // query 2 none
  const finite = { ...x, bias: x.bias.map((b) => Math.max(b, -1e9)) };
  const expected = attentionOf(c, finite)[0]?.subarray(0, 10) as Float64Array;
  underEachTarget((target) => {
    const [y, dq] = kernels(c, x) as [Float32Array, Float32Array];
    const problem = difference(y.subarray(0, 10), expected, { absolute: 2e-6, relative: 2e-6 });
    if (problem) throw new Error(`${target}${problem}`);
    expect(dq.subarray(0, 10).every(Number.isFinite)).toBe(true);
    expect(y.subarray(10).every(Number.isNaN)).toBe(true);
    expect(dq.subarray(10).every(Number.isNaN)).toBe(true);
  });
});

test.each([
  ['NaN in a query', 'q', Number.NaN],
  ['∞ in a query', 'q', Number.POSITIVE_INFINITY],
  ['NaN in a value', 'v', Number.NaN],
] as const)('%s comes out as NaN where it belongs', (_, name, value) => {
  const c: Case = { batch: 1, queries: 20, capacity: 20, keys: 20, heads: 2, width: 6, first: 0 };
  const x = operands(c);
  const row = 12;
  x[name][17 * row] = value; // row 17, head 0
  underEachTarget(() => {
    const [y] = kernels(c, x) as [Float32Array];
    expect(y.subarray(0, 12 * row).every(Number.isFinite)).toBe(true);
    expect(y[17 * row]).toBeNaN();
    for (let t = 0; t < 20; t++)
      expect(y.subarray(t * row + 6, (t + 1) * row).every(Number.isFinite)).toBe(true); // head 1
  });
});

test('bit-equal with any number of threads', () => {
  const cases: Case[] = [
    {
      batch: 3,
      queries: 70,
      capacity: 130,
      keys: 129,
      heads: 4,
      width: 32,
      bias: [1, 1, 70, 130],
      first: 60,
    },
    { batch: 2, queries: 200, capacity: 200, keys: 200, heads: 3, width: 64, bias: [2, 1, 1, 200] },
    { batch: 1, queries: 1, capacity: 1000, keys: 999, heads: 2, width: 64 },
  ];
  for (const c of cases) {
    const x = operands(c);
    const before = addon().status().threads;
    try {
      const results = [1, 2, 5].map((count) => {
        setThreads(count);
        return kernels(c, x).map((y) => Buffer.from(y.buffer, y.byteOffset, y.byteLength).toString('base64'));
      });
      expect(results[1]).toEqual(results[0]);
      expect(results[2]).toEqual(results[0]);
    } finally {
      setThreads(before);
    }
  }
});

test('operands off every alignment', () => {
  const shift = (x: Float32Array, by: number): Float32Array => {
    const moved = new Float32Array(x.length + by).subarray(by);
    moved.set(x);
    return moved;
  };
  const c: Case = {
    batch: 1,
    queries: 19,
    capacity: 21,
    keys: 21,
    heads: 1,
    width: 16,
    bias: [1, 1, 19, 21],
  };
  const x = operands(c);
  const sizes = Int32Array.of(1, 19, 21, 21, 1, 16, 0, 0, 21, 0, 0, 1);
  underEachTarget(() => {
    const results = [0, 1, 3].map((by) => {
      const [q, k, v, bias, dy] = [x.q, x.k, x.v, x.bias, x.dy].map((array) => shift(array, by)) as [
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      const of = (length: number): Float32Array => new Float32Array(length + by).subarray(by);
      const [y, stats, dq, dk, dv, dbias] = [q.length, 38, q.length, k.length, v.length, bias.length].map(
        of,
      ) as [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];
      addon().attention(y, stats, q, k, v, bias, null, null, null, SCALE, sizes);
      addon().attentionGrad(dq, dk, dv, dbias, dy, q, k, v, bias, y, stats, SCALE, sizes);
      return [y, stats, dq, dk, dv, dbias].map((array) => Array.from(array));
    });
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });
});

test('shapes that do not fit are refused', () => {
  const q = tf.zeros([1, 2, 6]);
  const k = tf.zeros([1, 3, 6]);
  const run = (inputs: Record<string, tf.Tensor>, attrs: tf.NamedAttrMap) => () =>
    tf
      .engine()
      .runKernel('bias' in inputs ? 'BiasedAttention' : 'Attention', { q, k, v: k, ...inputs }, attrs);
  const attrs = { heads: 2, scale: 1, keyLength: 3 };
  expect(run({ v: q }, attrs)).toThrow(/expected q \[B, T, D\] and k, v \[B, S, D\]/);
  expect(run({}, { ...attrs, heads: 4 })).toThrow(/heads \(4\) must divide the width 6/);
  expect(run({}, { ...attrs, keyLength: 4 })).toThrow(/keyLength must be 1 to 3/);
  expect(run({}, { ...attrs, causal: true, firstQuery: -1 })).toThrow(/firstQuery must be an integer from 0/);
  expect(run({ bias: tf.zeros([1, 3, 1, 3]) }, attrs)).toThrow(/bias that broadcasts to \[1,2,2, 3\]/);
  tf.dispose([q, k]);
});

/**
 * Rows of one step of drawing. Each looks at its own count of keys, in a row of k and v that others
 * may share.
 */
test.each([1, 5])('numbers of rows, %d queries: bit for bit what each row gives alone', (queries) => {
  const [heads, width, capacity, texts] = [2, 20, 300, 5];
  const row = heads * width;
  const tensor = (shape: [number, number, number], seed: number) =>
    tf.tensor3d(someValues(tf.util.sizeFromShape(shape), 1, seed), shape);
  const [k, v] = [tensor([texts, capacity, row], 3), tensor([texts, capacity, row], 4)];
  const ints = (values: number[]) => tf.tensor1d(values, 'int32');
  const run = (rows: readonly number[], lengths: number[], firsts: number[], keyRows: number[]) => {
    const result = tf.tidy(() => {
      const all = tensor([24, queries, row], 2);
      const bias = tf.tensor4d(someValues(24 * heads * queries * capacity, 1, 5), [
        24,
        heads,
        queries,
        capacity,
      ]);
      const inputs = {
        q: tf.gather(all, ints([...rows])),
        k,
        v,
        bias: tf.gather(bias, ints([...rows])),
        keyLengths: ints(lengths),
        firstQueries: ints(firsts),
        keyRows: ints(keyRows),
      };
      const attrs = { heads, scale: SCALE, causal: true };
      return [tf.engine().runKernel('BiasedAttention', inputs, attrs)].flat()[0] as tf.Tensor;
    });
    const values = result.dataSync();
    result.dispose();
    return values;
  };
  underEachTarget(() => {
    const rows = Array.from({ length: 24 }, (_, i) => i);
    const lengths = rows.map((i) => [1, 31, 32, 33, 97, 160, 299, 300][i % 8] as number);
    const firsts = rows.map((i) => (i % 3 === 0 ? 299 : (i * 37) % 200));
    const keyRows = rows.map((i) => (i * 3) % texts);
    const together = run(rows, lengths, firsts, keyRows);
    for (const i of rows) {
      const alone = run([i], [lengths[i] as number], [firsts[i] as number], [keyRows[i] as number]);
      const own = together.subarray(i * queries * row, (i + 1) * queries * row);
      expect([i, difference(own, alone, { absolute: 0, relative: 0 })]).toEqual([i, undefined]);
    }
    const { threads } = addon().status();
    for (const count of [1, 3]) {
      setThreads(count);
      expect(run(rows, lengths, firsts, keyRows)).toEqual(together);
    }
    setThreads(threads);
  });
  tf.dispose([k, v]);
});

test('numbers of rows that do not fit are refused', () => {
  const q = tf.zeros([2, 1, 4]);
  const k = tf.zeros([3, 5, 4]);
  const refused = (more: tf.NamedTensorMap, message: RegExp) => {
    const run = () =>
      tf.tidy(() => tf.engine().runKernel('Attention', { q, k, v: k, ...more }, { heads: 2, scale: 1 }));
    expect(run).toThrow(message);
  };
  const ints = (...values: number[]) => tf.tensor1d(values, 'int32');
  const keyRows = ints(2, 0);
  for (const length of [0, -1, 6]) refused({ keyRows, keyLengths: ints(1, length) }, /keyLengths must be/);
  for (const outside of [-1, 3]) refused({ keyRows: ints(0, outside) }, /keyRows must be a row/);
  refused({ keyRows, firstQueries: ints(0, -1) }, /firstQueries must be/);
  refused({ keyRows, keyLengths: ints(1) }, /keyLengths int32 \[2\], got int32 \[1\]/);
  refused({ keyRows: tf.zeros([2]) }, /keyRows int32 \[2\], got float32 \[2\]/);
  refused({}, /k, v \[B, S, D\]/);
  tf.dispose([q, k, keyRows]);
});
