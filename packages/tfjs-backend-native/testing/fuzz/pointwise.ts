import type { Chance, Numbers } from './chance.js';
import type { FuzzProgram, FuzzTensor } from './program.js';

/** Draws a program of a family. */
export type Family = (chance: Chance) => Omit<FuzzProgram, 'family'>;

/** A program of one kernel whose inputs are all leaves. */
export function oneKernel(
  kernel: string,
  inputs: Readonly<Record<string, FuzzTensor>> | readonly FuzzTensor[],
  attrs: Readonly<Record<string, unknown>>,
  gradients: { seed?: number; by?: readonly number[]; linear?: readonly number[] } = {},
): Omit<FuzzProgram, 'family'> {
  const isList = Array.isArray(inputs);
  const leaves = isList ? (inputs as FuzzTensor[]) : Object.values(inputs as Record<string, FuzzTensor>);
  const places = isList
    ? leaves.map((_, i) => i)
    : Object.fromEntries(Object.keys(inputs).map((name, i) => [name, i]));
  const { seed, by, linear } = gradients;
  return {
    leaves,
    steps: [{ kernel, inputs: places, attrs }],
    ...(seed === undefined ? {} : { dySeed: seed, by: by ?? [0] }),
    ...(seed === undefined || linear === undefined ? {} : { linear }),
  };
}

/** A seed of gradients. */
export const seedOf = (chance: Chance): number => chance.int(1, 1e6);

/**
 * A bias with a 2048th more: products of odd 32nds are 1024ths, so that no sum with it is 0 or 6,
 * where activations have their kinks.
 */
export function offKinks(bias: FuzzTensor): FuzzTensor {
  return { ...bias, values: bias.values.map((value) => (value as number) + 1 / 2048) };
}

/** Functions of each element, with what they take. Those after the bar have no gradient in tfjs. */
const FUNCTIONS: readonly (readonly [kernel: string, numbers: Numbers, hasGradient: boolean])[] = [
  ['Abs', 'plain', true],
  ['Acos', 'unit', true],
  ['Acosh', 'positive', true],
  ['Asin', 'unit', true],
  ['Asinh', 'plain', true],
  ['Atan', 'plain', true],
  ['Atanh', 'unit', true],
  ['Ceil', 'plain', true],
  ['Cos', 'plain', true],
  ['Cosh', 'plain', true],
  ['Elu', 'plain', true],
  ['Erf', 'plain', true],
  ['Exp', 'plain', true],
  ['Expm1', 'plain', true],
  ['Floor', 'plain', true],
  ['Log', 'positive', true],
  ['Log1p', 'positive', true],
  ['Neg', 'plain', true],
  ['Reciprocal', 'plain', true],
  ['Relu', 'plain', true],
  ['Relu6', 'plain', true],
  ['Round', 'plain', true],
  ['Rsqrt', 'positive', true],
  ['Selu', 'plain', true],
  ['Sigmoid', 'plain', true],
  ['Sign', 'plain', true],
  ['Sin', 'plain', true],
  ['Sinh', 'plain', true],
  ['Softplus', 'plain', true],
  ['Sqrt', 'positive', true],
  ['Square', 'plain', true],
  ['Tan', 'unit', true],
  ['Tanh', 'plain', true],
  ['LeakyRelu', 'plain', true],
  ['ClipByValue', 'plain', true],
  ['IsFinite', 'plain', false],
  ['IsInf', 'plain', false],
  ['IsNan', 'plain', false],
  ['Step', 'plain', false],
  ['Identity', 'plain', true],
  ['OnesLike', 'plain', false],
  ['ZerosLike', 'plain', false],
];

/** A function's attributes. */
function attributesOf(kernel: string, chance: Chance): Record<string, unknown> {
  if (kernel === 'LeakyRelu') return { alpha: chance.pick([0.2, 0.25, 1.5, 0]) };
  if (kernel === 'Step') return { alpha: chance.pick([0, 0.5, -1]) };
  if (kernel === 'ClipByValue') return { clipValueMin: -1, clipValueMax: chance.pick([1.5, -0.5]) };
  return {};
}

