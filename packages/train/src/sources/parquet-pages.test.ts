import { expect, test } from '@jest/globals';
import type { ColumnMetaData } from 'hyparquet';
import { checkPages } from './parquet-pages.js';

/**
 * Returns an uncompressed page of the first version. It has these runs as definition levels, and
 * then `values` as they are.
 */
function chunkOf(count: number, runs: readonly number[], values: readonly number[]): Uint8Array {
  const body = [runs.length, 0, 0, 0, ...runs, ...values];
  const zigzag = (n: number) => (n < 64 ? [2 * n] : [((2 * n) & 0x7f) | 0x80, (2 * n) >> 7]);
  const size = zigzag(body.length);
  // Thrift's compact protocol: type 0; two sizes; field 5, a structure of the count, encoding PLAIN
  // and twice levels RLE.
  const details = [0x15, ...zigzag(count), 0x15, 0, 0x15, 6, 0x15, 6, 0];
  return Uint8Array.from([0x15, 0, 0x15, ...size, 0x15, ...size, 0x2c, ...details, 0, ...body]);
}

function check(chunk: Uint8Array, count: number) {
  const column = {
    num_values: BigInt(count),
    type: 'INT32',
    codec: 'UNCOMPRESSED',
    total_uncompressed_size: BigInt(chunk.length),
  } as unknown as ColumnMetaData;
  checkPages(chunk, column, { definition: 1, repetition: 0 }, count);
  return chunk;
}

const four = [1, 0, 0, 0];

test.each([
  // A run of 32 ones (header 64) where two are left becomes one of two (header 4).
  ['a run of one value beyond the count', [64, 1], [4, 1]],
  // 32 groups of packed values (header 65) of which one is needed.
  ['packed values beyond the count', [65, 0b11, ...new Array(31).fill(0)], [3, 0b11]],
  // An empty packed run (header 1), then two ones: the header of the second, in two bytes.
  ['an empty run before the last', [1, 4, 1], [0x84, 0, 1]],
  ['two empty runs, packed and not', [1, 0, 0, 4, 1], [0x84, 0x80, 0x80, 0, 1]],
  ['an empty run after the last', [4, 1, 1], [4, 1, 1]],
])('%s', (_, runs, rewritten) => {
  const chunk = check(chunkOf(2, runs, [...four, ...four]), 2);
  const at = chunk.length - 8 - runs.length;
  expect([...chunk.subarray(at, at + rewritten.length)]).toEqual(rewritten);
});

test.each([
  [
    'packed values of which not even those that count are there',
    20,
    [7, 0xff],
    /packed values that go beyond/,
  ],
  ['runs that end before the count', 20, [4, 1], /a page that ends too early|beyond the page/],
])('refused: %s', (_, count, runs, message) => {
  expect(() => check(chunkOf(count, runs, []), count)).toThrow(message);
});
