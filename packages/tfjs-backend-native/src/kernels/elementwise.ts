import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import {
  BINARY_OPS,
  type BinaryOp,
  COMPARISONS,
  INT_OPS,
  type IntOp,
  KINDS,
  LOGICAL_OPS,
  PAIR_OPS,
  PLAIN_OPS,
  UNARY_OPS,
  type UnaryOp,
} from '../addon-numbers.js';
import type { NativeBackend } from '../backend.js';
import type { NumericArray } from '../numeric-array.js';
import { asWords } from '../strided-copy.js';
import { planPair } from './broadcast.js';
import { type KernelArguments, type NativeKernel, nativeKernel, runOnCpu } from './kernel.js';

type Parameters = readonly [p: number, q: number];

/** y = f(x) of the same shape. Dtypes other than float32 go to the cpu kernel of that name. */
export function unaryKernel(
  kernelName: string,
  op: UnaryOp,
  parameters: (attrs: Record<string, unknown>) => Parameters = () => [0, 0],
): NativeKernel {
  const number = UNARY_OPS.indexOf(op);
  return nativeKernel(kernelName, (args) => {
    const { backend } = args;
    const { x } = args.inputs as { x: tf.TensorInfo };
    if (x.dtype !== 'float32') return runOnCpu(kernelName, args);
    const y = backend.allocate(x.shape, 'float32');
    const [p, q] = parameters(args.attrs ?? {});
    addon().unary(number, y.values, backend.float32(x), p, q);
    return y.info;
  });
}

/**
 * The inputs with leading axes of extent 1, as many as the other one has. The cpu kernels of complex
 * numbers read beyond an input of fewer axes.
 */
function withEqualRanks(args: KernelArguments): KernelArguments {
  const { a, b } = args.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
  const rank = Math.max(a.shape.length, b.shape.length);
  const raised = (x: tf.TensorInfo): tf.TensorInfo => ({
    dataId: x.dataId,
    dtype: x.dtype,
    shape: [...Array.from({ length: rank - x.shape.length }, () => 1), ...x.shape],
  });
  return { ...args, inputs: { a: raised(a), b: raised(b) } };
}

/** The arrays on which the values of a dtype lie. */
interface Arrays {
  readonly float32: Float32Array;
  readonly int32: Int32Array;
  readonly bool: Uint8Array;
}
type Dtype = keyof Arrays;

/** Writes y = f(a, b). `axes` are those of ElementwiseFunctions.binary. y has elements. */
type Pair<In extends Dtype, Out extends Dtype> = (
  y: Arrays[Out],
  a: Arrays[In],
  b: Arrays[In],
  axes: Int32Array | null,
) => void;

/** The forms of a kernel by the inputs' dtype. y has the dtype Out, or the inputs'. */
type Pairs<Out extends Dtype | 'same'> = {
  readonly [In in Dtype]?: Pair<In, Out extends Dtype ? Out : In>;
};

/** A tensor's values. Those of a narrow one are lent, since no kernel here returns a view of them. */
const valuesOf = (backend: NativeBackend, x: tf.TensorInfo): NumericArray =>
  x.dtype === 'float32' ? backend.float32(x) : backend.values(x);

/**
 * y = f(a, b) with broadcasting, of the two inputs that tfjs calls by `names`. What has no form goes to the cpu kernel of that name: other
 * dtypes, inputs of two dtypes, and broadcasts of more axes than the addon walks.
 */
function pairKernel<Out extends Dtype | 'same'>(
  kernelName: string,
  out: Out,
  forms: Pairs<Out>,
  [first, second]: readonly [string, string] = ['a', 'b'],
): NativeKernel {
  return nativeKernel(kernelName, (args) => {
    const { backend } = args;
    const a = args.inputs[first] as tf.TensorInfo;
    const b = args.inputs[second] as tf.TensorInfo;
    const dtype = a.dtype as Dtype;
    const form = b.dtype === dtype ? (forms[dtype] as Pair<never, never> | undefined) : undefined;
    const plan = form === undefined ? undefined : planPair(a.shape, b.shape);
    if (form === undefined || plan === undefined)
      return runOnCpu(kernelName, a.dtype === 'complex64' ? withEqualRanks(args) : args);
    const y = backend.allocate(plan.shape, out === 'same' ? dtype : (out as Dtype));
    if (y.values.length > 0)
      form(y.values as never, valuesOf(backend, a) as never, valuesOf(backend, b) as never, plan.axes);
    return y.info;
  });
}

const binaryForm = (op: BinaryOp): Pair<'float32', 'float32'> => {
  const number = BINARY_OPS.indexOf(op);
  return (y, a, b, axes) => addon().binary(number, y, a, b, axes);
};

const intForm = (op: IntOp): Pair<'int32', 'int32'> => {
  const number = INT_OPS.indexOf(op);
  return (y, a, b, axes) => addon().binaryInt(number, y, a, b, axes);
};

