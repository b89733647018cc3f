import { KERNELS } from '../kernel-contract/kernels.js';
import type { KernelAttributes, KernelInputs, KernelName } from '../kernel-contract/types.js';
import { type PackOptions, pack } from '../packed/pack.js';
import type { PackedValues } from '../packed/packed-values.js';
import { EPSILON } from './references.js';
import type { Sizes } from './shapes.js';

/**
 * Where an input's values come from, if not from a sequence of numbers in (−2, 2) in the table's
 * shape.
 */
export type Source =
  | { readonly values: readonly number[]; readonly shape?: readonly number[] }
  /** Squares of such numbers, for second moments. */
  | 'squares'
  /**
   * An output of another kernel's reference on this case's inputs, for statistics that a gradient
   * takes.
   */
  | { readonly of: KernelName; readonly output: number; readonly attributes?: object }
  /** Packed values, which the backend holds packed if it has the kernel PackedTensor. */
  | { readonly packed: PackedValues };

/** One call of a kernel. */
export interface KernelCase<Name extends KernelName = KernelName> {
  readonly name: string;
  readonly sizes: Sizes;
  readonly attributes: KernelAttributes<Name>;
  /** The optional inputs that are given. */
  readonly given?: readonly (keyof KernelInputs<Name> & string)[];
  readonly sources?: { readonly [Input in keyof KernelInputs<Name> & string]?: Source };
  /** The letters whose `1|…` is 1. */
  readonly ones?: readonly string[];
  /** Shapes that replace the table's, if an attribute changes them. */
  readonly shapes?: Readonly<Record<string, string>>;
}

/**
 * Lengths around the widths of vectors (4, 8 and 16 lanes; 32 and 64 on a GPU), several vectors
 * long, and with a tail.
 */
export const WIDTHS = [1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 131];

type Cases = { readonly [Name in KernelName]: readonly KernelCase<Name>[] };

/** Sizes for elementwise kernels: lengths, 0 among them, and a tensor of three axes. */
const elementwise: readonly Sizes[] = [
  ...[0, ...WIDTHS, 1000].map((length) => ({ '..': [length] })),
  { '..': [2, 3, 5] },
  { '..': [] },
];
const named = (sizes: Sizes) =>
  Object.entries(sizes)
    .map(([letter, size]) => `${letter}=${typeof size === 'number' ? size : `[${size}]`}`)
    .join(' ');

/** Cases of all these sizes with the same attributes. */
function over<Name extends KernelName>(
  sizes: readonly Sizes[],
  attributes: KernelAttributes<Name>,
  more: Omit<KernelCase<Name>, 'name' | 'sizes' | 'attributes'> = {},
): KernelCase<Name>[] {
  const settings = Object.entries(attributes as object).map(([key, value]) => `${key} ${value}`);
  return sizes.map((one) => ({
    name: [named(one), ...settings, ...(more.given ?? [])].join(', '),
    sizes: one,
    attributes,
    ...more,
  }));
}

const rows: readonly Sizes[] = [
  ...WIDTHS.map((D) => ({ '..': [5], R: 5, D })),
  { '..': [2, 3], R: 6, D: 300 },
  { '..': [0], R: 0, D: 7 },
  { '..': [], R: 1, D: 19 },
];

const statistics = (rms: boolean) =>
  ({
    mean: { of: 'LayerNorm', output: 1, attributes: { epsilon: EPSILON, rms } },
    rstd: { of: 'LayerNorm', output: 2, attributes: { epsilon: EPSILON, rms } },
  }) as const;

const groups = [
  [3, 6],
  [1, 7],
  [4, 4],
  [2, 34],
  [8, 64],
].map(([G, C]) => ({ B: 2, '..': [3, 5], C: C as number, G: G as number }));

const gates = ['relu', 'gelu', 'gelu_tanh', 'silu'] as const;

const products: readonly Sizes[] = [
  // Few, some and many rows, with inner and outer sizes around the widths.
  ...[1, 2, 3, 8, 9, 31, 33].map((rows) => ({ '..': [rows], I: 37, O: 65 })),
  ...WIDTHS.map((O) => ({ '..': [3], I: 5, O })),
  ...WIDTHS.map((I) => ({ '..': [2, 2], I, O: 17 })),
  { '..': [70], I: 129, O: 67 },
  { '..': [0], I: 3, O: 4 },
  { '..': [], I: 6, O: 7 },
];

