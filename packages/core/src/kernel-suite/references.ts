import * as tf from '@tensorflow/tfjs';
import type { KernelAttributes, KernelInputs, KernelName } from '../kernel-contract/types.js';
import {
  FUSABLE_ACTIVATIONS,
  type FusableActivation,
  plainGelu,
  plainGeluTanh,
  plainSilu,
} from '../ops/activation.js';
import { type AttentionOptions, plainAttention } from '../ops/attention.js';
import { plainToBfloat16 } from '../ops/bfloat16.js';
import { plainSparseCrossEntropy } from '../ops/cross-entropy.js';
import { plainScatterAdd } from '../ops/embedding.js';
import { plainGatedActivation } from '../ops/gated-activation.js';
import { plainGroupNorm } from '../ops/group-norm.js';
import { plainLinear } from '../ops/linear.js';
import { plainLayerNorm, plainRmsNorm } from '../ops/norm.js';
import { plainUpdateRows } from '../ops/update-rows.js';
import { unpack } from '../packed/unpack.js';

/**
 * What a kernel returns, in tfjs operations: its outputs in order, then the new values of the
 * inputs that it changes. These are in the order of `changes`, without those that were left out.
 */
export type Reference<Name extends KernelName> = (
  inputs: KernelInputs<Name>,
  attributes: KernelAttributes<Name>,
) => tf.Tensor[];

/** The gradients of f at inputs, from the gradient of its result. */
function pullBack(f: (...xs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[], dy: tf.Tensor): tf.Tensor[] {
  return tf.grads(f)(inputs, dy);
}

function rowStatistics(x: tf.Tensor, epsilon: number, rms: boolean): [mean: tf.Tensor, rstd: tf.Tensor] {
  const mean = rms ? tf.zerosLike(tf.mean(x, -1, true)) : tf.mean(x, -1, true);
  const variance = tf.mean(tf.square(tf.sub(x, mean)), -1);
  return [tf.reshape(mean, [-1]), tf.reshape(tf.rsqrt(tf.add(variance, epsilon)), [-1])];
}

function groupStatistics(x: tf.Tensor, groups: number, epsilon: number): [mean: tf.Tensor, rstd: tf.Tensor] {
  const [batch, channels] = [x.shape[0] as number, x.shape[x.rank - 1] as number];
  const grouped = tf.reshape(x, [batch, -1, groups, channels / groups]);
  const mean = tf.mean(grouped, [1, 3], true);
  const variance = tf.mean(tf.square(tf.sub(grouped, mean)), [1, 3]);
  return [tf.reshape(mean, [batch, groups]), tf.rsqrt(tf.add(variance, epsilon))];
}

type AttentionInputs = KernelInputs<'Attention'> & { readonly bias?: tf.Tensor | undefined };

function attentionOptions(
  { keyLengths, firstQueries, keyRows, bias }: Partial<AttentionInputs>,
  attributes: KernelAttributes<'AttentionGrad'>,
): AttentionOptions {
  const { heads, scale, causal = false, keyLength, firstQuery } = attributes;
  const lengths = (keyLengths as tf.Tensor1D | undefined) ?? keyLength;
  const firsts = (firstQueries as tf.Tensor1D | undefined) ?? firstQuery;
  return {
    heads,
    scale,
    causal,
    ...(lengths !== undefined && { keyLength: lengths }),
    ...(firsts !== undefined && { firstQuery: firsts }),
    ...(keyRows !== undefined && { keyRows: keyRows as tf.Tensor1D }),
    ...(bias !== undefined && { bias: bias as tf.Tensor4D }),
  };
}

function attentionOf(inputs: AttentionInputs, attributes: KernelAttributes<'Attention'>): tf.Tensor[] {
  const [q, k, v] = [inputs.q, inputs.k, inputs.v] as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
  const y = plainAttention(q, k, v, attentionOptions(inputs, attributes));
  return attributes.withStats ? [y, attentionStatistics(inputs, attributes)] : [y];
}

/**
 * The maximum m of each query's scores, then 1 / Σ exp(score − m): float32 [B, N, 2, T]. All rows
 * have the same numbers.
 */
export function attentionStatistics(
  { q, k, bias }: Pick<AttentionInputs, 'q' | 'k' | 'bias'>,
  { heads, scale, keyLength, causal = false, firstQuery = 0 }: KernelAttributes<'Attention'>,
): tf.Tensor {
  const [batch, queries, width] = q.shape as [number, number, number];
  const keys = keyLength ?? (k.shape[1] as number);
  const split = (x: tf.Tensor, length: number) =>
    tf.transpose(
      tf.reshape(tf.slice(x, [0, 0, 0], [-1, length, -1]), [batch, length, heads, width / heads]),
      [0, 2, 1, 3],
    );
  let scores: tf.Tensor = tf.mul(tf.matMul(split(q, queries), split(k, keys), false, true), scale);
  if (bias !== undefined) scores = tf.add(scores, tf.slice(bias, [0, 0, 0, 0], [-1, -1, -1, keys]));
  if (causal) {
    const seen = Array.from({ length: queries }, (_, t) =>
      Array.from({ length: keys }, (_, s) => (s <= firstQuery + t ? 0 : Number.NEGATIVE_INFINITY)),
    );
    scores = tf.add(scores, tf.tensor(seen.flat(), [1, 1, queries, keys]));
  }
  const most = tf.max(scores, -1, true);
  const sum = tf.sum(tf.exp(tf.sub(scores, most)), -1);
  return tf.stack([tf.reshape(most, sum.shape), tf.reciprocal(sum)], 2);
}

function attentionGradients(
  { dy, q, k, v, bias }: KernelInputs<'AttentionGrad'>,
  attributes: KernelAttributes<'AttentionGrad'>,
): tf.Tensor[] {
  const plain = (...[q, k, v, bias]: tf.Tensor[]): tf.Tensor =>
    plainAttention(
      q as tf.Tensor3D,
      k as tf.Tensor3D,
      v as tf.Tensor3D,
      attentionOptions({ bias }, attributes),
    );
  return pullBack(plain, bias === undefined ? [q, k, v] : [q, k, v, bias], dy);
}

function convolution(
  { x, filter, bias }: KernelInputs<'BiasedConv2D'>,
  { strides, pad }: KernelAttributes<'BiasedConv2D'>,
): tf.Tensor {
  const product = tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, strides, pad);
  return bias === undefined ? product : tf.add(product, bias);
}

