import type { backend_util } from '@tensorflow/tfjs';
import {
  flag,
  float32,
  int32,
  integer,
  type KernelSpecification,
  oneOf,
  optional,
  output,
  real,
  setting,
} from './specification.js';

/**
 * The functions that products and gates compute in the same pass. ops/activation.ts defines each.
 */
const fused = ['relu', 'gelu', 'gelu_tanh', 'silu'] as const;

const convolution = {
  inputs: {
    x: float32('B, H, W, I'),
    filter: float32('F, G, I, O', 'height, width, from channel, to channel'),
    bias: optional(float32('O')),
  },
  attributes: {
    strides: setting<[number, number]>('rows, columns'),
    pad: setting<'same' | 'valid' | number | backend_util.ExplicitPadding>("as tfjs's Conv2D"),
    dataFormat: oneOf('NHWC'),
    dilations: optional(setting<[number, number]>('rows, columns; default [1, 1]')),
  },
  outputs: [output('y', float32('B, *, *, O'))],
  changes: [],
} as const;

const attention = {
  q: float32('B, T, D', 'heads side by side: column n·K + k of the width belongs to head n'),
  k: float32('B, S, D'),
  v: float32('B, S, D'),
} as const;

const attentionForwardInputs = {
  q: attention.q,
  k: float32('E, S, D', 'E = B without keyRows'),
  v: float32('E, S, D'),
  keyLengths: optional(int32('B', 'in place of keyLength, for each row; 1 … S')),
  firstQueries: optional(int32('B', 'in place of firstQuery, for each row; 0 …')),
  keyRows: optional(int32('B', 'the row of k and v that each row of q looks at; 0 … E − 1')),
} as const;

const attentionBias = float32('1|B, 1|N, 1|T, *', 'added to the scaled scores; keyLength or more wide');

const attentionAttributes = {
  heads: integer('N, of which D is a multiple', 'N'),
  scale: real('factor of q·k'),
  keyLength: optional(integer('keys that count, from the first on; default S')),
  causal: optional(flag('query t looks at keys 0 … firstQuery + t alone; default false')),
  firstQuery: optional(integer('place of query 0 among the keys; default 0')),
} as const;

const attentionGradient = {
  dy: float32('B, T, D'),
  ...attention,
  y: float32('B, T, D'),
  stats: float32('B, N, 2, T'),
} as const;

const attentionForward = {
  attributes: {
    ...attentionAttributes,
    withStats: optional(flag('whether stats is given too, which the gradient takes; default false')),
  },
  outputs: [
    output('y', float32('B, T, D')),
    output(
      'stats',
      optional(float32('B, N, 2, T', 'maximum of each query’s scores, 1 / Σ exp(score − maximum)')),
    ),
  ],
  changes: [],
  needs: ['Attention', 'BiasedAttention', 'AttentionGrad', 'AttentionBiasGrad'],
} as const;

/**
 * Every fused kernel that Easel's operations and optimizers ask a backend for by name, and that
 * tfjs does not define.
 *
 * A backend may have any of them. With one of them it must have all that the kernel `needs`. Where
 * it lacks a kernel, an operation's plain form runs. Four things follow from this table: the types
 * of `runKernel`, the check of the native backend (native-backend.ts), the table in its README, and
 * the cases of the contract suite (kernel-suite/suite.ts).
 */