/** y = f(a, b) with broadcasting, for float32, and for int32 where the addon has the operation. */
export function binaryKernel(kernelName: string, op: BinaryOp): NativeKernel {
  const isInt = (INT_OPS as readonly string[]).includes(op);
  return pairKernel(kernelName, 'same', {
    float32: binaryForm(op),
    ...(isInt ? { int32: intForm(op as BinaryOp & IntOp) } : {}),
  });
}

/** y = f(a, b) of float32 by libm, and of int32 where the addon has the operation. */
function plainPairKernel(kernelName: string, op: (typeof PAIR_OPS)[number], int?: IntOp): NativeKernel {
  const number = PAIR_OPS.indexOf(op);
  return pairKernel(kernelName, 'same', {
    float32: (y, a, b, axes) => addon().plainBinary(number, y, a, b, axes),
    ...(int === undefined ? {} : { int32: intForm(int) }),
  });
}

/** y = a ⋛ b as bool, with broadcasting, for float32 and int32. */
function comparisonKernel(kernelName: string, op: (typeof COMPARISONS)[number]): NativeKernel {
  const number = COMPARISONS.indexOf(op);
  return pairKernel(kernelName, 'bool', {
    float32: (y, a, b, axes) => addon().compareFloat(number, y, a, b, axes),
    int32: (y, a, b, axes) => addon().compareInt(number, y, a, b, axes),
  });
}

/** Whether each number is of a kind, as bool. Other dtypes go to the cpu kernel. */
function kindKernel(kernelName: string, kind: (typeof KINDS)[number]): NativeKernel {
  const number = KINDS.indexOf(kind);
  return nativeKernel(kernelName, (args) => {
    const { x } = args.inputs as { x: tf.TensorInfo };
    if (x.dtype !== 'float32') return runOnCpu(kernelName, args);
    const y = args.backend.allocate(x.shape, 'bool');
    addon().isKind(number, y.values, args.backend.float32(x));
    return y.info;
  });
}

/** The absolute value of complex numbers. */
const complexAbs = nativeKernel(tf.ComplexAbs, (args) => {
  const { backend } = args;
  const { x } = args.inputs as { x: tf.TensorInfo };
  const parts = backend.data.get(x.dataId).complexTensorInfos as Record<'real' | 'imag', tf.TensorInfo>;
  const y = backend.allocate(x.shape, 'float32');
  const hypot = PAIR_OPS.indexOf('hypot');
  addon().plainBinary(hypot, y.values, backend.float32(parts.real), backend.float32(parts.imag), null);
  return y.info;
});

/**
 * condition ? t : e, element by element. All must have one shape, and t and e must both be float32
 * or both int32; other cases go to the cpu kernel.
 */
const select = nativeKernel(tf.Select, (args) => {
  const { backend } = args;
  const { condition, t, e } = args.inputs as Record<'condition' | 't' | 'e', tf.TensorInfo>;
  const { dtype } = t;
  const isNative =
    condition.dtype === 'bool' && (dtype === 'float32' || dtype === 'int32') && e.dtype === dtype;
  if (!isNative || !tf.util.arraysEqual(condition.shape, t.shape)) return runOnCpu(tf.Select, args);
  const y = backend.allocate(t.shape, dtype);
  const words = (info: tf.TensorInfo) => asWords(backend.values(info) as Float32Array | Int32Array);
  addon().selectFloat(
    asWords(y.values as Float32Array | Int32Array),
    backend.bool(condition),
    words(t),
    words(e),
  );
  return y.info;
});

/** A function of libm. Dtypes other than float32 go to the cpu kernel. */
function plainKernel(kernelName: string, op: (typeof PLAIN_OPS)[number]): NativeKernel {
  const number = PLAIN_OPS.indexOf(op);
  return nativeKernel(kernelName, (args) => {
    const { x } = args.inputs as { x: tf.TensorInfo };
    if (x.dtype !== 'float32') return runOnCpu(kernelName, args);
    const y = args.backend.allocate(x.shape, 'float32');
    addon().plainUnary(number, y.values, args.backend.float32(x));
    return y.info;
  });
}

/** "And" or "or" of bools, with broadcasting. */
function logicalKernel(kernelName: string, op: (typeof LOGICAL_OPS)[number]): NativeKernel {
  const number = LOGICAL_OPS.indexOf(op);
  return pairKernel(kernelName, 'same', { bool: (y, a, b, axes) => addon().logical(number, y, a, b, axes) });
}

const logicalNot = nativeKernel(tf.LogicalNot, (args) => {
  const { backend } = args;
  const { x } = args.inputs as { x: tf.TensorInfo };
  if (x.dtype !== 'bool') return runOnCpu(tf.LogicalNot, args);
  const y = backend.allocate(x.shape, 'bool');
  addon().logicalNot(y.values, backend.bool(x));
  return y.info;
});