/** 1 − βᵗ in float32 steps, as optax rounds it. */
function biasCorrection(beta: number, step: number): number {
  return Math.fround(1 - Math.fround(Math.fround(beta) ** step));
}

/** The result of an update: `after`, or `before` where the scale of its gradient is NaN. */
function unlessRefused(scale: tf.Tensor | undefined, before: tf.Tensor, after: tf.Tensor): tf.Tensor {
  if (scale === undefined) return after;
  return tf.where(tf.broadcastTo(tf.isNaN(scale), after.shape), before, after);
}

const rootMeanSquare = (x: tf.Tensor) => tf.sqrt(tf.mean(tf.square(x)));

function adafactor(
  { param, grad, v, vRow, vCol, m, scale }: KernelInputs<'AdafactorUpdate'>,
  s: KernelAttributes<'AdafactorUpdate'>,
): tf.Tensor[] {
  const g = tf.mul(grad, scale ?? s.gradientScale);
  const squares = tf.add(tf.square(g), s.epsilon);
  const blend = (state: tf.Tensor, fresh: tf.Tensor) =>
    tf.add(tf.mul(state, s.rho), tf.mul(fresh, 1 - s.rho));
  const changed: tf.Tensor[] = [];
  let u: tf.Tensor;
  if (v !== undefined) {
    changed.push(blend(v, squares));
    u = tf.mul(g, tf.rsqrt(changed[0] as tf.Tensor));
  } else {
    const last = param.rank - 1;
    const [rows, columns] = param.shape.slice(-2) as [number, number];
    const [largest, second] = columns >= rows ? [last, last - 1] : [last - 1, last];
    const row = blend(vRow as tf.Tensor, tf.mean(squares, largest));
    const column = blend(vCol as tf.Tensor, tf.mean(squares, second));
    changed.push(row, column);
    const rowFactor = tf.rsqrt(tf.div(row, tf.mean(row, -1, true)));
    u = tf.mul(tf.mul(g, tf.expandDims(rowFactor, largest)), tf.expandDims(tf.rsqrt(column), second));
  }
  let factor: tf.Tensor = tf.scalar(s.learningRate);
  if (s.clippingThreshold > 0)
    factor = tf.div(factor, tf.maximum(tf.div(rootMeanSquare(u), s.clippingThreshold), 1));
  if (s.leastScale > 0) factor = tf.mul(factor, tf.maximum(rootMeanSquare(param), s.leastScale));
  u = tf.mul(u, factor);
  if (m !== undefined) {
    u = tf.add(tf.mul(m, s.momentum), tf.mul(u, 1 - s.momentum));
    changed.push(u);
  }
  const stateBefore = [
    ...(v !== undefined ? [v] : [vRow as tf.Tensor, vCol as tf.Tensor]),
    ...(m ? [m] : []),
  ];
  return [
    unlessRefused(scale, param, tf.sub(param, tf.add(u, tf.mul(param, s.weightDecay)))),
    ...changed.map((after, i) => unlessRefused(scale, stateBefore[i] as tf.Tensor, after)),
  ];
}

