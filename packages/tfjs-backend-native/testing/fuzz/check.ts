import * as tf from '@tensorflow/tfjs';
import { hasPoison } from '../../src/block-pool.js';
import {
  direction,
  type FuzzAnswer,
  type FuzzProgram,
  type FuzzStep,
  type FuzzTensor,
  fromFile,
  seeds,
} from './program.js';

type Values = Float32Array | Int32Array | Uint8Array | readonly string[];

/** Makes a tensor of a file's. */
function tensorOf({ shape, dtype, values }: FuzzTensor): tf.Tensor {
  if (dtype === 'string') return tf.tensor(values as string[], [...shape], dtype);
  return tf.tensor(values.map(fromFile), [...shape], dtype);
}

function run(kernel: string, inputs: tf.NamedTensorMap, attrs: FuzzStep['attrs']): tf.Tensor[] {
  const outputs = tf.engine().runKernel(kernel, inputs, { ...attrs } as tf.NamedAttrMap) as
    | tf.Tensor
    | tf.Tensor[];
  return Array.isArray(outputs) ? outputs : [outputs];
}

/** Names of the complex inputs of kernels that don't call theirs `x`. */
const COMPLEX_INPUTS: Readonly<Record<string, readonly string[]>> = {
  FFT: ['input'],
  IFFT: ['input'],
  Real: ['input'],
  Imag: ['input'],
  ExpandDims: ['input'],
  Add: ['a', 'b'],
  Sub: ['a', 'b'],
  Multiply: ['a', 'b'],
};

/** Complex numbers go in and come out as their parts: two leaves a number, real ones first. */
function runComplex(kernel: string, parts: tf.NamedTensorMap, attrs: FuzzStep['attrs']): tf.Tensor[] {
  const leaves = Object.values(parts) as tf.Tensor[];
  const numbers = leaves.flatMap((real, i) =>
    i % 2 === 0 ? [tf.complex(real, leaves[i + 1] as tf.Tensor)] : [],
  );
  const names = COMPLEX_INPUTS[kernel] ?? ['x'];
  const isList = kernel === 'Concat' || kernel === 'Pack';
  const inputs = isList ? numbers : Object.fromEntries(names.map((name, i) => [name, numbers[i]]));
  const [y] = run(kernel, inputs as tf.NamedTensorMap, attrs) as [tf.Tensor];
  return y.dtype === 'complex64' ? [tf.real(y), tf.imag(y)] : [y];
}

/** How often each number is drawn, a share of all draws: [B, classes]. */
function frequencies(inputs: tf.NamedTensorMap, attrs: FuzzStep['attrs']): tf.Tensor[] {
  const [draws] = run('Multinomial', inputs, attrs) as [tf.Tensor2D];
  const [, classes] = (inputs.logits as tf.Tensor2D).shape;
  return [tf.mean(tf.oneHot(draws, classes), 1)];
}

/** tfjs's operations around kernels that take lists, or whose gradients the operation holds. */
const operations: Readonly<
  Record<string, (inputs: Record<string, tf.Tensor>, attrs: Record<string, unknown>) => tf.Tensor[]>
> = {
  'ragged:Gather': ({ splits, values, indices }) => {
    const at = indices as tf.Tensor;
    const gathered = tf.raggedGather([splits as tf.Tensor], values as tf.Tensor, at, at.rank);
    return [...gathered.outputNestedSplits, gathered.outputDenseValues];
  },
  'ragged:ToTensor': ({ shape, values, defaultValue, ...partitions }, { types }) => [
    tf.raggedTensorToTensor(
      shape as tf.Tensor,
      values as tf.Tensor,
      defaultValue as tf.Tensor,
      Object.values(partitions),
      types as string[],
    ),
  ],
  'fused:matMul': (inputs, attrs) => [tf.fused.matMul({ ...inputs, ...attrs } as never)],
  'fused:conv2d': (inputs, attrs) => [tf.fused.conv2d({ ...inputs, ...attrs } as never)],
  'fused:depthwiseConv2d': (inputs, attrs) => [tf.fused.depthwiseConv2d({ ...inputs, ...attrs } as never)],
};