/** Every way to pack a matrix whose columns are outputs. */
const packings: readonly PackOptions[] = [
  { format: 'F16' },
  { format: 'BF16' },
  { format: 'INT8' },
  { format: 'INT4' },
  { format: 'INT4', group: 64 },
];
const waves = (shape: readonly number[]) =>
  Float32Array.from({ length: shape.reduce((product, extent) => product * extent, 1) }, (_, i) =>
    Math.sin(i * i + 1),
  );
const packedWaves = (shape: readonly number[], options: PackOptions): PackedValues =>
  pack(waves(shape), shape, options);
const packingOf = ({ format, axis, group }: PackOptions) =>
  [format, axis === undefined ? '' : `along ${axis}`, group === undefined ? '' : `by ${group}`]
    .join(' ')
    .trim();

const packedShapes: readonly (readonly [number, number])[] = [
  ...WIDTHS.map((columns) => [6, columns] as const),
  [70, 131],
  [4, 300],
];
const packedTensors = (): readonly KernelCase<'PackedTensor'>[] => {
  const of = (packed: PackedValues, options: PackOptions) => ({
    name: `[${packed.shape}] ${packingOf(options)}`,
    sizes: { '..': packed.shape },
    attributes: { ...packed, shape: [...packed.shape] },
  });
  const matrices = packings.flatMap((options) =>
    packedShapes.map((shape) => of(packedWaves(shape, options), options)),
  );
  const tables = packings.slice(2).flatMap((options) =>
    [2, 32, 34, 66, 130].map((columns) => {
      const along = { ...options, axis: 1 } as const;
      return of(packedWaves([3, columns], along), along);
    }),
  );
  // Every bit pattern: subnormal numbers, infinities, NaN.
  const codes = new Uint8Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer);
  const halves = (['F16', 'BF16'] as const).map((format) =>
    of({ format, shape: [65536], codes }, { format }),
  );
  const otherRanks = [[], [0], [2, 3, 5, 7]].map((shape) =>
    of(packedWaves(shape, { format: 'F16' }), { format: 'F16' }),
  );
  return [...matrices, ...tables, ...halves, ...otherRanks];
};
/** Products with packed kernels; the sizes are even, as INT4 asks. */
const packedProducts: readonly Sizes[] = [
  ...[1, 2, 3, 8, 9, 31, 33].map((rows) => ({ '..': [rows], I: 38, O: 65 })),
  ...WIDTHS.map((O) => ({ '..': [3], I: 6, O })),
  ...[2, 32, 34, 64, 98].map((I) => ({ '..': [2, 2], I, O: 17 })),
  { '..': [70], I: 130, O: 67 },
  { '..': [2], I: 1030, O: 520 },
  { '..': [0], I: 4, O: 4 },
  { '..': [], I: 6, O: 7 },
];

const convolutions: readonly Sizes[] = [
  { B: 2, H: 7, W: 5, I: 3, O: 4, F: 3, G: 3 },
  { B: 1, H: 9, W: 11, I: 16, O: 17, F: 3, G: 3 },
  { B: 2, H: 6, W: 5, I: 13, O: 3, F: 1, G: 1 },
  { B: 1, H: 8, W: 7, I: 1, O: 33, F: 2, G: 5 },
];
const padded: readonly KernelAttributes<'BiasedConv2D'>[] = [
  { strides: [1, 1], pad: 'same', dataFormat: 'NHWC' },
  { strides: [2, 3], pad: 'valid', dataFormat: 'NHWC', dilations: [1, 1] },
  {
    strides: [1, 1],
    pad: [
      [0, 0],
      [0, 1],
      [2, 0],
      [0, 0],
    ],
    dataFormat: 'NHWC',
  },
];

const labels = (R: number, V: number) => ({
  values: Array.from({ length: R }, (_, row) => (row * 7 + V - 1) % V),
});
const logits = [...WIDTHS.map((V) => ({ R: 4, V })), { R: 1, V: 1000 }] as const;

const heads = (B: number, T: number, S: number, N: number, K: number): Sizes => ({
  B,
  E: B,
  T,
  S,
  N,
  D: N * K,
});
const attentionSizes = [
  heads(2, 3, 5, 3, 4),
  heads(1, 1, 7, 2, 8),
  heads(2, 1, 131, 1, 64),
  heads(1, 17, 17, 2, 9),
  heads(2, 66, 70, 1, 16),
  heads(1, 65, 65, 2, 33),
  heads(3, 4, 1, 5, 1),
];
const scaled = (sizes: Sizes) => {
  const { N, D } = sizes as { readonly N: number; readonly D: number };
  return { heads: N, scale: 1 / Math.sqrt(D / N) };
};
const biased = (sizes: Sizes, ones: readonly string[]) => {
  const { B, N, T, S } = sizes as Record<'B' | 'N' | 'T' | 'S', number>;
  const shape = [ones.includes('B') ? 1 : B, ones.includes('N') ? 1 : N, ones.includes('T') ? 1 : T, S];
  const size = shape.reduce((product, extent) => product * extent, 1);
  // A mask that hides every third key except the first.
  const values = Array.from({ length: size }, (_, i) => (i % S > 0 && i % 3 === 1 ? -1e9 : Math.sin(i)));
  return { values, shape };
};
const ONES = [['B', 'N', 'T'], ['N', 'T'], ['B'], []];

