import { expect, test } from '@jest/globals';
import { ConfigError, ShapeError } from '../errors.js';
import {
  categorical,
  foldIn,
  foldInNames,
  normal,
  permutation,
  prngKey,
  randint,
  randomBits,
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
