import * as tf from '@tensorflow/tfjs';
import { ConfigError } from '../errors.js';
import { scaled } from './clip.js';
import { inversePthRoot } from './inverse-root.js';
import { Optimizer, type OptimizerConfig, type UpdatePoint } from './optimizer.js';
import { dequantize, packedLength, quantize } from './quantized.js';
import { type ShampooBlocks, shampooBlocks } from './shampoo-blocks.js';
import { plusGram, sumWeights } from './shampoo-statistics.js';

/** The updates whose step length a preconditioned direction can take. */
export const GRAFT_TYPES = [
  'rmsprop_normalized',
  'rmsprop',
  'adagrad',
  'adagrad_normalized',
  'sgd',
  'sqrt_n',
] as const;
/** The name of one of `GRAFT_TYPES`. */
export type GraftType = (typeof GRAFT_TYPES)[number];

/** Settings of Distributed Shampoo. The defaults are those of the original's trainer. */
export interface ShampooConfig extends OptimizerConfig {
  /** Decay of both means of updates (default 0.9). */
  readonly beta1?: number;
  /** Decay of the statistics and of the grafted squares (default 0.999); 1 sums them. */
  readonly beta2?: number;
  /** The longest side of a preconditioned block (default 1024). */
  readonly blockSize?: number;
  /** Updates between two computations of the preconditioners (default 10). */
  readonly preconditioningComputeSteps?: number;
  /**
   * Updates before preconditioned directions are used (default max(preconditioningComputeSteps + 1,
   * 101)).
   */
  readonly startPreconditioningStep?: number;
  /** Tensors with a longer dimension are only grafted (default 4096). */
  readonly skipPreconditioningDimSizeGt?: number;
  /** Neighbouring dimensions are merged while their product is at most this (default 4096). */
  readonly mergeSmallDimsBlockSize?: number;
  /** Default rmsprop_normalized. */
  readonly graftType?: GraftType;
  /** Default false. */
  readonly nesterov?: boolean;
  /** Coupled weight decay: it is added to the update before the momentum (default 0). */
  readonly weightDecay?: number;
  /** Statistics begin as this multiple of the identity (default 1e-6). */
  readonly matrixEpsilon?: number;
  /** Added to the root of grafted squares (default 1e-10). */
  readonly diagonalEpsilon?: number;
  /**
   * An inverse root with an error of this or more is discarded, and the old one stays (default
   * 0.1).
   */
  readonly inverseFailureThreshold?: number;
  /** Keeps the momenta of tensors of rank 2 and more as signed bytes (default false). */
  readonly quantized?: boolean;
  /**
   * Names the group of tensors with which a tensor is preconditioned (default: one group of all).
   * The original pads the statistics of a group to its largest, which changes the last digits of
   * the roots. Where layers are scanned, its groups are the encoder's layers, the decoder's layers,
   * and the rest.
   */
  readonly groupOf?: (name: string) => string;
}

/** Added to norms that are divisors. */
const NORM_EPSILON = 1e-16;

/**
 * Distributed Shampoo, for each variable p alone. count is the number of updates before this one,
 * and G is g cut into blocks (see `shampooBlocks`). Each axis a of a block has a statistic S and
 * its preconditioner P:
 *
 *     S ← β₂·S + (1 − β₂)·G G^T over all axes but a            (both weights 1 where β₂ = 1)
 *     graft: u_g from g and its squares A, as the graft type says
 *     u_s = G·P…P (each axis by its P) with the length of u_g;  both += weightDecay·p
 *     M ← β₁·M + (1 − β₁)·u_s        D ← β₁·D + (1 − β₁)·u_g
 *     m, u = M, u_s from startPreconditioningStep on, else D, u_g
 *     p ← p − learningRate·(m, or (1 − β₁)·u + β₁·m with nesterov)
 *     every preconditioningComputeSteps from count 0:
 *       P ← (S + ridge)^(−1/exponent), for use from the next update on
 *
 * Norms are over the whole tensor. A model that stacks its layers must be given them one by one, as
 * Easel's models are.
 *
 * State: `A.NAME` (squares; none for sgd and sqrt_n), `D.NAME`, `M.NAME`, `S<i>.NAME` and
 * `P<i>.NAME` for each statistic, and `E.NAME` (the last error of each root). With `quantized` the
 * momenta are `D.bytes.NAME` (int32, four bytes in each) and `D.bucket.NAME`. Source: Anil et al.
 * 2020, arXiv:2002.09018; dalle-mini `scalable_shampoo/distributed_shampoo.py` in its sharded mode,
 * as `train.py` calls it.
 */