const attentionGrad = <Name extends 'AttentionGrad' | 'AttentionBiasGrad'>(
  of: 'Attention' | 'BiasedAttention',
): KernelCase<Name>[] =>
  attentionSizes.flatMap((sizes, i) =>
    [false, true].map((causal) => {
      const attributes = { ...scaled(sizes), causal };
      const ones = ONES[i % ONES.length] as string[];
      const made = { attributes: { ...attributes, withStats: true } };
      return {
        name: `${named(sizes)}, ${of}, causal ${causal}`,
        sizes,
        attributes,
        ones,
        ...(of === 'BiasedAttention' && { given: ['bias'] }),
        sources: {
          y: { of, output: 0, ...made },
          stats: { of, output: 1, ...made },
          ...(of === 'BiasedAttention' && { bias: biased(sizes, ones) }),
        },
      } as unknown as KernelCase<Name>;
    }),
  );

const adamW = {
  learningRate: 0.01,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-6,
  weightDecay: 0.1,
};

const adafactor: KernelAttributes<'AdafactorUpdate'> = {
  learningRate: 0.02,
  rho: 0.8,
  epsilon: 1e-30,
  clippingThreshold: 1,
  leastScale: 1e-3,
  momentum: 0,
  weightDecay: 0.1,
  gradientScale: 0.5,
};

/**
 * The factored state of a parameter [.., rows, columns]. All of it is ones, so that it has a size.
 */
const factored = (leading: readonly number[], rowCount: number, columns: number) => {
  const [ofRow, ofColumn] = columns >= rowCount ? [rowCount, columns] : [columns, rowCount];
  const ones = (extent: number) => {
    const shape = [...leading, extent];
    const size = shape.reduce((product, extent) => product * extent, 1);
    return { values: Array.from({ length: size }, (_, i) => 0.5 + ((i * 5) % 7) / 7), shape };
  };
  return { vRow: ones(ofRow), vCol: ones(ofColumn) };
};