const WITHOUT_INTS = new Set(['Identity', 'OnesLike', 'ZerosLike', 'Abs', 'Neg', 'Square', 'Sign']);

/** One function of each element of a tensor of any rank. */
export const unary: Family = (chance) => {
  const [kernel, numbers, hasGradient] = chance.pick(FUNCTIONS);
  const shape = chance.shape(chance.int(0, 4));
  const attrs = attributesOf(kernel, chance);
  if (WITHOUT_INTS.has(kernel) && chance.yes(0.3)) return oneKernel(kernel, { x: chance.ints(shape) }, attrs);
  if (chance.yes(0.2)) return oneKernel(kernel, { x: chance.floats(shape, 'special') }, attrs);
  return oneKernel(
    kernel,
    { x: chance.floats(shape, numbers) },
    attrs,
    hasGradient ? { seed: seedOf(chance) } : {},
  );
};

/** Shapes that spread over one another: axes of extent 1, and leading axes left out. */
export function broadcastShapes(chance: Chance, count: number): number[][] {
  const whole = chance.shape(chance.int(0, 4));
  return Array.from({ length: count }, () => {
    const kind = chance.int(0, 3);
    if (kind === 0) return [...whole];
    const shape = whole.map((extent) => (chance.yes(0.35) ? 1 : extent));
    return kind === 1 ? shape.slice(chance.int(0, shape.length)) : shape;
  });
}

const FLOAT_PAIRS = [
  'Add',
  'Sub',
  'Multiply',
  'RealDiv',
  'Maximum',
  'Minimum',
  'SquaredDifference',
  'Pow',
  'Atan2',
  'Mod',
  'FloorDiv',
  'Prelu',
];
const INT_PAIRS = [
  'Add',
  'Sub',
  'Multiply',
  'Maximum',
  'Minimum',
  'SquaredDifference',
  'FloorDiv',
  'Mod',
  'BitwiseAnd',
  'Pow',
];
const COMPARISONS = ['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual'];

/** A function of two tensors that spread over one another. */
export const binary: Family = (chance) => {
  const [a, b] = broadcastShapes(chance, 2) as [number[], number[]];
  const kind = chance.int(0, 9);
  if (kind === 0)
    return oneKernel(
      chance.pick(['LogicalAnd', 'LogicalOr']),
      { a: chance.bools(a), b: chance.bools(b) },
      {},
    );
  if (kind <= 2) {
    const draw = (shape: number[]) =>
      kind === 1 ? chance.floats(shape, 'special') : chance.ints(shape, -2, 2);
    return oneKernel(chance.pick(COMPARISONS), { a: draw(a), b: draw(b) }, {});
  }
  if (kind <= 4) {
    const kernel = chance.pick(INT_PAIRS);
    const divides = kernel === 'FloorDiv' || kernel === 'Mod';
    const second = divides ? chance.ints(b, 1, 5) : chance.ints(b, kernel === 'Pow' ? 0 : -5, 5);
    return oneKernel(kernel, { a: chance.ints(a), b: second }, {});
  }
  const kernel = chance.pick(FLOAT_PAIRS);
  if (kernel === 'Prelu')
    return oneKernel(
      kernel,
      { x: chance.floats(a), alpha: chance.floats(a.map((n) => (chance.yes(0.3) ? 1 : n))) },
      {},
      { seed: seedOf(chance), by: [0, 1] },
    );
  if (kind === 5 && kernel !== 'Pow' && kernel !== 'Mod' && kernel !== 'FloorDiv')
    return oneKernel(kernel, { a: chance.floats(a, 'special'), b: chance.floats(b, 'special') }, {});
  const isLinear = kernel === 'Add' || kernel === 'Sub' || kernel === 'Multiply';
  const hasGradient = kernel !== 'FloorDiv';
  return oneKernel(
    kernel,
    { a: chance.floats(a, kernel === 'Pow' ? 'positive' : 'plain'), b: chance.floats(b) },
    {},
    hasGradient
      ? {
          seed: seedOf(chance),
          by: [0, 1],
          ...(isLinear ? { linear: kernel === 'Multiply' ? [0] : [] } : {}),
        }
      : {},
  );
};