export class DistributedShampoo extends Optimizer {
  private readonly config: Required<Omit<ShampooConfig, 'schedule' | 'weights'>>;
  private readonly blocks = new Map<string, ShampooBlocks>();
  /** The largest statistic of each group. */
  private largest = new Map<string, number>();

  constructor(config: ShampooConfig) {
    super(config);
    const { preconditioningComputeSteps = 10 } = config;
    this.config = {
      beta1: 0.9,
      beta2: 0.999,
      blockSize: 1024,
      preconditioningComputeSteps,
      startPreconditioningStep: Math.max(preconditioningComputeSteps + 1, 101),
      skipPreconditioningDimSizeGt: 4096,
      mergeSmallDimsBlockSize: 4096,
      graftType: 'rmsprop_normalized',
      nesterov: false,
      weightDecay: 0,
      matrixEpsilon: 1e-6,
      diagonalEpsilon: 1e-10,
      inverseFailureThreshold: 0.1,
      quantized: false,
      groupOf: () => '',
      ...Object.fromEntries(
        Object.entries(config).filter(
          ([name, value]) => name !== 'schedule' && name !== 'weights' && value !== undefined,
        ),
      ),
    };
    checkConfig(this.config);
  }

  protected override prepare(variables: ReadonlyMap<string, tf.Variable>): void {
    this.largest = new Map();
    for (const [name, { shape }] of variables) {
      const group = this.config.groupOf(name);
      const largest = Math.max(this.largest.get(group) ?? 0, ...this.blocksOf(name, shape).statistics);
      this.largest.set(group, largest);
    }
  }

  protected override update(name: string, variable: tf.Variable, unscaled: tf.Tensor, at: UpdatePoint): void {
    const { learningRate, count, gradientScale } = at;
    const gradient = scaled(unscaled, gradientScale);
    const { beta1, weightDecay, startPreconditioningStep, nesterov } = this.config;
    const blocks = this.blocksOf(name, variable.shape);
    const statistics = this.statistics(name, blocks);
    if (statistics.length > 0) this.errors(name, blocks);
    const pieces = cutInBlocks(gradient, blocks);
    this.updateStatistics(statistics, pieces, at);

    const grafted = this.graft(name, gradient, at);
    const direction =
      statistics.length === 0 ? grafted : precondition(pieces, statistics, blocks, gradient.shape);
    const length = tf.div(tf.norm(grafted), tf.add(tf.norm(direction), NORM_EPSILON));
    const decayed = (u: tf.Tensor): tf.Tensor =>
      weightDecay === 0 ? u : tf.add(u, tf.mul(variable, weightDecay));
    const shampooUpdate = decayed(tf.mul(direction, length));
    const graftUpdate = decayed(grafted);

    const shampooMomentum = this.momentum('M', name, shampooUpdate, at);
    const graftMomentum = this.momentum('D', name, graftUpdate, at);
    const [update, momentum] =
      count >= startPreconditioningStep ? [shampooUpdate, shampooMomentum] : [graftUpdate, graftMomentum];
    const step = nesterov ? tf.add(tf.mul(update, 1 - beta1), tf.mul(momentum, beta1)) : momentum;
    this.assign(variable, tf.sub(variable, tf.mul(step, learningRate)), at);
  }

  /** Computes the preconditioners of the next updates, if they are due. */
  protected override async settle(variables: ReadonlyMap<string, tf.Variable>, count: number): Promise<void> {
    const { preconditioningComputeSteps, groupOf } = this.config;
    if (count % preconditioningComputeSteps !== 0) return;
    for (const [name, { shape }] of variables) {
      const blocks = this.blocksOf(name, shape);
      if (blocks.statistics.length > 0)
        await this.computeRoots(name, blocks, this.largest.get(groupOf(name)));
    }
  }

