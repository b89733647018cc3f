import {
  bernoulli,
  categorical,
  choice,
  exponential,
  type FloatType,
  foldIn,
  gumbel,
  type IntegerType,
  type Key,
  normal,
  permutation,
  permuted,
  prngKey,
  randint,
  randomBits,
  type StreamOptions,
  split,
  truncatedNormal,
  uniform,
} from '@easel/core';
import { erfInv, threefryCounters } from '@easel/core/internals';
import { elementCount } from 'safetensors-ts';
import { type Checks, EQUAL, type Tolerance } from '../checks.js';
import { GoldenArrays, readJson } from '../golden.js';
import type { Case, GoldenFolder, Kind } from '../kind.js';

/** A call of jax.random, with the arguments under jax's names. */
interface JaxCall {
  readonly name: string;
  readonly op: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly key: Key;
  readonly seed: string;
  readonly x64: boolean;
  readonly count: readonly number[];
  readonly num: number;
  readonly data: number;
  readonly bits: 8 | 16 | 32 | 64;
  readonly minval?: number;
  readonly maxval?: number;
  readonly lower: number;
  readonly upper: number;
  readonly p: number | readonly number[] | null;
  readonly n?: number;
  readonly x: readonly (readonly number[])[];
  readonly axis: number;
  readonly independent: boolean;
  readonly logits: Nested;
  readonly out_shape?: readonly number[];
  readonly replace: boolean;
  readonly input: string;
}

type Nested = number | readonly Nested[];
type Numbers = ArrayLike<number> | ArrayLike<bigint>;

/** Our function for each op. `arrays` are the file's arrays. */
const OPS: Readonly<Record<string, (call: JaxCall, stream: StreamOptions, arrays: GoldenArrays) => Numbers>> =
  {
    PRNGKey: ({ seed, x64 }) => prngKey(BigInt(seed), { x64 }),
    threefry2x32: ({ key, count }) => threefryCounters(key, Uint32Array.from(count)),
    split: ({ key, num }, stream) => split(key, num, stream).flat(),
    fold_in: ({ key, data }) => foldIn(key, data),
    bits: ({ key, shape, bits }, stream) => randomBits(key, elementCount(shape), bits, stream),
    uniform: ({ key, shape, minval = 0, maxval = 1, dtype }, stream) =>
      uniform(key, shape, { ...stream, minval, maxval, dtype: floatType(dtype) }),
    normal: ({ key, shape, dtype }, stream) => normal(key, shape, { ...stream, dtype: floatType(dtype) }),
    gumbel: ({ key, shape, dtype }, stream) => gumbel(key, shape, { ...stream, dtype: floatType(dtype) }),
    truncated_normal: ({ key, shape, lower, upper }, stream) =>
      truncatedNormal(key, lower, upper, shape, stream),
    exponential: ({ key, shape }, stream) => exponential(key, shape, stream),
    bernoulli: ({ key, shape, p }, stream) => bernoulli(key, p as number, shape, stream),
    randint: ({ key, shape, minval = 0, maxval = 0, dtype }, stream) =>
      randint(key, shape, minval, maxval, { ...stream, dtype: dtype as IntegerType }),
    permutation: ({ key, n, x, axis, independent, shape }, stream) =>
      n === undefined
        ? permuted(key, Int32Array.from(flat(x)), shape, { ...stream, axis, independent })
        : permutation(key, n, stream),
    categorical: ({ key, logits, axis, out_shape: drawShape }, stream) =>
      categorical(key, Float32Array.from(flat(logits)), shapeOf(logits), { ...stream, axis, drawShape }),
    choice: ({ key, n = 0, shape, replace, p }, stream) =>
      choice(key, n, shape, {
        ...stream,
        replace,
        ...(p !== null && { p: Float32Array.from(p as number[]) }),
      }),
    erf_inv: ({ input }, _stream, arrays) => arrays.floats(input).map(erfInv),
    log: ({ input }, _stream, arrays) => arrays.floats(input).map(Math.log),
  };

/**
 * Tolerances of float32 ops that XLA fuses or approximates. All other results are equal. They are
 * relative to each number, not to the largest.
 */
const CLOSE: Readonly<Record<string, { ulps?: number; absolute?: number; reason: string }>> = {
  normal: { ulps: 3, reason: "XLA's erf_inv, which two correct float32 versions give to 2 ulp" },
  erf_inv: { ulps: 2, reason: "XLA fuses some of the polynomial's multiplications and additions" },
  log: { ulps: 1, reason: 'XLA is within 1 ulp of the correctly rounded logarithm' },
  exponential: { ulps: 1, reason: "XLA's log1p" },
  gumbel: { absolute: 1e-6, reason: "XLA's log of a log" },
  truncated_normal: { absolute: 1e-6, reason: "XLA's erf and erf_inv" },
};