export const KERNELS = {
  LayerNorm: {
    computes: 'layer norm of each row (arXiv:1607.06450), or with rms RMS norm (arXiv:1910.07467)',
    inputs: { x: float32('.., D'), scale: optional(float32('D')), bias: optional(float32('D')) },
    attributes: { epsilon: real('added to the variance'), rms: optional(flag('default false')) },
    outputs: [
      output('y', float32('.., D')),
      output('mean', float32('R', 'of each row')),
      output('rstd', float32('R', '1 / standard deviation of each row')),
    ],
    changes: [],
    needs: ['LayerNormGrad'],
  },
  LayerNormGrad: {
    computes: 'gradients of LayerNorm',
    inputs: {
      dy: float32('.., D'),
      x: float32('.., D'),
      mean: float32('R'),
      rstd: float32('R'),
      scale: optional(float32('D')),
    },
    attributes: { rms: optional(flag('default false')), hasBias: flag('whether there was a bias') },
    outputs: [
      output('dx', float32('.., D')),
      output('dscale', float32('*', '[D], or [0] without scale')),
      output('dbias', float32('*', '[D], or [0] without hasBias')),
    ],
    changes: [],
    needs: [],
  },
  GroupNorm: {
    computes: 'group norm (arXiv:1803.08494), then with swish y·σ(y)',
    inputs: { x: float32('B, .., C'), scale: float32('C'), bias: float32('C') },
    attributes: {
      groups: integer('of which C is a multiple', 'G'),
      epsilon: real('added to the variance'),
      swish: optional(flag('default false')),
    },
    outputs: [
      output('y', float32('B, .., C')),
      output('mean', float32('B, G')),
      output('rstd', float32('B, G', '1 / standard deviation')),
    ],
    changes: [],
    needs: ['GroupNormGrad'],
  },
  GroupNormGrad: {
    computes: 'gradients of GroupNorm',
    inputs: {
      dy: float32('B, .., C'),
      x: float32('B, .., C'),
      mean: float32('B, G'),
      rstd: float32('B, G'),
      scale: float32('C'),
      bias: float32('C'),
    },
    attributes: { groups: integer('as in GroupNorm', 'G'), swish: optional(flag('default false')) },
    outputs: [
      output('dx', float32('B, .., C')),
      output('dscale', float32('C')),
      output('dbias', float32('C')),
    ],
    changes: [],
    needs: [],
  },
  Gelu: {
    computes: 'x·Φ(x), or its tanh form (arXiv:1606.08415)',
    inputs: { x: float32('..') },
    attributes: { approximate: optional(flag('the tanh form; default false')) },
    outputs: [output('y', float32('..'))],
    changes: [],
    needs: ['GeluGrad'],
  },
  GeluGrad: {
    computes: 'gradient of Gelu',
    inputs: { dy: float32('..'), x: float32('..') },
    attributes: { approximate: optional(flag('default false')) },
    outputs: [output('dx', float32('..'))],
    changes: [],
    needs: [],
  },
  Silu: {
    computes: 'x·σ(x) (arXiv:1702.03118)',
    inputs: { x: float32('..') },
    attributes: {},
    outputs: [output('y', float32('..'))],
    changes: [],
    needs: ['SiluGrad'],
  },
  SiluGrad: {
    computes: 'gradient of Silu',
    inputs: { dy: float32('..'), x: float32('..') },
    attributes: {},
    outputs: [output('dx', float32('..'))],
    changes: [],
    needs: [],
  },
  ReluGrad: {
    computes: 'dy where x > 0, 0 where x ≤ 0',
    inputs: { dy: float32('..'), x: float32('..') },
    attributes: {},
    outputs: [output('dx', float32('..'))],
    changes: [],
    needs: [],
  },
  GatedActivation: {
    computes: 'activation(gate)·up',
    inputs: { gate: float32('..'), up: float32('..') },
    attributes: { activation: oneOf(...fused) },
    outputs: [output('y', float32('..'))],
    changes: [],
    needs: ['GatedActivationGrad'],
  },
  GatedActivationGrad: {
    computes: 'gradients of GatedActivation',
    inputs: { dy: float32('..'), gate: float32('..'), up: float32('..') },
    attributes: { activation: oneOf(...fused) },
    outputs: [output('dgate', float32('..')), output('dup', float32('..'))],
    changes: [],
    needs: [],
  },
  Linear: {
    computes: 'activation(x·kernel + bias) + residual over the last axis',
    inputs: {
      x: float32('.., I'),
      kernel: float32('I, O', '[O, I] with transposeKernel'),
      bias: optional(float32('O')),
      residual: optional(float32('.., O')),
    },
    attributes: {
      activation: optional(oneOf('linear', 'sigmoid', ...fused)),
      transposeKernel: optional(flag('default false')),
    },
    outputs: [output('y', float32('.., O'))],
    changes: [],
    needs: ['LinearKernelGrad'],
  },
  LinearKernelGrad: {
    computes: 'xᵀ·dy over all rows',
    inputs: { x: float32('.., I'), dy: float32('.., O') },
    attributes: {},
    outputs: [output('dkernel', float32('I, O'))],
    changes: [],
    needs: [],
  },
  BiasedConv2D: {
    computes: 'x ⋆ filter + bias: a FusedConv2D whose gradient saves no output',
    ...convolution,
    needs: ['ReluConv2D', 'ReluGrad'],
  },
  ReluConv2D: {
    computes: 'relu(x ⋆ filter + bias): a FusedConv2D whose gradient saves its output alone',
    ...convolution,
    needs: ['BiasedConv2D', 'ReluGrad'],
  },
  SparseCrossEntropy: {
    computes: 'lse = log Σ exp logits of each row, loss = lse − logits[label]',
    inputs: { logits: float32('R, V'), labels: int32('R', '0 … V − 1') },
    attributes: {},
    outputs: [output('loss', float32('R')), output('lse', float32('R'))],
    changes: [],
    needs: ['SparseCrossEntropyGrad'],
  },
  SparseCrossEntropyGrad: {
    computes: 'dloss·(exp(logits − lse) − [column = label])',
    inputs: { dloss: float32('R'), logits: float32('R, V'), labels: int32('R'), lse: float32('R') },
    attributes: {},
    outputs: [output('dlogits', float32('R, V'))],
    changes: [],
    needs: [],
  },
  Attention: {
    computes: 'softmax(scale·q·kᵀ)·v of each head (arXiv:1706.03762)',
    inputs: attentionForwardInputs,
    ...attentionForward,
  },
  BiasedAttention: {
    computes: 'softmax(scale·q·kᵀ + bias)·v of each head',
    inputs: { ...attentionForwardInputs, bias: attentionBias },
    ...attentionForward,
  },
  AttentionGrad: {
    computes: 'gradients of both',
    inputs: { ...attentionGradient, bias: optional(attentionBias) },
    attributes: attentionAttributes,
    outputs: [
      output('dq', float32('B, T, D')),
      output('dk', float32('B, S, D')),
      output('dv', float32('B, S, D')),
    ],
    changes: [],
    needs: [],
  },
  AttentionBiasGrad: {
    computes: 'gradient of the bias: apart, because masks need none',
    inputs: { ...attentionGradient, bias: attentionBias },
    attributes: attentionAttributes,
    outputs: [output('dbias', float32('1|B, 1|N, 1|T, *', 'of the shape of bias'))],
    changes: [],
    needs: [],
  },
  UpdateRows: {
    computes: 'cache with rows[b, t] in place of cache[cacheRows[b], positions[b] + t]',
    inputs: {
      cache: float32('C, L, D', 'C = B without cacheRows'),
      rows: float32('B, T, D'),
      positions: optional(int32('B', '0 … L − T')),
      cacheRows: optional(int32('B', 'pairwise different, 0 … C − 1; default 0 … B − 1')),
    },
    attributes: { position: optional(integer('of all rows, without positions; default 0')) },
    outputs: [
      output('result', float32('C, L, D', 'shares the memory of cache where nothing else would see it')),
    ],
    changes: ['cache'],
    needs: [],
  },
  ScatterAdd: {
    computes: 'out[ids[r]] += rows[r] from zeros',
    inputs: { rows: float32('R, ..'), ids: int32('R', '0 … entries − 1') },
    attributes: { entries: integer('rows of the result', 'V') },
    outputs: [output('out', float32('V, ..'))],
    changes: [],
    needs: [],
  },
  Narrow: {
    computes: 'x rounded to bfloat16, held in two bytes a value',
    inputs: { x: float32('..') },
    attributes: {
      seed: optional(
        integer('below 2³²: rounds by chance, in proportion to the distances; default: to nearest'),
      ),
    },
    outputs: [output('y', float32('..'))],
    changes: [],
    needs: [],
  },
  PackedTensor: {
    computes: 'the floats of packed values (packed/packed-values.ts), which may be held as they are',
    inputs: {},
    attributes: {
      format: oneOf('F16', 'BF16', 'INT8', 'INT4'),
      shape: setting<number[]>('of y'),
      codes: setting<Uint8Array>('they must not change'),
      axis: optional(setting<0 | 1>('along which numbers share a scale: INT8, INT4')),
      group: optional(integer('how many of them do: INT4')),
      scales: optional(setting<Uint16Array>('float16: INT8, INT4')),
      offsets: optional(setting<Uint16Array>('float16: INT4')),
    },
    outputs: [output('y', float32('..', 'Linear multiplies by it, GatherV2 looks rows up'))],
    changes: [],
    needs: ['Linear'],
  },
  DeferredZeros: {
    computes: 'zeros, which may take no memory until they are read',
    inputs: {},
    attributes: { shape: setting<number[]>('of y') },
    outputs: [output('y', float32('..'))],
    changes: [],
    needs: [],
  },
  AdamWUpdate: {
    computes: 'one step of AdamW (arXiv:1711.05101) with the gradient grad·gradientScale',
    inputs: {
      param: float32('..'),
      grad: float32('..'),
      m: float32('..'),
      v: float32('..'),
      scale: optional(float32('', 'in place of gradientScale; NaN: nothing is changed')),
    },
    attributes: {
      learningRate: real('from 0'),
      beta1: real('0 … 1'),
      beta2: real('0 … 1'),
      epsilon: real('from 0'),
      weightDecay: real('from 0'),
      step: integer('number of this update, from 1'),
      gradientScale: optional(real('default 1')),
    },
    outputs: [],
    changes: ['param', 'm', 'v'],
    needs: [],
  },
  AdafactorUpdate: {
    computes: 'one step of Adafactor (arXiv:1804.04235)',
    inputs: {
      param: float32('..', '[.., R, C] where it is factored'),
      grad: float32('..'),
      v: optional(float32('..', 'in place of vRow and vCol where it is not factored')),
      vRow: optional(float32('.., *', 'shape of param without the larger of the last two axes')),
      vCol: optional(float32('.., *', 'shape of param without the smaller of them')),
      m: optional(float32('..', 'with momentum alone')),
      scale: optional(float32('', 'in place of gradientScale; NaN: nothing is changed')),
    },
    attributes: {
      learningRate: real('from 0'),
      rho: real('share of the state that stays'),
      epsilon: real('added to squares'),
      clippingThreshold: real('0 for none'),
      leastScale: real('least factor of the parameter’s scale; 0 for no such factor'),
      momentum: real('0 for none'),
      weightDecay: real('from 0'),
      gradientScale: real('factor of grad'),
    },
    outputs: [],
    changes: ['param', 'v', 'vRow', 'vCol', 'm'],
    needs: [],
  },
  SumOfSquares: {
    computes: 'Σ x²',
    inputs: { x: float32('..') },
    attributes: {},
    outputs: [output('y', float32(''))],
    changes: [],
    needs: [],
  },
  UpdateScale: {
    computes: 'min(1, maxNorm / √Σ squares), NaN where a square or value is not finite',
    inputs: { squares: float32('N'), values: optional(float32('M')) },
    attributes: { maxNorm: real('0 for none') },
    outputs: [output('scale', float32(''))],
    changes: [],
    needs: [],
  },
  IfAccepted: {
    computes: 'next, or before where scale is NaN',
    inputs: {
      scale: float32(''),
      next: float32('..', 'or int32'),
      before: float32('..', 'of the dtype of next'),
    },
    attributes: {},
    outputs: [output('y', float32('..', 'may share the memory of one of both'))],
    changes: [],
    needs: [],
  },
  ClampedRatio: {
    computes: 'factor · clamp(a / (b + epsilon), 0, largest)',
    inputs: { a: float32(''), b: float32('') },
    attributes: { epsilon: real('added to b'), largest: real('from 0'), factor: real('of the ratio') },
    outputs: [output('y', float32(''))],
    changes: [],
    needs: [],
  },
} as const satisfies Readonly<Record<string, KernelSpecification>>;