/** The sum of tensors of one shape. */
const addN = nativeKernel(tf.AddN, (args) => {
  const { backend } = args;
  const terms = Object.values(args.inputs) as tf.TensorInfo[];
  const [first, second] = terms;
  if (first === undefined || second === undefined || terms.some((term) => term.dtype !== 'float32'))
    return runOnCpu(tf.AddN, args);
  const y = backend.allocate(first.shape, 'float32');
  if (y.values.length === 0) return y.info;
  const add = BINARY_OPS.indexOf('add');
  addon().binary(add, y.values, backend.float32(first), backend.float32(second), null);
  for (const term of terms.slice(2)) addon().binary(add, y.values, y.values, backend.float32(term), null);
  return y.info;
});

/** Elementwise kernels: tfjs's, and Gelu, Silu and their gradients. */
export const elementwiseKernels: readonly NativeKernel[] = [
  unaryKernel(tf.Neg, 'neg'),
  unaryKernel(tf.Abs, 'abs'),
  unaryKernel(tf.Square, 'square'),
  unaryKernel(tf.Sqrt, 'sqrt'),
  unaryKernel(tf.Rsqrt, 'rsqrt'),
  unaryKernel(tf.Reciprocal, 'reciprocal'),
  unaryKernel(tf.Exp, 'exp'),
  unaryKernel(tf.Log, 'log'),
  unaryKernel(tf.Tanh, 'tanh'),
  unaryKernel(tf.Sigmoid, 'sigmoid'),
  unaryKernel(tf.Relu, 'relu'),
  unaryKernel(tf.Relu6, 'relu6'),
  unaryKernel(tf.LeakyRelu, 'leakyRelu', (attrs) => [attrs.alpha as number, 0]),
  unaryKernel(tf.Step, 'step', (attrs) => [attrs.alpha as number, 0]),
  unaryKernel(tf.ClipByValue, 'clip', (attrs) => [
    attrs.clipValueMin as number,
    attrs.clipValueMax as number,
  ]),
  unaryKernel(tf.Erf, 'erf'),
  unaryKernel(tf.Floor, 'floor'),
  unaryKernel(tf.Ceil, 'ceil'),
  unaryKernel(tf.Round, 'round'),
  unaryKernel(tf.Sign, 'sign'),
  unaryKernel(tf.Elu, 'elu', () => [1, 1]),
  unaryKernel(tf.Selu, 'elu', () => [tf.backend_util.SELU_SCALE, tf.backend_util.SELU_SCALEALPHA]),
  plainKernel(tf.Sin, 'sin'),
  plainKernel(tf.Cos, 'cos'),
  plainKernel(tf.Tan, 'tan'),
  plainKernel(tf.Log1p, 'log1p'),
  plainKernel(tf.Expm1, 'expm1'),
  plainKernel(tf.Softplus, 'softplus'),
  plainKernel(tf.Atan, 'atan'),
  plainKernel(tf.Sinh, 'sinh'),
  plainKernel(tf.Cosh, 'cosh'),
  plainKernel(tf.Acos, 'acos'),
  plainKernel(tf.Asin, 'asin'),
  plainKernel(tf.Acosh, 'acosh'),
  plainKernel(tf.Asinh, 'asinh'),
  plainKernel(tf.Atanh, 'atanh'),
  complexAbs,
  kindKernel(tf.IsNan, 'nan'),
  kindKernel(tf.IsInf, 'infinite'),
  kindKernel(tf.IsFinite, 'finite'),
  plainPairKernel(tf.Atan2, 'atan2'),
  plainPairKernel(tf.Mod, 'mod', 'mod'),
  pairKernel(tf.FloorDiv, 'int32', {
    float32: (y, a, b, axes) => addon().floorDiv(y, a, b, axes),
    int32: intForm('floorDiv'),
  }),
  pairKernel(tf.BitwiseAnd, 'same', { int32: intForm('bitwiseAnd') }),
  binaryKernel(tf.Add, 'add'),
  binaryKernel(tf.Sub, 'sub'),
  binaryKernel(tf.Multiply, 'mul'),
  binaryKernel(tf.RealDiv, 'div'),
  binaryKernel(tf.Maximum, 'maximum'),
  binaryKernel(tf.Minimum, 'minimum'),
  binaryKernel(tf.SquaredDifference, 'squaredDifference'),
  binaryKernel(tf.Pow, 'pow'),
  comparisonKernel(tf.Equal, 'equal'),
  comparisonKernel(tf.NotEqual, 'notEqual'),
  comparisonKernel(tf.Greater, 'greater'),
  comparisonKernel(tf.GreaterEqual, 'greaterEqual'),
  comparisonKernel(tf.Less, 'less'),
  comparisonKernel(tf.LessEqual, 'lessEqual'),
  logicalKernel(tf.LogicalAnd, 'and'),
  logicalKernel(tf.LogicalOr, 'or'),
  logicalNot,
  // dy where y ≥ 0, dy·(y + 1) below, for y = elu(x)
  pairKernel(tf.EluGrad, 'same', { float32: binaryForm('eluGrad') }, ['dy', 'y']),
  // x where x ≥ 0, alpha·x below
  pairKernel(tf.Prelu, 'same', { float32: binaryForm('prelu') }, ['x', 'alpha']),
  select,
  addN,
];
