import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { deserialize } from 'safetensors-ts';
import { ConfigError, ShapeError } from '../errors.js';
import { erfInv } from './float32.js';
import {
  bernoulli,
  categorical,
  exponential,
  foldIn,
  foldInNames,
  gumbel,
  type Key,
  normal,
  permutation,
  prngKey,
  randint,
  randomBits,
  split,
  truncatedNormal,
  uniform,
} from './index.js';
import { sha1 } from './sha1.js';
import { threefryCounters } from './threefry.js';

type Numbers = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array | BigUint64Array;

/** One call of jax.random: see golden/README.md. */
interface Call {
  readonly name: string;
  readonly op: string;
  readonly dtype: string;
  readonly shape: number[];
  readonly key: Key;
  readonly seed: string;
  readonly count: number[];
  readonly num: number;
  readonly data: number;
  readonly bits: 8 | 16 | 32 | 64;
  readonly minval?: number;
  readonly maxval?: number;
  readonly lower: number;
  readonly upper: number;
  readonly p: number;
  readonly n: number;
  readonly logits: unknown[];
}

const folder = new URL('./golden/', import.meta.url);
const calls = JSON.parse(readFileSync(new URL('jax-random.json', folder), 'utf8')) as Call[];
const { tensors } = deserialize(new Uint8Array(readFileSync(new URL('jax-random.safetensors', folder))));

const ARRAYS = {
  U8: Uint8Array,
  U16: Uint16Array,
  U32: Uint32Array,
  I32: Int32Array,
  F32: Float32Array,
  U64: BigUint64Array,
} as const;

function golden(name: string): Numbers {
  const view = tensors.get(name);
  if (view === undefined) throw new Error(`golden tensor ${name} is missing`);
  return new ARRAYS[view.dtype as keyof typeof ARRAYS](view.bytes.slice().buffer);
}

/** Distance of two float32 numbers in units of the last place. */
function ulps(a: number, b: number): number {
  const line = (x: number): number => {
    const bits = new Int32Array(Float32Array.of(x).buffer)[0] as number;
    return bits < 0 ? -(bits & 0x7fffffff) : bits;
  };
  return Object.is(a, b) ? 0 : Math.abs(line(a) - line(b));
}

function largest(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  distance: (a: number, b: number) => number,
) {
  expect(actual.length).toBe(expected.length);
  return Array.from(actual).reduce(
    (most, value, i) => Math.max(most, distance(value, expected[i] as number)),
    0,
  );
}
const difference = (a: number, b: number) => Math.abs(a - b);

const exact: Record<string, (call: Call) => ArrayLike<number> | BigUint64Array> = {
  PRNGKey: ({ seed }) => prngKey(BigInt(seed)),
  threefry2x32: ({ key, count }) => threefryCounters(key, Uint32Array.from(count)),
  split: ({ key, num }) => split(key, num).flat(),
  fold_in: ({ key, data }) => foldIn(key, data),
  bits: ({ key, shape, bits }) =>
    randomBits(
      key,
      shape.reduce((a, b) => a * b, 1),
      bits,
    ),
  uniform: ({ key, shape, minval, maxval }) =>
    uniform(key, shape, { minval: minval ?? 0, maxval: maxval ?? 1 }),
  bernoulli: ({ key, shape, p }) => bernoulli(key, p, shape),
  randint: ({ key, shape, minval, maxval }) => randint(key, shape, minval as number, maxval as number),
  permutation: ({ key, n }) => permutation(key, n),
  categorical: ({ key, shape, logits }) => {
    const rows = shape.reduce((a, b) => a * b, 1);
    const flat = (logits as unknown as number[][]).flat(4) as number[];
    const columns = shape.length === 2 && shape[0] === 7 ? 4 : flat.length / rows;
    // Where jax broadcasts logits over further draws, each draw gets its copy.
    const tiled = Float32Array.from({ length: rows * columns }, (_, i) => flat[i % flat.length] as number);
    return categorical(key, tiled, [rows, columns]);
  },
};

test.each(Object.keys(exact))('%s equals jax', (op) => {
  const cases = calls.filter((call) => call.op === op);
  expect(cases.length).toBeGreaterThan(10);
  for (const call of cases) {
    const actual = (exact[op] as (call: Call) => ArrayLike<number>)(call);
    expect({ name: call.name, values: Array.from(actual) }).toEqual({
      name: call.name,
      values: Array.from(golden(call.name) as ArrayLike<number>),
    });
  }
});

