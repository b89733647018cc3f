import * as tf from '@tensorflow/tfjs';
import { type Addon, addon, substituteAddon } from './addon.js';
import { ATTENTION, CONVOLUTION, GEMM, PACKED_MATRIX } from './addon-numbers.js';
import type { NativeBackend } from './backend.js';
import { BACKEND_NAME } from './register.js';

/** What a program would have needed. */
export interface Rehearsal<T> {
  readonly result: T;
  /**
   * The most memory, in bytes, that tensors and blocks kept for reuse would have taken up beyond
   * what was taken before.
   */
  readonly peakBytes: number;
  /**
   * Floating-point operations of products, convolutions and attention; a multiply-add counts as
   * two. What attention's gradient computes a second time is not counted.
   */
  readonly flop: number;
}

/**
 * Plays a program through without computing. Kernels check their inputs and allocate their outputs
 * as always, but write nothing: memory is reserved and not taken up. A model of any size is played
 * in the time of its calls.
 *
 * A program that reads a tensor gets zeros, or noise from a large one. What `play` makes of its
 * tensors is lost, so use fresh tensors throughout. Kernels without a native form do run, and so
 * does everything that JavaScript computes itself.
 *
 * The current backend must be 'native'. Throws Error if it is not, or if another rehearsal is going
 * on.
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

/** Blocks of up to this size begin with zeros. */
const SMALL_BYTES = 4096;

/** A function that computes no products, convolutions or attention. */
const NONE = () => 0;

type Flop = {
  readonly [Name in keyof Addon]-?: (...args: Parameters<NonNullable<Addon[Name]>>) => number;
};

/**
 * The floating-point operations of a call, for each function of the addon. A function that is
 * missing here cannot be rehearsed: `rehearse` throws, so that no new kernel counts as nothing by
 * mistake.
 */
const FLOP: Flop = {
  gemm: (c, _a, _b, sizes) => 2 * (sizes[GEMM.k] as number) * c.length,
  conv2d: (_y, _x, _filter, sizes) => convolutionFlop(sizes),
  conv2dInputGradient: (_dx, _dy, _filter, sizes) => convolutionFlop(sizes),
  conv2dFilterGradient: (_df, _x, _dy, sizes) => convolutionFlop(sizes),
  depthwise: (_y, _x, _filter, sizes) => depthwiseFlop(sizes),
  depthwiseInputGradient: (_dx, _dy, _filter, sizes) => depthwiseFlop(sizes),
  depthwiseFilterGradient: (_df, _x, _dy, sizes) => depthwiseFlop(sizes),
  attention: (...args) => 2 * attentionFlop(args.at(-1) as Int32Array),
  // A call for the bias's gradient alone repeats what another call has done.
  attentionGrad: (dq, ...rest) => (dq === null ? 0 : 4 * attentionFlop(rest.at(-1) as Int32Array)),
  allocate: NONE,
  discard: NONE,
  preferHugePages: NONE,
  keepFreedMemory: NONE,
  hugePages: NONE,
  status: NONE,
  setTarget: NONE,
  setThreads: NONE,
  multiplyAddPeak: NONE,
  writeTensors: NONE,
  mapFile: NONE,
  mappedBytes: NONE,
  mappedState: NONE,
  unary: NONE,
  binary: NONE,
  gatedGrad: NONE,
  binaryInt: NONE,
  compareFloat: NONE,
  compareInt: NONE,
  selectFloat: NONE,
  plainUnary: NONE,
  plainBinary: NONE,
  floorDiv: NONE,
  isKind: NONE,
  logical: NONE,
  logicalNot: NONE,
  convert: NONE,
  fillFloat: NONE,
  maxPool: NONE,
  averagePool: NONE,
  maxPoolGradient: NONE,
  averagePoolGradient: NONE,
  dilation: NONE,
  reduce: NONE,
  reducePlain: NONE,
  scan: NONE,
  localResponse: NONE,
  localResponseGrad: NONE,
  argMax: NONE,
  argMin: NONE,
  topK: NONE,
  softmax: NONE,
  logSoftmax: NONE,
  softmaxGrad: NONE,
  logSoftmaxGrad: NONE,
  crossEntropy: NONE,
  crossEntropyGrad: NONE,
  layerNorm: NONE,
  layerNormGrad: NONE,
  groupNorm: NONE,
  groupNormGrad: NONE,
  gather: NONE,
  segmentSum: NONE,
  transpose: NONE,
  copyWords: NONE,
  copyBytes: NONE,
  resizeNearest: NONE,
  resizeBilinear: NONE,
  resizeBilinearGrad: NONE,
  resizeNearestGrad: NONE,
  cropAndResize: NONE,
  rotate: NONE,
  narrowFloats: NONE,
  widenFloats: NONE,
  widenPacked: NONE,
  packedRows: NONE,
  packedProduct: (c, _a, _codes, _scales, _offsets, sizes) =>
    2 * (sizes[PACKED_MATRIX.rows] as number) * c.length,
  fourier: NONE,
  adamw: NONE,
  updateRows: NONE,
  sumSquares: NONE,
  adafactor: NONE,
};