/** Compares jax.random: lists of calls with their results. Each op of a list is a case. */
export const kind: Kind = {
  cases(folder: GoldenFolder): Case[] {
    return folder.files
      .filter((file) => file.endsWith('.json'))
      .flatMap((file) => {
        const stem = file.replace('.json', '');
        const calls = readJson<JaxCall[]>(folder.file(file));
        const stream: StreamOptions = { partitionable: stem.includes('partitionable') };
        return [...new Set(calls.map(({ op }) => op))].map((op) => ({
          name: `${stem} ${op}`,
          run(checks: Checks) {
            const arrays = new GoldenArrays(folder.file(`${stem}.safetensors`));
            for (const call of calls) if (call.op === op) checkCall(checks, call, stream, arrays);
          },
        }));
      });
  },
};

function checkCall(checks: Checks, call: JaxCall, stream: StreamOptions, arrays: GoldenArrays): void {
  const run = OPS[call.op];
  if (!run) throw new Error(`no function of ours for jax.random.${call.op}`);
  const ours = run(call, stream, arrays);
  const expected = resultOf(call, arrays);
  const close = CLOSE[call.op];
  const group = call.dtype === 'float32' || !isFloat(call.dtype) ? call.op : `${call.op} ${call.dtype}`;
  if (!isFloat(call.dtype)) {
    checks.equal(
      group,
      call.name,
      Array.from(ours as ArrayLike<number>),
      Array.from(expected as ArrayLike<number>),
    );
  } else if (close?.ulps === undefined) {
    const tolerance: Tolerance =
      close?.absolute === undefined
        ? { ...EQUAL, reason: 'the same bits' }
        : { absolute: close.absolute, reason: close.reason };
    checks.close(group, call.name, ours as Float32Array, expected as Float32Array, narrow(call, tolerance));
  } else {
    const tolerance: Tolerance = { absolute: close.ulps, reason: `units in the last place; ${close.reason}` };
    const far = distances(ours as Float32Array, expected as Float32Array, call.dtype);
    checks.close(`${group}, ulp`, call.name, far, new Float32Array(far.length), tolerance);
  }
}

/**
 * Returns the tolerance of narrow floats. Where float32 has a tolerance, one step of the type is
 * allowed, since a result near the middle of two numbers rounds either way.
 */
function narrow(call: JaxCall, tolerance: Tolerance): Tolerance {
  if (call.dtype === 'float32' || tolerance.absolute === 0) return tolerance;
  return {
    relative: call.dtype === 'float16' ? 2 ** -10 : 2 ** -7,
    reason: `one ${call.dtype} step; ${tolerance.reason}`,
  };
}

/** Returns distances in units of the last place of the type. */
function distances(ours: Float32Array, expected: Float32Array, dtype: string): Float32Array {
  const shift = { float32: 0, float16: 13, bfloat16: 16 }[dtype as FloatType];
  const line = (x: number): number => {
    const bits = new Int32Array(Float32Array.of(x).buffer)[0] as number;
    return (bits < 0 ? -(bits & 0x7fffffff) : bits) / 2 ** shift;
  };
  return ours.map((x, i) => (x === expected[i] ? 0 : Math.abs(line(x) - line(expected[i] as number))));
}

function resultOf({ name, dtype }: JaxCall, arrays: GoldenArrays): Numbers {
  if (dtype === 'bfloat16') {
    // bfloat16 numbers are stored as the upper halves of float32 numbers.
    const halves = arrays.values(name) as Uint16Array;
    return new Float32Array(Uint32Array.from(halves, (half) => half * 2 ** 16).buffer);
  }
  return isFloat(dtype) ? arrays.floats(name) : (arrays.values(name) as ArrayLike<number>);
}

function isFloat(dtype: string): boolean {
  return dtype.includes('float');
}

function floatType(dtype: string): FloatType {
  return dtype as FloatType;
}

function flat(nested: Nested): number[] {
  return typeof nested === 'number' ? [nested] : nested.flatMap(flat);
}

function shapeOf(nested: Nested): number[] {
  return typeof nested === 'number' ? [] : [nested.length, ...shapeOf(nested[0] as Nested)];
}