  private blocksOf(name: string, shape: number[]): ShampooBlocks {
    const known = this.blocks.get(name);
    if (known !== undefined) return known;
    const blocks = shampooBlocks(shape, this.config);
    this.blocks.set(name, blocks);
    return blocks;
  }

  private statistics(name: string, { statistics }: ShampooBlocks): Statistic[] {
    const { matrixEpsilon } = this.config;
    return statistics.map((n, i) => ({
      sum: this.slot(`S${i}`, name, [n, n], () => tf.mul(tf.eye(n), matrixEpsilon)),
      preconditioner: this.slot(`P${i}`, name, [n, n], () => tf.eye(n)),
    }));
  }

  /** The last error of each root. */
  private errors(name: string, { statistics }: ShampooBlocks): tf.Variable {
    return this.slot('E', name, [statistics.length]);
  }

  private updateStatistics(
    statistics: readonly Statistic[],
    pieces: readonly tf.Tensor[],
    at: UpdatePoint,
  ): void {
    const weights = sumWeights(this.config.beta2);
    let i = 0;
    if (statistics.length === 0) return;
    for (const piece of pieces)
      for (let axis = 0; axis < piece.rank; axis++) {
        const { sum } = statistics[i++] as Statistic;
        this.assign(sum, plusGram(sum, piece, axis, weights), at);
      }
  }

  /** The graft's own update from the gradient. */
  private graft(name: string, gradient: tf.Tensor, at: UpdatePoint): tf.Tensor {
    const { graftType, beta2, diagonalEpsilon } = this.config;
    if (graftType === 'sgd') return gradient;
    if (graftType === 'sqrt_n') return tf.sign(gradient);
    const scaled = graftType.endsWith('_normalized')
      ? tf.div(gradient, tf.add(tf.norm(gradient), NORM_EPSILON))
      : gradient;
    const { old, fresh } = sumWeights(graftType.startsWith('rmsprop') ? beta2 : 1);
    const squares = this.slot('A', name, gradient.shape);
    this.assign(squares, tf.add(tf.mul(squares, old), tf.mul(tf.square(scaled), fresh)), at);
    return tf.div(scaled, tf.add(tf.sqrt(squares), diagonalEpsilon));
  }

  /**
   * β₁·momentum + (1 − β₁)·update. Keeps it, rounded if momenta are quantized, and returns it as it
   * was before rounding.
   */
  private momentum(kind: string, name: string, update: tf.Tensor, at: UpdatePoint): tf.Tensor {
    const { beta1, quantized } = this.config;
    const next = (old: tf.Tensor): tf.Tensor => tf.add(tf.mul(old, beta1), tf.mul(update, 1 - beta1));
    if (!quantized || update.rank < 2) {
      const momentum = this.slot(kind, name, update.shape);
      this.assign(momentum, next(momentum), at);
      return momentum;
    }
    const length = packedLength(update.size);
    const packed = this.slot(`${kind}.bytes`, name, [length], () => tf.zeros([length], 'int32'));
    const buckets = this.slot(`${kind}.bucket`, name, update.shape.slice(1));
    const momentum = next(dequantize({ packed: packed as unknown as tf.Tensor1D, buckets }, update.shape));
    const kept = quantize(momentum);
    this.assign(packed, kept.packed, at);
    this.assign(buckets, kept.buckets, at);
    return momentum;
  }

  /**
   * The roots of one variable's statistics. They are computed side by side: while one waits for a
   * read, the others go on.
   */
  private async computeRoots(
    name: string,
    blocks: ShampooBlocks,
    paddedSize: number | undefined,
  ): Promise<void> {
    const { inverseFailureThreshold } = this.config;
    const statistics = this.statistics(name, blocks);
    const errors = this.errors(name, blocks);
    const recorded = Float32Array.from(await errors.data());
    const roots = await Promise.all(
      statistics.map(({ sum }) =>
        inversePthRoot(sum as unknown as tf.Tensor2D, blocks.exponent as number, paddedSize),
      ),
    );
    for (const [i, { root, error }] of roots.entries()) {
      if (error < inverseFailureThreshold) (statistics[i] as Statistic).preconditioner.assign(root);
      if (error > 0 && error !== inverseFailureThreshold) recorded[i] = error;
      root.dispose();
    }
    tf.tidy(() => errors.assign(tf.tensor1d(recorded)));
  }
}

