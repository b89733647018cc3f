import * as tf from '@tensorflow/tfjs';
import { gelu, geluTanh, plainGelu, plainGeluTanh, plainSilu, silu } from '../ops/activation.js';
import { attention, plainAttention } from '../ops/attention.js';
import { conv2d } from '../ops/conv2d.js';
import { plainSparseCrossEntropy, sparseCrossEntropy } from '../ops/cross-entropy.js';
import { embedding } from '../ops/embedding.js';
import { gatedActivation, plainGatedActivation } from '../ops/gated-activation.js';
import { groupNorm, plainGroupNorm } from '../ops/group-norm.js';
import { linear, plainLinear } from '../ops/linear.js';
import { layerNorm, plainLayerNorm, plainRmsNorm, rmsNorm } from '../ops/norm.js';

type Op = (...inputs: tf.Tensor[]) => tf.Tensor;

/** An operation that runs fused kernels under a tape, and its plain form. */
export interface GradientCase {
  readonly name: string;
  readonly fused: Op;
  readonly plain: Op;
  readonly shapes: readonly (readonly number[])[];
}

const GROUPS = { groups: 3, epsilon: 1e-3, swish: true };
const HEADS = { heads: 3, causal: true, scale: 0.5, keyLength: 9, firstQuery: 2 };
const LABELS = [4, 0, 30, 7, 7];
const IDS = [3, 1, 3, 0];

const labels = () => tf.tensor1d(LABELS, 'int32');
const ids = () => tf.tensor1d(IDS, 'int32');

/** Rows of a table by a product with a one-hot matrix, whose gradient is also a product. */
function plainEmbedding(table: tf.Tensor): tf.Tensor {
  const places = tf.cast(tf.oneHot(ids(), table.shape[0] as number, 1, 0, 'int32'), 'float32');
  return tf.matMul(places, table);
}

const biased = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, bias: tf.Tensor, of: typeof attention) =>
  of(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, { ...HEADS, bias: bias as tf.Tensor4D });

/** Every operation with a fused gradient. */
export const GRADIENT_CASES: readonly GradientCase[] = [
  {
    name: 'layerNorm',
    fused: (...[x, scale, bias]) => layerNorm(x as tf.Tensor, scale, bias, 1e-3),
    plain: (...[x, scale, bias]) => plainLayerNorm(x as tf.Tensor, scale, bias, 1e-3),
    shapes: [[2, 5, 37], [37], [37]],
  },
  {
    name: 'rmsNorm',
    fused: (...[x, scale]) => rmsNorm(x as tf.Tensor, scale, 1e-3),
    plain: (...[x, scale]) => plainRmsNorm(x as tf.Tensor, scale, 1e-3),
    shapes: [[3, 33], [33]],
  },
  {
    name: 'groupNorm',
    fused: (...[x, scale, bias]) => groupNorm(x as tf.Tensor, scale as tf.Tensor, bias as tf.Tensor, GROUPS),
    plain: (...[x, scale, bias]) =>
      plainGroupNorm(x as tf.Tensor, scale as tf.Tensor, bias as tf.Tensor, GROUPS),
    shapes: [[2, 3, 5, 12], [12], [12]],
  },
  {
    name: 'gelu',
    fused: (x) => gelu(x as tf.Tensor),
    plain: (x) => plainGelu(x as tf.Tensor),
    shapes: [[3, 67]],
  },
  {
    name: 'geluTanh',
    fused: (x) => geluTanh(x as tf.Tensor),
    plain: (x) => plainGeluTanh(x as tf.Tensor),
    shapes: [[3, 67]],
  },
  {
    name: 'silu',
    fused: (x) => silu(x as tf.Tensor),
    plain: (x) => plainSilu(x as tf.Tensor),
    shapes: [[3, 67]],
  },
  {
    name: 'gatedActivation',
    fused: (...[gate, up]) => gatedActivation(gate as tf.Tensor, up as tf.Tensor, 'gelu'),
    plain: (...[gate, up]) => plainGatedActivation(gate as tf.Tensor, up as tf.Tensor, 'gelu'),
    shapes: [
      [3, 67],
      [3, 67],
    ],
  },
  {
    name: 'linear',
    fused: (...[x, kernel, bias, residual]) =>
      linear(x as tf.Tensor, kernel as tf.Tensor, bias, {
        activation: 'silu',
        residual: residual as tf.Tensor,
      }),
    plain: (...[x, kernel, bias, residual]) =>
      plainLinear(x as tf.Tensor, kernel as tf.Tensor, bias, {
        activation: 'silu',
        residual: residual as tf.Tensor,
      }),
    shapes: [[2, 3, 7], [7, 19], [19], [2, 3, 19]],
  },
  {
    name: 'conv2d with relu',
    fused: (...[x, kernel, bias]) =>
      conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, bias, { activation: 'relu' }),
    plain: (...[x, kernel, bias]) =>
      tf.relu(tf.add(tf.conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, 1, 'same'), bias as tf.Tensor)),
    shapes: [[2, 5, 7, 3], [3, 3, 3, 6], [6]],
  },
  {
    name: 'sparseCrossEntropy',
    fused: (x) => sparseCrossEntropy(x as tf.Tensor2D, labels()),
    plain: (x) => plainSparseCrossEntropy(x as tf.Tensor2D, labels()),
    shapes: [[5, 31]],
  },
  {
    name: 'embedding',
    fused: (table) => embedding(table as tf.Tensor, ids()),
    plain: (table) => plainEmbedding(table as tf.Tensor),
    shapes: [[5, 17]],
  },
  {
    name: 'attention',
    fused: (...[q, k, v]) => attention(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, HEADS),
    plain: (...[q, k, v]) => plainAttention(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, HEADS),
    shapes: [
      [2, 4, 15],
      [2, 11, 15],
      [2, 11, 15],
    ],
  },
  {
    name: 'attention with a bias',
    fused: (...[q, k, v, bias]) =>
      biased(q as tf.Tensor, k as tf.Tensor, v as tf.Tensor, bias as tf.Tensor, attention),
    plain: (...[q, k, v, bias]) =>
      biased(q as tf.Tensor, k as tf.Tensor, v as tf.Tensor, bias as tf.Tensor, plainAttention),
    shapes: [
      [2, 4, 15],
      [2, 11, 15],
      [2, 11, 15],
      [1, 3, 4, 11],
    ],
  },
];