/** Functions that also work in a rehearsal. */
function working(real: Addon): Partial<Addon> {
  return {
    allocate: (bytes) => {
      const buffer = real.allocate(bytes);
      // A program may branch on a number that it reads. A loss of 0 stops nothing; a leftover NaN
      // would. For the same reason scalars are computed, and few values are copied.
      if (bytes <= SMALL_BYTES) new Uint8Array(buffer).fill(0);
      return buffer;
    },
    discard: real.discard,
    hugePages: real.hugePages,
    status: real.status,
    setTarget: real.setTarget,
    setThreads: real.setThreads,
    multiplyAddPeak: real.multiplyAddPeak,
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
  };
}

/**
 * An addon that only allocates and counts its products. Throws Error where `real` has a function
 * that `FLOP` lacks.
 */
export function idleAddon(real: Addon, count: { flop: number }): Addon {
  const undeclared = Object.keys(real).filter((name) => !(name in FLOP));
  if (undeclared.length > 0)
    throw new Error(`rehearse: FLOP of rehearsal.ts does not say what ${undeclared.join(', ')} cost.`);
  const doing = working(real) as Readonly<Record<string, (...args: unknown[]) => unknown>>;
  const idle = Object.entries(FLOP).map(([name, flopOf]) => {
    const run = doing[name] ?? NONE;
    const play = (...args: unknown[]) => {
      count.flop += (flopOf as (...args: unknown[]) => number)(...args);
      return run(...args);
    };
    return [name, play] as const;
  });
  return Object.fromEntries(idle) as unknown as Addon;
}

/** Operations of one pass of a convolution. */
function convolutionFlop(sizes: Int32Array): number {
  return (sizes[CONVOLUTION.inChannels] as number) * depthwiseFlop(sizes);
}

/** The same with filters of one channel each: two operations for each tap of each result. */
function depthwiseFlop(sizes: Int32Array): number {
  const { batch, outHeight, outWidth, outChannels, filterHeight, filterWidth } = CONVOLUTION;
  const factors = [batch, outHeight, outWidth, outChannels, filterHeight, filterWidth];
  return factors.reduce((product, at) => product * (sizes[at] as number), 2);
}

/** Operations of one of the two products of attention. `sizes` is as `attention` takes it. */
function attentionFlop(sizes: Int32Array): number {
  const at = (place: number) => sizes[place] as number;
  const [queries, keys] = [at(ATTENTION.queries), at(ATTENTION.keys)];
  let pairs = queries * keys;
  if (at(ATTENTION.causal) !== 0) {
    pairs = 0;
    for (let t = 0; t < queries; t++) pairs += Math.min(keys, at(ATTENTION.firstQuery) + t + 1);
  }
  return 2 * at(ATTENTION.batch) * at(ATTENTION.heads) * at(ATTENTION.width) * pairs;
}
