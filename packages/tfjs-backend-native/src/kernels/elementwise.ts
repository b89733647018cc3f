import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import {
  BINARY_OPS,
  type BinaryOp,
  COMPARISONS,
  INT_OPS,
  LOGICAL_OPS,
  PLAIN_OPS,
  UNARY_OPS,
  type UnaryOp,
} from '../addon-numbers.js';
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

/**
 * y = f(a, b) with broadcasting, for float32, and for int32 where the addon has the operation.
 * Other dtypes go to the cpu kernel of that name.
 */
export function binaryKernel(kernelName: string, op: BinaryOp): NativeKernel {
  const number = BINARY_OPS.indexOf(op);
  const intNumber = (INT_OPS as readonly string[]).indexOf(op);
  return nativeKernel(kernelName, (args) => {
    const { backend } = args;
    const { a, b } = args.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    const isFloat = a.dtype === 'float32' && b.dtype === 'float32';
    const isInt = a.dtype === 'int32' && b.dtype === 'int32' && intNumber >= 0;
    const plan = isFloat || isInt ? planPair(a.shape, b.shape) : undefined;
    if (plan === undefined)
      return runOnCpu(kernelName, a.dtype === 'complex64' ? withEqualRanks(args) : args);
    if (isFloat) {
      const y = backend.allocate(plan.shape, 'float32');
      if (y.values.length > 0)
        addon().binary(number, y.values, backend.float32(a), backend.float32(b), plan.axes);
      return y.info;
    }
    const y = backend.allocate(plan.shape, 'int32');
    if (y.values.length > 0)
      addon().binaryInt(intNumber, y.values, backend.int32(a), backend.int32(b), plan.axes);
    return y.info;
  });
}

/**
 * y = a ⋛ b as bool, with broadcasting, for float32 and int32. Other dtypes go to the cpu kernel.
 */
function comparisonKernel(kernelName: string, op: (typeof COMPARISONS)[number]): NativeKernel {
  const number = COMPARISONS.indexOf(op);
  return nativeKernel(kernelName, (args) => {
    const { backend } = args;
    const { a, b } = args.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    const isNative = a.dtype === b.dtype && (a.dtype === 'float32' || a.dtype === 'int32');
    const plan = isNative ? planPair(a.shape, b.shape) : undefined;
    if (plan === undefined) return runOnCpu(kernelName, args);
    const y = backend.allocate(plan.shape, 'bool');
    if (y.values.length > 0) {
      if (a.dtype === 'float32')
        addon().compareFloat(number, y.values, backend.float32(a), backend.float32(b), plan.axes);
      else addon().compareInt(number, y.values, backend.int32(a), backend.int32(b), plan.axes);
    }
    return y.info;
  });
}

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
  return nativeKernel(kernelName, (args) => {
    const { backend } = args;
    const { a, b } = args.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    const isBool = a.dtype === 'bool' && b.dtype === 'bool';
    const plan = isBool ? planPair(a.shape, b.shape) : undefined;
    if (plan === undefined) return runOnCpu(kernelName, args);
    const y = backend.allocate(plan.shape, 'bool');
    if (y.values.length > 0) addon().logical(number, y.values, backend.bool(a), backend.bool(b), plan.axes);
    return y.info;
  });
}

const logicalNot = nativeKernel(tf.LogicalNot, (args) => {
  const { backend } = args;
  const { x } = args.inputs as { x: tf.TensorInfo };
  if (x.dtype !== 'bool') return runOnCpu(tf.LogicalNot, args);
  const y = backend.allocate(x.shape, 'bool');
  addon().logicalNot(y.values, backend.bool(x));
  return y.info;
});

/** dy where y ≥ 0, dy·(y + 1) below, for y = elu(x). */
const eluGrad = nativeKernel(tf.EluGrad, (args) => {
  const { backend } = args;
  const { dy, y } = args.inputs as { dy: tf.TensorInfo; y: tf.TensorInfo };
  const isFloat = dy.dtype === 'float32' && y.dtype === 'float32';
  const plan = isFloat ? planPair(dy.shape, y.shape) : undefined;
  if (plan === undefined) return runOnCpu(tf.EluGrad, args);
  const dx = backend.allocate(plan.shape, 'float32');
  if (dx.values.length > 0)
    addon().binary(
      BINARY_OPS.indexOf('eluGrad'),
      dx.values,
      backend.float32(dy),
      backend.float32(y),
      plan.axes,
    );
  return dx.info;
});

/** x where x ≥ 0, alpha·x below, with broadcasting. */
const prelu = nativeKernel(tf.Prelu, (args) => {
  const { backend } = args;
  const { x, alpha } = args.inputs as { x: tf.TensorInfo; alpha: tf.TensorInfo };
  const isFloat = x.dtype === 'float32' && alpha.dtype === 'float32';
  const plan = isFloat ? planPair(x.shape, alpha.shape) : undefined;
  if (plan === undefined) return runOnCpu(tf.Prelu, args);
  const y = backend.allocate(plan.shape, 'float32');
  if (y.values.length > 0)
    addon().binary(
      BINARY_OPS.indexOf('prelu'),
      y.values,
      backend.float32(x),
      backend.float32(alpha),
      plan.axes,
    );
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
  eluGrad,
  prelu,
  select,
  addN,
];
