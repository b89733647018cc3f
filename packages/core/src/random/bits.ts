import { elementCount } from 'safetensors-ts';
import { ShapeError } from '../errors.js';
import {
  type Key,
  type StreamOptions,
  threefryPlaces,
  threefryStream,
  threefryStreamPart,
} from './threefry.js';

/** The arrays that randomBits fills, by width. */
interface BitArrays {
  8: Uint8Array;
  16: Uint16Array;
  32: Uint32Array;
  64: BigUint64Array;
}

/**
 * n unsigned integers of 8, 16, 32 or 64 random bits.
 *
 * Each 32-bit word gives four or two narrow values, lowest bits first. Of the wide values, the high
 * words are the stream's first half and the low words its second. With `partitionable` each value
 * has two words of its own, high and low: a wide value is both, any other the low bits of high ⊕
 * low.
 */
export function randomBits<B extends keyof BitArrays = 32>(
  key: Key,
  n: number,
  bits: B = 32 as B,
  { partitionable = false }: StreamOptions = {},
): BitArrays[B] {
  return (partitionable ? placeBits(key, n, bits) : streamBits(key, n, bits)) as BitArrays[B];
}

/** Numbers first … first + count − 1 of randomBits(key, n, 32). The others are not drawn. */
export function randomWordsPart(
  key: Key,
  n: number,
  first: number,
  count: number,
  { partitionable = false }: StreamOptions = {},
): Uint32Array {
  if (!partitionable) return threefryStreamPart(key, n, first, count);
  const { high, low } = threefryPlaces(key, count, first);
  return low.map((word, i) => word ^ (high[i] as number));
}

/** How many numbers a shape holds. Throws ShapeError if it is not a shape. */
export function drawCount(shape: readonly number[]): number {
  const size = elementCount(shape);
  if (!Number.isSafeInteger(size) || size < 0)
    throw new ShapeError(`random: expected a shape, got [${shape}].`);
  return size;
}

function streamBits(key: Key, n: number, bits: keyof BitArrays): BitArrays[keyof BitArrays] {
  const words = threefryStream(key, Math.ceil((n * bits) / 32));
  if (bits === 8) return new Uint8Array(words.buffer, 0, n);
  if (bits === 16) return new Uint16Array(words.buffer, 0, n);
  return bits === 32 ? words : pairs(words.subarray(0, n), words.subarray(n));
}

function placeBits(key: Key, n: number, bits: keyof BitArrays): BitArrays[keyof BitArrays] {
  const { high, low } = threefryPlaces(key, n);
  if (bits === 64) return pairs(high, low);
  for (let i = 0; i < n; i++) low[i] = (low[i] as number) ^ (high[i] as number);
  if (bits === 32) return low;
  return bits === 16 ? Uint16Array.from(low) : Uint8Array.from(low);
}

function pairs(high: Uint32Array, low: Uint32Array): BigUint64Array {
  const words = new Uint32Array(2 * high.length);
  for (let i = 0; i < high.length; i++) {
    words[2 * i] = low[i] as number;
    words[2 * i + 1] = high[i] as number;
  }
  return new BigUint64Array(words.buffer);
}