/** The calls of every kernel whose values are compared. */
export const CASES: Cases = {
  LayerNorm: [
    ...over<'LayerNorm'>(rows, { epsilon: EPSILON }, { given: ['scale', 'bias'] }),
    ...over<'LayerNorm'>(rows, { epsilon: EPSILON, rms: true }, { given: ['scale'] }),
    ...over<'LayerNorm'>(rows.slice(0, 4), { epsilon: EPSILON }),
    ...over<'LayerNorm'>(rows.slice(4, 8), { epsilon: EPSILON }, { given: ['bias'] }),
  ],
  LayerNormGrad: [
    ...over<'LayerNormGrad'>(rows, { hasBias: true }, { given: ['scale'], sources: statistics(false) }),
    ...over<'LayerNormGrad'>(
      rows,
      { hasBias: false, rms: true },
      { given: ['scale'], sources: statistics(true) },
    ),
    ...over<'LayerNormGrad'>(rows.slice(0, 9), { hasBias: false }, { sources: statistics(false) }),
  ],
  GroupNorm: groups.flatMap((sizes) =>
    [false, true].flatMap((swish) =>
      over<'GroupNorm'>([sizes], { groups: sizes.G, epsilon: EPSILON, swish }),
    ),
  ),
  GroupNormGrad: groups.flatMap((sizes) =>
    [false, true].flatMap((swish) => {
      const attributes = { groups: sizes.G, epsilon: EPSILON };
      const sources = {
        mean: { of: 'GroupNorm', output: 1, attributes },
        rstd: { of: 'GroupNorm', output: 2, attributes },
      } as const;
      return over<'GroupNormGrad'>([sizes], { groups: sizes.G, swish }, { sources });
    }),
  ),
  Gelu: [...over<'Gelu'>(elementwise, {}), ...over<'Gelu'>(elementwise, { approximate: true })],
  GeluGrad: [...over<'GeluGrad'>(elementwise, {}), ...over<'GeluGrad'>(elementwise, { approximate: true })],
  Silu: over<'Silu'>(elementwise, {}),
  SiluGrad: over<'SiluGrad'>(elementwise, {}),
  ReluGrad: over<'ReluGrad'>(elementwise, {}),
  GatedActivation: gates.flatMap((activation) => over<'GatedActivation'>(elementwise, { activation })),
  GatedActivationGrad: gates.flatMap((activation) =>
    over<'GatedActivationGrad'>(elementwise, { activation }),
  ),
  Linear: [
    ...over<'Linear'>(products, {}),
    ...over<'Linear'>(products, {}, { given: ['bias', 'residual'] }),
    ...over<'Linear'>(products, { transposeKernel: true }, { shapes: { kernel: 'O, I' } }),
    ...packings.flatMap((options) =>
      packedProducts.flatMap((sizes) =>
        over<'Linear'>(
          [sizes],
          {},
          {
            ...(sizes.O === 65 && { given: ['bias', 'residual'] }),
            sources: { kernel: { packed: packedWaves([sizes.I as number, sizes.O as number], options) } },
          },
        ).map((one) => ({ ...one, name: `${one.name}, kernel ${packingOf(options)}` })),
      ),
    ),
    ...(['linear', 'sigmoid', ...gates] as const).flatMap((activation) =>
      over<'Linear'>(products.slice(0, 8), { activation }, { given: ['bias', 'residual'] }),
    ),
  ],
  LinearKernelGrad: over<'LinearKernelGrad'>(products, {}),
  BiasedConv2D: padded.flatMap((attributes) => [
    ...over<'BiasedConv2D'>(convolutions, attributes, { given: ['bias'] }),
    ...over<'BiasedConv2D'>(convolutions.slice(0, 1), attributes),
  ]),
  ReluConv2D: padded.flatMap((attributes) =>
    over<'ReluConv2D'>(convolutions, attributes, { given: ['bias'] }),
  ),
  SparseCrossEntropy: logits.map(({ R, V }) => ({
    name: `R=${R} V=${V}`,
    sizes: { R, V },
    attributes: {},
    sources: { labels: labels(R, V) },
  })),
  // tfjs's oneHot, which the reference uses, knows no depth of 1.
  SparseCrossEntropyGrad: logits.slice(1).map(({ R, V }) => ({
    name: `R=${R} V=${V}`,
    sizes: { R, V },
    attributes: {},
    sources: { labels: labels(R, V), lse: { of: 'SparseCrossEntropy', output: 1 } },
  })),
  Attention: [
    ...attentionSizes.flatMap((sizes) => [
      ...over<'Attention'>([sizes], { ...scaled(sizes), withStats: true }),
      ...over<'Attention'>([sizes], { ...scaled(sizes), causal: true, firstQuery: 2 }),
      ...over<'Attention'>([sizes], { ...scaled(sizes), keyLength: Math.ceil((sizes.S as number) / 2) }),
    ]),
    {
      name: 'numbers of each row',
      sizes: { B: 3, E: 2, T: 4, S: 9, N: 2, D: 10 },
      attributes: { heads: 2, scale: 0.4, causal: true },
      given: ['keyLengths', 'firstQueries', 'keyRows'],
      sources: {
        keyLengths: { values: [9, 3, 6] },
        firstQueries: { values: [5, 0, 2] },
        keyRows: { values: [1, 0, 1] },
      },
    },
  ],
  BiasedAttention: attentionSizes.flatMap((sizes) =>
    ONES.map((ones) => ({
      name: `${named(sizes)}, ${ones}`,
      sizes,
      attributes: { ...scaled(sizes), withStats: ones.length > 1 },
      ones,
      sources: { bias: biased(sizes, ones) },
    })),
  ),
  AttentionGrad: [
    ...attentionGrad<'AttentionGrad'>('Attention'),
    ...attentionGrad<'AttentionGrad'>('BiasedAttention'),
  ],
  AttentionBiasGrad: attentionGrad<'AttentionBiasGrad'>('BiasedAttention'),
  UpdateRows: [
    ...WIDTHS.map((D) => ({
      name: `D=${D}`,
      sizes: { B: 2, C: 2, L: 5, T: 1, D },
      attributes: { position: D % 5 },
    })),
    {
      name: 'several steps, positions and cache rows',
      sizes: { B: 2, C: 4, L: 7, T: 3, D: 6 },
      attributes: {},
      given: ['positions', 'cacheRows'],
      sources: { positions: { values: [4, 1] }, cacheRows: { values: [3, 0] } },
    },
  ],
  ScatterAdd: [
    ...WIDTHS.map((width) => ({
      name: `rows of ${width}`,
      sizes: { R: 7, V: 5, '..': [width] },
      attributes: { entries: 5 },
      sources: { ids: { values: [4, 0, 4, 1, 4, 0, 2] } },
    })),
    {
      name: 'rows of two axes',
      sizes: { R: 3, V: 2, '..': [3, 5] },
      attributes: { entries: 2 },
      sources: { ids: { values: [1, 1, 0] } },
    },
  ],
  Narrow: [...over<'Narrow'>(elementwise, {}), ...over<'Narrow'>(elementwise, { seed: 4_000_000_007 })],
  PackedTensor: packedTensors(),
  DeferredZeros: [[], [0], [7], [3, 1030]].map((shape) => ({
    name: `[${shape}]`,
    sizes: { '..': shape },
    attributes: { shape },
  })),
  AdamWUpdate: [
    ...[0.25, Number.NaN].flatMap((scale) =>
      over<'AdamWUpdate'>(
        [{ '..': [19] }, { '..': [2, 5] }],
        { ...adamW, step: 2 },
        {
          given: ['scale'],
          sources: { v: 'squares', scale: { values: [scale], shape: [] } },
        },
      ),
    ),
    ...over<'AdamWUpdate'>(elementwise.slice(1), { ...adamW, step: 1 }, { sources: { v: 'squares' } }),
    ...over<'AdamWUpdate'>(
      elementwise.slice(1, 5),
      { ...adamW, step: 7, gradientScale: 0.25 },
      { sources: { v: 'squares' } },
    ),
  ],
  AdafactorUpdate: [
    ...[0.25, Number.NaN].flatMap((scale) =>
      over<'AdafactorUpdate'>(
        [{ '..': [19] }],
        { ...adafactor, momentum: 0.5 },
        {
          given: ['v', 'm', 'scale'],
          sources: { v: 'squares', scale: { values: [scale], shape: [] } },
        },
      ),
    ),
    ...over<'AdafactorUpdate'>(elementwise.slice(1), adafactor, { given: ['v'], sources: { v: 'squares' } }),
    ...(
      [
        [[], 5, 17],
        [[], 33, 9],
        [[2], 8, 8],
      ] as const
    ).flatMap(([leading, rowCount, columns]) =>
      [0, 0.9].flatMap((momentum) =>
        over<'AdafactorUpdate'>(
          [{ '..': [...leading, rowCount, columns] }],
          { ...adafactor, momentum },
          {
            given: momentum > 0 ? ['vRow', 'vCol', 'm'] : ['vRow', 'vCol'],
            sources: factored(leading, rowCount, columns),
          },
        ),
      ),
    ),
  ],
  SumOfSquares: over<'SumOfSquares'>(elementwise, {}),
  UpdateScale: [
    ...WIDTHS.map((N) => ({
      name: `N=${N}`,
      sizes: { N, M: 2 },
      attributes: { maxNorm: N % 2 === 0 ? 0 : 3 },
      given: ['values'] as const,
      sources: { squares: 'squares' } as const,
    })),
    ...[Number.NaN, Number.POSITIVE_INFINITY].map((value) => ({
      name: `a value ${value}`,
      sizes: { N: 3, M: 2 },
      attributes: { maxNorm: 1 },
      given: ['values'] as const,
      sources: { squares: 'squares', values: { values: [1, value] } } as const,
    })),
    {
      name: 'a norm below maxNorm',
      sizes: { N: 2 },
      attributes: { maxNorm: 9 },
      sources: { squares: 'squares' },
    },
  ],
  IfAccepted: [0.5, Number.NaN].flatMap((scale) =>
    over<'IfAccepted'>(elementwise, {}, { sources: { scale: { values: [scale], shape: [] } } }).map(
      (one) => ({
        ...one,
        name: `${one.name}, scale ${scale}`,
      }),
    ),
  ),
  ClampedRatio: (
    [
      [3, 4],
      [-3, 4],
      [1e9, 1e-9],
      [Number.NaN, 1],
    ] as const
  ).map(([a, b]) => ({
    name: `${a} / ${b}`,
    sizes: {},
    attributes: { epsilon: 1e-6, largest: 1e4, factor: 0.8 },
    sources: { a: { values: [a], shape: [] }, b: { values: [b], shape: [] } },
  })),
};

/**
 * Kernels whose results equal the reference's bit for bit. They move or round values, and add
 * nothing up.
 */
export const EXACT: ReadonlySet<KernelName> = new Set([
  'ReluGrad',
  'UpdateRows',
  'Narrow',
  'PackedTensor',
  'DeferredZeros',
  'IfAccepted',
]);

/** All names, in the order of the table. */
export const KERNEL_NAMES = Object.keys(KERNELS) as KernelName[];
