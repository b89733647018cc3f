// Numbers that must mean the same in TypeScript and in C++. Each list is in the order of an
// enumeration of the C++ half, which the list's comment names. addon-numbers.test.ts compares the
// two.

/** What may follow a product or a convolution: native/kernels/epilogue/epilogue.h, Activation. */
export const ACTIVATIONS = [
  'linear',
  'relu',
  'relu6',
  'sigmoid',
  'elu',
  'leakyrelu',
  'gelu',
  'gelu_tanh',
  'silu',
] as const;
export type ActivationName = (typeof ACTIVATIONS)[number];

/** Functions of a gate: native/kernels/elementwise/elementwise.h, Gate. */
export const GATES = ['relu', 'gelu', 'gelu_tanh', 'silu'] as const;
export type GateName = (typeof GATES)[number];

/** Unary operations: native/kernels/elementwise/elementwise.h, Unary. */
export const UNARY_OPS = [
  'neg',
  'abs',
  'square',
  'sqrt',
  'rsqrt',
  'reciprocal',
  'exp',
  'log',
  'tanh',
  'sigmoid',
  'relu',
  'relu6',
  'leakyRelu',
  'step',
  'clip',
  'erf',
  'gelu',
  'geluTanh',
  'silu',
  'floor',
  'ceil',
  'round',
  'sign',
  'elu',
] as const;
export type UnaryOp = (typeof UNARY_OPS)[number];

/**
 * Binary operations on float32: native/kernels/elementwise/elementwise.h, Binary. Gradients take dy
 * and x.
 */
export const BINARY_OPS = [
  'add',
  'sub',
  'mul',
  'div',
  'maximum',
  'minimum',
  'squaredDifference',
  'pow',
  'geluGrad',
  'geluTanhGrad',
  'siluGrad',
  'eluGrad',
  'prelu',
  'reluGrad',
  'gatedRelu',
  'gatedGelu',
  'gatedGeluTanh',
  'gatedSilu',
] as const;
export type BinaryOp = (typeof BINARY_OPS)[number];

/** Binary operations on int32: native/kernels/elementwise/elementwise.h, IntBinary. */
export const INT_OPS = ['add', 'sub', 'mul', 'maximum', 'minimum', 'mod', 'floorDiv', 'bitwiseAnd'] as const;
export type IntOp = (typeof INT_OPS)[number];

/** Comparisons: native/kernels/elementwise/elementwise.h, Comparison. */
export const COMPARISONS = ['equal', 'notEqual', 'greater', 'greaterEqual', 'less', 'lessEqual'] as const;

/** Functions of libm: native/kernels/elementwise/elementwise.h, Plain. */
export const PLAIN_OPS = [
  'sin',
  'cos',
  'tan',
  'log1p',
  'expm1',
  'softplus',
  'atan',
  'sinh',
  'cosh',
  'acos',
  'asin',
  'acosh',
  'asinh',
  'atanh',
] as const;

/** Functions of two numbers by libm: native/kernels/elementwise/elementwise.h, PlainPair. */
export const PAIR_OPS = ['atan2', 'mod', 'hypot'] as const;

/** Kinds of numbers: native/kernels/elementwise/elementwise.h, Kind. */
export const KINDS = ['nan', 'infinite', 'finite'] as const;

/** Operations on bytes 0 and 1: native/kernels/elementwise/elementwise.h, Logical. */
export const LOGICAL_OPS = ['and', 'or'] as const;

/** Reductions: native/kernels/reduce/reduce.h, Reduction. */
export const REDUCTIONS = ['sum', 'max', 'min'] as const;

/** Reductions in the elements' own type: native/kernels/reduce/reduce.h, PlainReduction. */
export const PLAIN_REDUCTIONS = ['sum', 'product', 'max', 'min', 'any', 'all'] as const;

/** Running results: native/kernels/reduce/reduce.h, Scan. */
export const SCANS = ['sum', 'product'] as const;

/** Formats of packed matrices: native/kernels/packed/packed.h, PackedFormat. */
export const PACKED_FORMATS = ['float16', 'bfloat16', 'int8', 'int4'] as const;

/** The place of each integer of a `sizes` array. */
export type Layout<Name extends string> = { readonly [N in Name]: number };

function layout<const Name extends string>(...names: readonly Name[]): Layout<Name> {
  return Object.fromEntries(names.map((name, index) => [name, index])) as Layout<Name>;
}

/** How many integers a layout has. */
export function lengthOf(sizes: Layout<string>): number {
  return Object.keys(sizes).length;
}

/**
 * Sizes of a product: native/binding/layouts.h, GemmSize. transposeA and transposeB are 0 or 1.
 * activation is an index into ACTIVATIONS. After these come the batch's extents (up to 4 axes),
 * then the steps of a along them, then the steps of b.
 */
export const GEMM = layout('m', 'n', 'k', 'transposeA', 'transposeB', 'activation');

/**
 * Sizes of a convolution: native/binding/layouts.h, ConvSize. activation is an index into
 * ACTIVATIONS.
 */
export const CONVOLUTION = layout(
  'batch',
  'inHeight',
  'inWidth',
  'inChannels',
  'outHeight',
  'outWidth',
  'outChannels',
  'filterHeight',
  'filterWidth',
  'strideHeight',
  'strideWidth',
  'padTop',
  'padLeft',
  'dilationHeight',
  'dilationWidth',
  'activation',
);

/** Sizes of a pooling: native/binding/layouts.h, PoolSize. */
export const POOL = layout(
  'batch',
  'inHeight',
  'inWidth',
  'channels',
  'outHeight',
  'outWidth',
  'filterHeight',
  'filterWidth',
  'strideHeight',
  'strideWidth',
  'padTop',
  'padLeft',
);

/**
 * Sizes of attention: native/binding/layouts.h, AttentionSize. `keys` of the `capacity` rows of k
 * and v count. biasBatch, biasHead and biasQuery are the bias's steps along batch, heads and
 * queries. causal is 0 or 1. keyRows is the number of rows that k and v have along their first
 * axis.
 */
export const ATTENTION = layout(
  'batch',
  'queries',
  'capacity',
  'keys',
  'heads',
  'width',
  'biasBatch',
  'biasHead',
  'biasQuery',
  'causal',
  'firstQuery',
  'keyRows',
);

/**
 * Sizes of a packed matrix: native/binding/layouts.h, PackedMatrixSize. format is an index into
 * PACKED_FORMATS. axis and group are 0 where the format has none.
 */
export const PACKED_MATRIX = layout('rows', 'columns', 'format', 'axis', 'group');