/** The meaning of every kernel of the contract. */
export const REFERENCES: { readonly [Name in KernelName]: Reference<Name> } = {
  LayerNorm: ({ x, scale, bias }, { epsilon, rms = false }) => {
    const y = rms
      ? tf.add(plainRmsNorm(x, scale, epsilon), bias ?? 0)
      : plainLayerNorm(x, scale, bias, epsilon);
    return [y, ...rowStatistics(x, epsilon, rms)];
  },
  LayerNormGrad: ({ dy, x, mean, rstd, scale }, { rms = false, hasBias }) => {
    const rows = [-1, x.shape[x.rank - 1] as number];
    const normal = tf.mul(tf.sub(tf.reshape(x, rows), tf.reshape(mean, [-1, 1])), tf.reshape(rstd, [-1, 1]));
    const d = tf.reshape(dy, rows);
    const g = scale === undefined ? d : tf.mul(d, scale);
    const along = tf.mul(normal, tf.mean(tf.mul(g, normal), -1, true));
    const centred = rms ? g : tf.sub(g, tf.mean(g, -1, true));
    const dx = tf.mul(tf.sub(centred, along), tf.reshape(rstd, [-1, 1]));
    const none = tf.zeros([0]);
    return [
      tf.reshape(dx, x.shape),
      scale === undefined ? none : tf.sum(tf.mul(d, normal), 0),
      hasBias ? tf.sum(d, 0) : tf.clone(none),
    ];
  },
  GroupNorm: ({ x, scale, bias }, { groups, epsilon, swish = false }) => [
    plainGroupNorm(x, scale, bias, { groups, epsilon, swish }),
    ...groupStatistics(x, groups, epsilon),
  ],
  // The mean and rstd of this case are those of x with this epsilon: see cases.ts.
  GroupNormGrad: ({ dy, x, scale, bias }, { groups, swish = false }) =>
    pullBack(
      (...[x, scale, bias]) =>
        plainGroupNorm(x as tf.Tensor, scale as tf.Tensor, bias as tf.Tensor, {
          groups,
          epsilon: EPSILON,
          swish,
        }),
      [x, scale, bias],
      dy,
    ),
  Gelu: ({ x }, { approximate = false }) => [approximate ? plainGeluTanh(x) : plainGelu(x)],
  GeluGrad: ({ dy, x }, { approximate = false }) =>
    pullBack((x) => (approximate ? plainGeluTanh : plainGelu)(x as tf.Tensor), [x], dy),
  Silu: ({ x }) => [plainSilu(x)],
  SiluGrad: ({ dy, x }) => pullBack((x) => plainSilu(x as tf.Tensor), [x], dy),
  ReluGrad: ({ dy, x }) => [tf.mul(dy, tf.step(x))],
  GatedActivation: ({ gate, up }, { activation }) => [plainGatedActivation(gate, up, activation)],
  GatedActivationGrad: ({ dy, gate, up }, { activation }) =>
    pullBack(
      (gate, up) => plainGatedActivation(gate as tf.Tensor, up as tf.Tensor, activation),
      [gate, up],
      dy,
    ),
  Linear: ({ x, kernel, bias, residual }, { activation = 'linear', transposeKernel = false }) => {
    const z = plainLinear(x, transposeKernel ? tf.transpose(kernel) : kernel, bias);
    const y =
      activation === 'linear'
        ? z
        : activation === 'sigmoid'
          ? tf.sigmoid(z)
          : FUSABLE_ACTIVATIONS[activation satisfies FusableActivation](z);
    return [residual === undefined ? y : tf.add(y, residual)];
  },
  LinearKernelGrad: ({ x, dy }) => {
    const rows = (of: tf.Tensor) => tf.reshape(of, [-1, of.shape[of.rank - 1] as number]) as tf.Tensor2D;
    return [tf.matMul(rows(x), rows(dy), true, false)];
  },
  BiasedConv2D: (inputs, attributes) => [convolution(inputs, attributes)],
  ReluConv2D: (inputs, attributes) => [tf.relu(convolution(inputs, attributes))],
  SparseCrossEntropy: ({ logits, labels }) => [
    plainSparseCrossEntropy(logits as tf.Tensor2D, labels as tf.Tensor1D),
    tf.logSumExp(logits, 1),
  ],
  SparseCrossEntropyGrad: ({ dloss, logits, labels }) =>
    pullBack(
      (logits) => plainSparseCrossEntropy(logits as tf.Tensor2D, labels as tf.Tensor1D),
      [logits],
      dloss,
    ),
  Attention: attentionOf,
  BiasedAttention: attentionOf,
  AttentionGrad: (inputs, attributes) => attentionGradients(inputs, attributes).slice(0, 3),
  AttentionBiasGrad: (inputs, attributes) => attentionGradients(inputs, attributes).slice(3),
  UpdateRows: ({ cache, rows, positions, cacheRows }, { position = 0 }) => {
    const place = (positions as tf.Tensor1D | undefined) ?? position;
    const options = { cacheRows: cacheRows as tf.Tensor1D | undefined };
    return [plainUpdateRows(cache as tf.Tensor3D, rows as tf.Tensor3D, place, options)];
  },
  ScatterAdd: ({ rows, ids }, { entries }) => [plainScatterAdd(rows, ids as tf.Tensor1D, entries)],
  Narrow: ({ x }, { seed }) => [plainToBfloat16(x, seed ?? null)],
  PackedTensor: (_inputs, packed) => [tf.tensor(unpack(packed), packed.shape, 'float32')],
  DeferredZeros: (_inputs, { shape }) => [tf.zeros(shape)],
  AdamWUpdate: (
    { param, grad, m, v, scale },
    { learningRate, beta1, beta2, epsilon, weightDecay, step, gradientScale = 1 },
  ) => {
    const g = tf.mul(grad, scale ?? gradientScale);
    const mean = tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1));
    const square = tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2));
    const root = tf.add(tf.sqrt(tf.div(square, biasCorrection(beta2, step))), epsilon);
    const direction = tf.div(tf.div(mean, biasCorrection(beta1, step)), root);
    const decayed = tf.add(direction, tf.mul(param, weightDecay));
    return [
      unlessRefused(scale, param, tf.sub(param, tf.mul(decayed, learningRate))),
      unlessRefused(scale, m, mean),
      unlessRefused(scale, v, square),
    ];
  },
  AdafactorUpdate: adafactor,
  SumOfSquares: ({ x }) => [tf.sum(tf.square(x))],
  UpdateScale: ({ squares, values }, { maxNorm }) => {
    const norm = tf.sqrt(tf.sum(squares));
    const clipped = maxNorm > 0 ? tf.minimum(1, tf.div(maxNorm, norm)) : tf.scalar(1);
    const all = values === undefined ? squares : tf.concat([squares, values]);
    const finite = tf.all(tf.isFinite(tf.concat([all, tf.reshape(norm, [1])])));
    return [tf.where(finite, clipped, tf.scalar(Number.NaN))];
  },
  IfAccepted: ({ scale, next, before }) => [unlessRefused(scale, before, next)],
  ClampedRatio: ({ a, b }, { epsilon, largest, factor }) => [
    tf.mul(tf.clipByValue(tf.div(a, tf.add(b, epsilon)), 0, largest), factor),
  ],
};

/** Added to variances in all cases of norms. */
export const EPSILON = 1e-3;
