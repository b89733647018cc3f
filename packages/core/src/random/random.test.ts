import { expect, test } from '@jest/globals';
import { ConfigError, ShapeError } from '../errors.js';
import {
  categorical,
  categoricalRow,
  choice,
  foldIn,
  foldInNames,
  normal,
  permutation,
  permuted,
  prngKey,
  randint,
  randomBits,
  split,
  truncatedNormal,
  uniform,
} from './index.js';
import { sha1 } from './sha1.js';

// jax's own numbers: packages/conformance, kind `random`.

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

test('bounds and sizes that make no sense are refused', () => {
  const key = prngKey(0);
  expect(() => randint(key, [1], -1, 3, { dtype: 'uint8' })).toThrow(/uint8 bounds, got -1 and 3/);
  expect(() => randint(key, [1], 0, 257, { dtype: 'uint8' })).toThrow(ConfigError);
  expect(randint(key, [3], 0, 256, { dtype: 'uint8' })).toBeInstanceOf(Uint8Array);
  expect(() => choice(key, 3, [4], { replace: false })).toThrow(/at most 3 draws/);
  expect(() => choice(key, 3, [1], { p: Float32Array.of(1, 2) })).toThrow(/3 probabilities, got 2/);
  expect(() => permuted(key, Int32Array.of(1, 2, 3), [2, 2])).toThrow(ShapeError);
  expect(() => permuted(key, Int32Array.of(1, 2), [2], { axis: 1 })).toThrow(ShapeError);
  expect(() => categorical(key, new Float32Array(6), [2, 3], { drawShape: [3] })).toThrow(/do not broadcast/);
});

test('the two streams differ, and so do their keys; both give the same keys of seeds', () => {
  const key = prngKey(7);
  const partitionable = true;
  expect(split(key, 2, { partitionable })).not.toEqual(split(key));
  expect([...normal(key, [4], { partitionable })]).not.toEqual([...normal(key, [4])]);
  // A partitionable draw depends on its place alone; the other one on how many there are.
  expect([...uniform(key, [5], { partitionable })].slice(0, 3)).toEqual([
    ...uniform(key, [3], { partitionable }),
  ]);
  expect(prngKey(5n + 2n ** 33n, { x64: true })).toEqual([2, 5]);
});

test('choice without replacement takes each number once; a share of 0 is never taken first', () => {
  const key = prngKey(3);
  expect([...choice(key, 6, [6], { replace: false })].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  const p = Float32Array.of(0.5, 0, 0.5);
  expect([...choice(key, 3, [200], { p })].every((n) => n !== 1)).toBe(true);
  expect(choice(key, 3, [3], { p, replace: false })[2]).toBe(1);
  expect([...choice(key, 0, [0])]).toEqual([]);
});

test('permuted moves whole rows, or each line by itself', () => {
  const rows = Int32Array.from({ length: 12 }, (_, i) => i);
  const moved = permuted(prngKey(1), rows, [4, 3]);
  expect([...moved].every((value, i) => value % 3 === i % 3)).toBe(true); // columns stay
  const lines = permuted(prngKey(1), rows, [4, 3], { axis: 1, independent: true });
  for (let row = 0; row < 4; row++) {
    const line = [...lines.subarray(3 * row, 3 * row + 3)].sort((a, b) => a - b);
    expect(line).toEqual([3 * row, 3 * row + 1, 3 * row + 2]);
  }
});

test('narrow floats are numbers of their type', () => {
  const halves = normal(prngKey(2), [500], { dtype: 'bfloat16' });
  const bits = new Uint32Array(halves.buffer);
  expect(bits.every((word) => (word & 0xffff) === 0)).toBe(true);
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
  const before = process.cpuUsage();
  randomBits(prngKey(1), n);
  const wordsPerSecond = (n / process.cpuUsage(before).user) * 1e6;
  // 30 million in a second of this process's own time; this only catches a loop that the compiler gave up on.
  expect(wordsPerSecond).toBeGreaterThan(3.3e6);
});

test.each([
  [3, 5],
  [4, 6],
  [1, 7],
  [7, 1],
])('a row of a draw alone: the row of %i by %i, in both of the streams', (rows, classes) => {
  const logits = Float32Array.from({ length: rows * classes }, (_, i) => ((i * 7) % 11) / 5);
  for (let seed = 0; seed < 20; seed++) {
    for (const partitionable of [false, true]) {
      const key = prngKey(seed);
      const all = categorical(key, logits, [rows, classes], { partitionable });
      const each = Int32Array.from({ length: rows }, (_, row) => {
        const own = logits.subarray(row * classes, (row + 1) * classes);
        return categoricalRow(key, own, row, rows, { partitionable });
      });
      expect(each).toEqual(all);
    }
  }
  expect(() => categoricalRow(prngKey(0), logits, rows, rows)).toThrow(/a row from 0 to/);
});
