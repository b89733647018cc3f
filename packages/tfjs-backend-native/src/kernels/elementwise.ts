import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { planBroadcast } from './broadcast.js';
import { type NativeKernel, nativeKernel, runOnCpu } from './kernel.js';

/** The addon's unary operations; the index is its number. */
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
] as const;
export type UnaryOp = (typeof UNARY_OPS)[number];

/** The addon's binary operations on float32; the index is its number. The gradients take dy and x. */
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
] as const;
export type BinaryOp = (typeof BINARY_OPS)[number];

/** The addon's binary operations on int32; the index is its number. */
const INT_OPS: readonly BinaryOp[] = ['add', 'sub', 'mul', 'maximum', 'minimum'];

type Parameters = readonly [p: number, q: number];

/** y = f(x), same shape; other dtypes than float32 go to the cpu kernel of the name. */
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

/** y = f(a, b) with broadcasting; float32, and int32 where the addon has it; other dtypes go to the cpu kernel of the name. */
export function binaryKernel(kernelName: string, op: BinaryOp): NativeKernel {
  const number = BINARY_OPS.indexOf(op);
  const intNumber = INT_OPS.indexOf(op);
  return nativeKernel(kernelName, (args) => {
    const { backend } = args;
    const { a, b } = args.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    const isFloat = a.dtype === 'float32' && b.dtype === 'float32';
    const isInt = a.dtype === 'int32' && b.dtype === 'int32' && intNumber >= 0;
    const plan = isFloat || isInt ? planBroadcast(a.shape, b.shape) : undefined;
    if (plan === undefined) return runOnCpu(kernelName, args);
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

/** y = a ⋛ b as bool, with broadcasting; float32 and int32, else the cpu kernel. `number` is the addon's (see elementwise.h). */
function comparisonKernel(kernelName: string, number: number): NativeKernel {
  return nativeKernel(kernelName, (args) => {
    const { backend } = args;
    const { a, b } = args.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    const isNative = a.dtype === b.dtype && (a.dtype === 'float32' || a.dtype === 'int32');
    const plan = isNative ? planBroadcast(a.shape, b.shape) : undefined;
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

/** condition ? t : e, elementwise; all of one shape and t, e float32, else the cpu kernel. */
const select = nativeKernel(tf.Select, (args) => {
  const { backend } = args;
  const { condition, t, e } = args.inputs as Record<'condition' | 't' | 'e', tf.TensorInfo>;
  const isNative = condition.dtype === 'bool' && t.dtype === 'float32' && e.dtype === 'float32';
  if (!isNative || !tf.util.arraysEqual(condition.shape, t.shape)) return runOnCpu(tf.Select, args);
  const y = backend.allocate(t.shape, 'float32');
  addon().selectFloat(y.values, backend.bool(condition), backend.float32(t), backend.float32(e));
  return y.info;
});

/** Sum of tensors of one shape. */
const addN = nativeKernel(tf.AddN, (args) => {
  const { backend } = args;
  const terms = Object.values(args.inputs) as tf.TensorInfo[];
  const [first, second] = terms;
  if (first === undefined || second === undefined || terms.some((term) => term.dtype !== 'float32'))
    return runOnCpu(tf.AddN, args);
  const y = backend.allocate(first.shape, 'float32');
  if (y.values.length === 0) return y.info;
  const plan = planBroadcast(first.shape, first.shape);
  const axes = (plan as NonNullable<typeof plan>).axes;
  const add = BINARY_OPS.indexOf('add');
  addon().binary(add, y.values, backend.float32(first), backend.float32(second), axes);
  for (const term of terms.slice(2)) addon().binary(add, y.values, y.values, backend.float32(term), axes);
  return y.info;
});

/** Elementwise kernels: tfjs's own, and Gelu, Silu and their gradients. */
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
  binaryKernel(tf.Add, 'add'),
  binaryKernel(tf.Sub, 'sub'),
  binaryKernel(tf.Multiply, 'mul'),
  binaryKernel(tf.RealDiv, 'div'),
  binaryKernel(tf.Maximum, 'maximum'),
  binaryKernel(tf.Minimum, 'minimum'),
  binaryKernel(tf.SquaredDifference, 'squaredDifference'),
  binaryKernel(tf.Pow, 'pow'),
  comparisonKernel(tf.Equal, 0),
  comparisonKernel(tf.NotEqual, 1),
  comparisonKernel(tf.Greater, 2),
  comparisonKernel(tf.GreaterEqual, 3),
  comparisonKernel(tf.Less, 4),
  comparisonKernel(tf.LessEqual, 5),
  select,
  addN,
];
