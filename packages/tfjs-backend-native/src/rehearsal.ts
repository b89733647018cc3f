import * as tf from '@tensorflow/tfjs';
import { type Addon, addon, substituteAddon } from './addon.js';
import type { NativeBackend } from './backend.js';
import { BACKEND_NAME } from './register.js';

/** What a program would have needed. */
export interface Rehearsal<T> {
  readonly result: T;
  /** The most memory that tensors, and blocks kept for reuse, would have held beyond what was held before; in bytes. */
  readonly peakBytes: number;
  /** Floating-point operations of products, convolutions and attention, two a multiply-add; what attention's gradient computes again is not counted. */
  readonly flop: number;
}

/**
 * Plays a program through without computing: kernels check their inputs and allocate their outputs as always, but nothing is written, so memory is
 * reserved and not taken up. A model of any size is played in the time of its calls. What is read is zeros, or of large tensors noise, and what the program makes with `play`'s
 * tensors is lost on it: use fresh tensors throughout. Kernels without a native form, and what JavaScript computes itself, do run.
 *
 * The current backend must be 'native'. Throws Error if it is not, or while another rehearsal goes on.
 */
export async function rehearse<T>(play: () => T | Promise<T>): Promise<Rehearsal<T>> {
  const backend = tf.engine().registry[BACKEND_NAME] as NativeBackend | undefined;
  if (tf.getBackend() !== BACKEND_NAME || backend === undefined)
    throw new Error(
      `rehearse: the backend is '${tf.getBackend()}'; only '${BACKEND_NAME}' can be rehearsed.`,
    );
  if (rehearsing) throw new Error('rehearse: another rehearsal goes on.');
  const { pool } = backend;
  pool.clear();
  pool.restartPeak();
  const before = pool.usage().touchedBytes;
  const count = { flop: 0 };
  rehearsing = true;
  substituteAddon(idleAddon(addon(), count));
  try {
    const result = await play();
    return { result, peakBytes: pool.usage().mostTouchedBytes - before, flop: count.flop };
  } finally {
    substituteAddon(undefined);
    rehearsing = false;
    pool.clear();
    pool.restartPeak();
  }
}

let rehearsing = false;

/** Blocks up to here begin with zeros. */
const SMALL_BYTES = 4096;

/** An addon of which allocation alone works; its products are counted. */
function idleAddon(real: Addon, count: { flop: number }): Addon {
  const working: Partial<Addon> = {
    allocate: (bytes) => {
      const buffer = real.allocate(bytes);
      // A program may turn on a number that it reads: a loss of 0 stops nothing, a NaN left over would. Scalars are computed, and few values copied, for the same reason.
      if (bytes <= SMALL_BYTES) new Uint8Array(buffer).fill(0);
      return buffer;
    },
    discard: real.discard,
    status: real.status,
    setTarget: real.setTarget,
    setThreads: real.setThreads,
    gather: () => -1, // no index is out of range
    copyWords: (y, ...rest) => {
      if (4 * y.length <= SMALL_BYTES) real.copyWords(y, ...rest);
    },
    unary: (op, y, ...rest) => {
      if (y.length === 1) real.unary(op, y, ...rest);
    },
    binary: (op, y, ...rest) => {
      if (y.length === 1) real.binary(op, y, ...rest);
    },
    gemm: (_c, _a, _b, sizes) => {
      count.flop += 2 * size(sizes, 0, 3) * size(sizes, 6, 6 + (sizes.length - 6) / 3);
    },
    conv2d: (_y, _x, _filter, sizes) => {
      count.flop += convolutionFlop(sizes);
    },
    conv2dInputGradient: (_dx, _dy, _filter, sizes) => {
      count.flop += convolutionFlop(sizes);
    },
    conv2dFilterGradient: (_df, _x, _dy, sizes) => {
      count.flop += convolutionFlop(sizes);
    },
    attention: (_y, _stats, _q, _k, _v, _bias, _keyLengths, _firstQueries, _keyRows, _scale, sizes) => {
      count.flop += 2 * attentionFlop(sizes);
    },
    attentionGrad: (dq, ...rest) => {
      // A call for the bias's gradient alone repeats what another has done.
      if (dq !== null) count.flop += 4 * attentionFlop(rest.at(-1) as Int32Array);
    },
  };
  const nothing = () => 0;
  return new Proxy(working, { get: (own, name) => own[name as keyof Addon] ?? nothing }) as Addon;
}

/** Product of sizes[from] … sizes[to − 1]. */
function size(sizes: Int32Array, from: number, to: number): number {
  return sizes.subarray(from, to).reduce((product, extent) => product * extent, 1);
}

/** Of one pass; sizes as `conv2d` takes them. */
function convolutionFlop(sizes: Int32Array): number {
  const inChannels = sizes[3] as number;
  return 2 * (sizes[0] as number) * inChannels * size(sizes, 4, 9);
}

/** Of one of the products of queries and keys; sizes as `attention` takes them. */
function attentionFlop(sizes: Int32Array): number {
  const [batch, queries, , keys, heads, width] = sizes as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [causal, first] = [sizes[9], sizes[10] as number];
  let pairs = queries * keys;
  if (causal) {
    pairs = 0;
    for (let t = 0; t < queries; t++) pairs += Math.min(keys, first + t + 1);
  }
  return 2 * batch * heads * width * pairs;
}