const close: [op: string, unit: typeof ulps, tolerance: number, draw: (call: Call) => Float32Array][] = [
  // XLA fuses multiplications into additions and has its own log; the tolerances are what two correct float32 versions differ by.
  ['normal', 3, ulps, ({ key, shape }) => normal(key, shape)],
  ['exponential', 1, ulps, ({ key, shape }) => exponential(key, shape)],
  ['gumbel', 1e-6, difference, ({ key, shape }) => gumbel(key, shape)],
  [
    'truncated_normal',
    1e-6,
    difference,
    ({ key, shape, lower, upper }) => truncatedNormal(key, lower, upper, shape),
  ],
];

test.each(close)('%s is near jax, within %p', (op, tolerance, unit, draw) => {
  const cases = calls.filter((call) => call.op === op);
  expect(cases.length).toBeGreaterThan(5);
  for (const call of cases) {
    expect([call.name, largest(draw(call), golden(call.name) as Float32Array, unit) <= tolerance]).toEqual([
      call.name,
      true,
    ]);
  }
});

test("erfInv is XLA's within 2 ulp, infinite at the ends", () => {
  const inputs = golden('erfinv_input') as Float32Array;
  expect(largest(inputs.map(erfInv), golden('erf_inv_000') as Float32Array, ulps)).toBeLessThanOrEqual(2);
  expect([erfInv(1), erfInv(-1), erfInv(0)]).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]);
});

test('sha1: examples of FIPS 180, lengths around the block', () => {
  const hex = (text: string) => Buffer.from(sha1(new TextEncoder().encode(text))).toString('hex');
  expect(hex('')).toBe('da39a3ee5e6b4b0d3255bfef95601890afd80709');
  expect(hex('abc')).toBe('a9993e364706816aba3e25717850c26c9cd0d89d');
  expect(hex('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq')).toBe(
    '84983e441c3bd26ebaae4aa1f95129e5e54670f1',
  );
  // From Python's hashlib.
  expect(hex('a'.repeat(55))).toBe('c1c8bbdc22796e28c0e15163d20899b65621d65a');
  expect(hex('a'.repeat(64))).toBe('0098ba824b5c16427bd7a1122a5a442a25ec644d');
});

test('foldInNames is foldIn of the first four bytes of SHA-1 over names and shortest numbers', () => {
  const key = prngKey(3);
  // SHA-1("abc") begins with a9993e36; "a" and "bc" have no separator.
  expect(foldInNames(key, ['abc'])).toEqual(foldIn(key, 0xa9993e36));
  expect(foldInNames(key, ['a', 'bc'])).toEqual(foldInNames(key, ['abc']));
  // 0x6162 is "ab" and 0x63 is "c"; 0 has no byte at all.
  expect(foldInNames(key, [0x6162, 'c', 0])).toEqual(foldInNames(key, ['abc']));
  expect(() => foldInNames(key, [-1])).toThrow(ConfigError);
});

test('edges: nothing drawn, one drawn, bad arguments', () => {
  const key = prngKey(0);
  expect([uniform(key, [0, 3]).length, randomBits(key, 0, 64).length, permutation(key, 0).length]).toEqual([
    0, 0, 0,
  ]);
  expect([...permutation(key, 1)]).toEqual([0]);
  expect(normal(key, []).length).toBe(1);
  expect(() => prngKey(0.5)).toThrow(ConfigError);
  expect(() => prngKey(2n ** 63n)).toThrow(ConfigError);
  expect(() => uniform(key, [-1])).toThrow(ShapeError);
  expect(() => categorical(key, new Float32Array(5), [2, 3])).toThrow(ShapeError);
  expect(() => randint(key, [1], 0.5, 3)).toThrow(ConfigError);
  expect(() => truncatedNormal(key, 1, 1, [1])).toThrow(ConfigError);
});

test('a column of −Infinity is never drawn; permutations hold each number once', () => {
  const key = prngKey(5);
  const logits = Float32Array.from({ length: 3000 }, (_, i) => (i % 3 === 1 ? Number.NEGATIVE_INFINITY : 0));
  const drawn = categorical(key, logits, [1000, 3]);
  const counts = [0, 1, 2].map((column) => drawn.filter((value) => value === column).length);
  expect(counts[1]).toBe(0);
  expect(Math.abs((counts[0] as number) - 500)).toBeLessThan(80); // five standard deviations of 16
  const order = permutation(key, 70000);
  expect([...order].sort((a, b) => a - b).every((value, i) => value === i)).toBe(true);
});

test('random words are cheap: millions a second', () => {
  const n = 1 << 20;
  randomBits(prngKey(0), n);
  const start = performance.now();
  randomBits(prngKey(1), n);
  const wordsPerSecond = (n / (performance.now() - start)) * 1000;
  // 30 million where nothing else runs; this only catches a loop that the compiler gave up on.
  expect(wordsPerSecond).toBeGreaterThan(3.3e6);
});