/** Select, AddN, Cast, LogicalNot, complex numbers: what takes several tensors or types. */
export const mixed: Family = (chance) => {
  const shape = chance.shape(chance.int(0, 4));
  switch (chance.int(0, 7)) {
    case 0: {
      const isInt = chance.yes(0.3);
      const draw = () => (isInt ? chance.ints(shape) : chance.floats(shape));
      return oneKernel(
        'Select',
        { condition: chance.bools(shape), t: draw(), e: draw() },
        {},
        isInt ? {} : { seed: seedOf(chance), by: [1, 2] },
      );
    }
    case 1: {
      const parts = Array.from({ length: chance.int(1, 4) }, () => chance.floats(shape));
      return oneKernel('AddN', parts, {}, { seed: seedOf(chance), by: parts.map((_, i) => i) });
    }
    case 2:
      return oneKernel(
        'Cast',
        { x: chance.any(shape) },
        { dtype: chance.pick(['float32', 'int32', 'bool']) },
      );
    case 3:
      return oneKernel('LogicalNot', { x: chance.bools(shape) }, {});
    case 4: {
      const x = chance.any(shape);
      const gradients = x.dtype === 'float32' ? { seed: seedOf(chance), linear: [0] } : {};
      return oneKernel('ExpandDims', { input: x }, { dim: chance.int(0, shape.length) }, gradients);
    }
    case 5:
      return movedComplex(chance);
    case 6: {
      const parts = { real: chance.floats(shape), imag: chance.floats(shape) };
      return oneKernel(chance.pick(['complex:Real', 'complex:Imag', 'complex:ComplexAbs']), parts, {});
    }
    default: {
      const rank = chance.int(1, 2);
      const square = chance.shape(rank);
      const parts = { real: chance.floats(square), imag: chance.floats(square) };
      return oneKernel(chance.pick(['complex:FFT', 'complex:IFFT']), parts, {});
    }
  }
};

/** Complex numbers in another shape, put together, added and multiplied. */
function movedComplex(chance: Chance): ReturnType<Family> {
  const rank = chance.int(1, 3);
  const shape = chance.shape(rank);
  const draw = (extents: readonly number[] = shape) => [chance.floats(extents), chance.floats(extents)];
  const oneOf = (kernel: string, attrs: Record<string, unknown>, ...leaves: FuzzTensor[]) =>
    oneKernel(`complex:${kernel}`, Object.fromEntries(leaves.map((leaf, i) => [`part${i}`, leaf])), attrs);
  switch (chance.int(0, 4)) {
    case 0:
      return oneOf('Reshape', { shape: [shape.reduce((a, b) => a * b, 1)] }, ...draw());
    case 1: {
      const axis = chance.int(0, rank - 1);
      const parts = Array.from({ length: chance.int(1, 3) }, () =>
        draw(shape.map((extent, i) => (i === axis ? chance.int(0, 4) : extent))),
      );
      return oneOf('Concat', { axis }, ...parts.flat());
    }
    case 2:
      return oneOf('Identity', {}, ...draw());
    case 3:
      return oneOf('ExpandDims', { dim: chance.int(0, rank) }, ...draw());
    default: {
      const [a, b] = broadcastShapes(chance, 2) as [number[], number[]];
      return oneOf(chance.pick(['Add', 'Sub', 'Multiply']), {}, ...draw(a), ...draw(b));
    }
  }
}