function runStep({ kernel, attrs }: FuzzStep, inputs: tf.NamedTensorMap): tf.Tensor[] {
  const [kind, name] = kernel.split(':') as [string, string?];
  if (name === undefined) return run(kernel, inputs, attrs);
  if (kind === 'complex') return runComplex(name, inputs, attrs);
  if (kind === 'shares') return frequencies(inputs, attrs);
  const operation = operations[kernel];
  if (operation === undefined) throw new Error(`there is no operation ${kernel}`);
  return operation(inputs as Record<string, tf.Tensor>, attrs);
}

/** All outputs of a program's last step. */
function runProgram({ steps }: FuzzProgram, leaves: readonly tf.Tensor[]): tf.Tensor[] {
  const places = [...leaves];
  let outputs: tf.Tensor[] = [];
  for (const step of steps) {
    const names = Object.entries(step.inputs) as [string, number][];
    const inputs = names.map(([name, at]) => [name, places[at]]);
    const named = Array.isArray(step.inputs) ? inputs.map(([, x]) => x) : Object.fromEntries(inputs);
    outputs = runStep(step, named as tf.NamedTensorMap);
    places.push(outputs[0] as tf.Tensor);
  }
  return outputs;
}

/** Σ over outputs of ⟨y, dy⟩, which has the gradients that dy gives. */
function weighted(outputs: readonly tf.Tensor[], seed: number): tf.Scalar {
  const floats = outputs.filter((y) => y.dtype === 'float32');
  const terms = floats.map((y, i) =>
    tf.sum(tf.mul(y, tf.tensor(seeds(y.size, seed + i), y.shape, 'float32'))),
  );
  return (terms.length === 1 ? terms[0] : tf.addN(terms as tf.Tensor[])) as tf.Scalar;
}

/** What the backend in use makes of a program. Throws what a kernel throws. */
export interface FuzzRun {
  readonly outputs: readonly { shape: readonly number[]; dtype: string; values: Values }[];
  readonly gradients: readonly { shape: readonly number[]; dtype: string; values: Values }[];
}

function read(x: tf.Tensor): FuzzRun['outputs'][number] {
  if (x.dtype !== 'string') return { shape: x.shape, dtype: x.dtype, values: x.dataSync() as Values };
  const bytes = tf.engine().readSync(x.dataId) as unknown as Uint8Array[];
  return { shape: x.shape, dtype: x.dtype, values: bytes.map((text) => String.fromCharCode(...text)) };
}

/** Runs a program, and its gradients if it asks for them, and disposes of everything. */
export function runFuzz(program: FuzzProgram): FuzzRun {
  const before = tf.memory().numTensors;
  const leaves = program.leaves.map(tensorOf);
  try {
    const result = tf.tidy((() => {
      const outputs = runProgram(program, leaves).map(read);
      const { dySeed, by = [] } = program;
      if (dySeed === undefined) return { outputs, gradients: [] };
      const value = (...some: tf.Tensor[]): tf.Scalar => {
        const all = [...leaves];
        for (const [i, at] of by.entries()) all[at] = some[i] as tf.Tensor;
        return weighted(runProgram(program, all), dySeed);
      };
      const gradients = tf.grads(value)(by.map((at) => leaves[at] as tf.Tensor));
      return { outputs, gradients: gradients.map(read) };
    }) as unknown as () => tf.Tensor) as unknown as FuzzRun;
    const left = tf.memory().numTensors - before - leaves.length;
    if (left !== 0) throw new Error(`${left} tensors leaked`);
    return result;
  } finally {
    tf.dispose(leaves);
  }
}