/** One axis of one block. */
interface Statistic {
  readonly sum: tf.Variable;
  readonly preconditioner: tf.Variable;
}

function checkConfig(config: Required<Omit<ShampooConfig, 'schedule' | 'weights'>>): void {
  const fail = (name: string, expected: string, value: unknown): never => {
    throw new ConfigError(`DistributedShampoo: expected ${name} ${expected}, got ${value}.`);
  };
  const { beta1, beta2, graftType } = config;
  if (!(beta1 >= 0 && beta1 < 1)) fail('beta1', 'from 0 to below 1', beta1);
  if (!(beta2 >= 0 && beta2 <= 1)) fail('beta2', 'from 0 to 1', beta2);
  if (!GRAFT_TYPES.includes(graftType)) fail('graftType', `one of ${GRAFT_TYPES.join(', ')}`, graftType);
  for (const name of ['blockSize', 'preconditioningComputeSteps', 'mergeSmallDimsBlockSize'] as const) {
    if (!(Number.isInteger(config[name]) && config[name] >= 1)) {
      fail(name, 'to be a whole number from 1 on', config[name]);
    }
  }
  for (const name of [
    'startPreconditioningStep',
    'skipPreconditioningDimSizeGt',
    'weightDecay',
    'matrixEpsilon',
    'diagonalEpsilon',
    'inverseFailureThreshold',
  ] as const) {
    if (!(config[name] >= 0)) fail(name, 'from 0 on', config[name]);
  }
}

/** The blocks of a tensor, first axis outermost, each of the merged rank. Call it inside tidy. */
function cutInBlocks(x: tf.Tensor, { merged, splits, statistics }: ShampooBlocks): tf.Tensor[] {
  if (statistics.length === 0) return [];
  let pieces: tf.Tensor[] = [tf.reshape(x, [...merged])];
  splits.forEach((sizes, axis) => {
    if (sizes.length > 1) pieces = pieces.flatMap((piece) => tf.split(piece, [...sizes], axis));
  });
  return pieces;
}

/** Joins blocks again; the opposite of cutInBlocks. */
function joinBlocks(
  blocks: readonly tf.Tensor[],
  splits: readonly (readonly number[])[],
  shape: number[],
): tf.Tensor {
  let pieces = [...blocks];
  for (let axis = splits.length - 1; axis >= 0; axis--) {
    const count = (splits[axis] as readonly number[]).length;
    if (count === 1) continue;
    const joined: tf.Tensor[] = [];
    for (let i = 0; i < pieces.length; i += count) joined.push(tf.concat(pieces.slice(i, i + count), axis));
    pieces = joined;
  }
  return tf.reshape(pieces[0] as tf.Tensor, shape);
}

/**
 * Multiplies each block along each axis by that axis's preconditioner, and joins the blocks again.
 */
function precondition(
  pieces: readonly tf.Tensor[],
  statistics: readonly Statistic[],
  { splits }: ShampooBlocks,
  shape: number[],
): tf.Tensor {
  let i = 0;
  const done = pieces.map((piece) => {
    let y = piece;
    for (let axis = 0; axis < piece.rank; axis++) {
      const { preconditioner } = statistics[i++] as Statistic;
      const [first, ...rest] = y.shape as [number, ...number[]];
      const rows = tf.reshape(y, [first, -1]) as tf.Tensor2D;
      // [first, rest]ᵀ·P: the axis that was first comes last, so the order is the old one after all
      // axes.
      y = tf.reshape(tf.matMul(rows, preconditioner as unknown as tf.Tensor2D, true), [...rest, first]);
    }
    return y;
  });
  return joinBlocks(done, splits, shape);
}