/** The first fault of a tensor against the right one, in words. */
function faultOf(got: FuzzRun['outputs'][number], right: FuzzTensor, absolute = 0): string | undefined {
  if (`${got.shape}` !== `${right.shape}`) return `shape [${got.shape}], expected [${right.shape}]`;
  if (got.dtype !== right.dtype) return `${got.dtype}, expected ${right.dtype}`;
  if (right.dtype === 'string') {
    const at = right.values.findIndex((text, i) => text !== got.values[i]);
    return at < 0
      ? undefined
      : `[${at}] ${JSON.stringify(got.values[at])}, expected ${JSON.stringify(right.values[at])}`;
  }
  if (hasPoison(got.values as Float32Array)) return 'memory that was never written';
  const numbers = right.values.map(fromFile);
  const scale = Math.max(
    0,
    ...numbers.filter((value) => Number.isFinite(value) && Math.abs(value) < 1e20).map(Math.abs),
  );
  for (const [i, b] of numbers.entries()) {
    const a = got.values[i] as number;
    if (Object.is(a, b) || a === b) continue;
    const room = absolute + 3e-6 + 1e-5 * scale + 3e-5 * Math.abs(b);
    const near = right.dtype === 'float32' && Math.abs(a - b) <= room;
    if (!near || !Number.isFinite(b)) return `[${i}] ${a}, expected ${b}`;
  }
  return undefined;
}

/** What is wrong with a run against a reference's answer, in words. */
export function faultsOf(program: FuzzProgram, run: FuzzRun, answer: FuzzAnswer): string[] {
  const faults: string[] = [];
  const { outputs = [], gradients = [], slopes = [] } = answer;
  if (run.outputs.length !== outputs.length)
    faults.push(`${run.outputs.length} outputs, expected ${outputs.length}`);
  for (const [i, right] of outputs.entries()) {
    const got = run.outputs[i];
    const fault = got && faultOf(got, right, program.absolute);
    if (fault) faults.push(`output ${i}: ${fault}`);
  }
  for (const [i, right] of gradients.entries()) {
    const got = run.gradients[i];
    const fault = got && right && faultOf(got, right);
    if (fault) faults.push(`gradient ${i}: ${fault}`);
  }
  for (const [i, slope] of slopes.entries()) {
    const got = (run.gradients[i] as FuzzRun['gradients'][number]).values as Float32Array;
    const way = direction(got.length, program.dySeed as number);
    const size = dot(got.map(Math.abs), way.map(Math.abs));
    if (slope !== null && !(Math.abs(dot(got, way) - slope) <= 1e-4 * size + 1e-4))
      faults.push(`gradient ${i}: along its direction ${dot(got, way)}, finite differences give ${slope}`);
  }
  return faults;
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
};

/**
 * What is wrong by the adjoint identity ⟨A x, dy⟩ = ⟨x, Aᵀ dy⟩, for each leaf that a program is
 * linear in: x is drawn anew, A x is what the program makes of it, Aᵀ dy is the gradient.
 */
export function adjointFaults(program: FuzzProgram): string[] {
  const { dySeed, linear = [], by = [] } = program;
  if (dySeed === undefined) return [];
  return linear.flatMap((at) => {
    const leaf = program.leaves[at] as FuzzTensor;
    const values = seeds(leaf.values.length, dySeed + 77);
    const leaves = program.leaves.map((other, i) => (i === at ? { ...leaf, values } : other));
    const there = runFuzz({ ...program, leaves });
    const floats = there.outputs.filter((y) => y.dtype === 'float32');
    const ahead = floats.reduce(
      (sum, y, i) => sum + dot(y.values as Float32Array, seeds(y.values.length, dySeed + i)),
      0,
    );
    const back = dot(values, there.gradients[by.indexOf(at)]?.values as Float32Array);
    const size = floats.reduce(
      (sum, y, i) =>
        sum + dot((y.values as Float32Array).map(Math.abs), seeds(y.values.length, dySeed + i).map(Math.abs)),
      0,
    );
    if (Math.abs(ahead - back) <= 1e-5 * size + 1e-5) return [];
    return [`leaf ${at}: ⟨A x, dy⟩ is ${ahead}, ⟨x, Aᵀ dy⟩ ${back}`];
  });
}
