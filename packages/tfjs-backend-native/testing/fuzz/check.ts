import * as tf from '@tensorflow/tfjs';
import { hasPoison } from '../../src/block-pool.js';
import {
  type FuzzAnswer,
  type FuzzProgram,
  type FuzzStep,
  type FuzzTensor,
  fromFile,
  seeds,
} from './program.js';

type Values = Float32Array | Int32Array | Uint8Array;

/** Makes a tensor of a file's. */
function tensorOf({ shape, dtype, values }: FuzzTensor): tf.Tensor {
  return tf.tensor(values.map(fromFile), [...shape], dtype);
}

function run(kernel: string, inputs: tf.NamedTensorMap, attrs: FuzzStep['attrs']): tf.Tensor[] {
  const outputs = tf.engine().runKernel(kernel, inputs, { ...attrs } as tf.NamedAttrMap) as
    | tf.Tensor
    | tf.Tensor[];
  return Array.isArray(outputs) ? outputs : [outputs];
}

/** Complex numbers go in and come out as their parts. */
function runComplex(kernel: string, { real, imag }: tf.NamedTensorMap): tf.Tensor[] {
  const x = tf.complex(real as tf.Tensor, imag as tf.Tensor);
  const [y] = run(
    kernel,
    kernel.endsWith('FFT') ? { input: x } : kernel === 'ComplexAbs' ? { x } : { input: x },
    {},
  );
  return kernel.endsWith('FFT') ? [tf.real(y as tf.Tensor), tf.imag(y as tf.Tensor)] : [y as tf.Tensor];
}

function runStep({ kernel, attrs }: FuzzStep, inputs: tf.NamedTensorMap): tf.Tensor[] {
  const [kind, name] = kernel.split(':') as [string, string?];
  if (name === undefined) return run(kernel, inputs, attrs);
  if (kind === 'complex') return runComplex(name, inputs);
  const { splits, values, indices } = inputs as Record<'splits' | 'values' | 'indices', tf.Tensor>;
  const { outputNestedSplits, outputDenseValues } = tf.raggedGather([splits], values, indices, indices.rank);
  return [...outputNestedSplits, outputDenseValues];
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
  return { shape: x.shape, dtype: x.dtype, values: x.dataSync() as Values };
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
function faultOf(got: FuzzRun['outputs'][number], right: FuzzTensor): string | undefined {
  if (`${got.shape}` !== `${right.shape}`) return `shape [${got.shape}], expected [${right.shape}]`;
  if (got.dtype !== right.dtype) return `${got.dtype}, expected ${right.dtype}`;
  if (hasPoison(got.values)) return 'memory that was never written';
  const numbers = right.values.map(fromFile);
  const scale = Math.max(
    0,
    ...numbers.filter((value) => Number.isFinite(value) && Math.abs(value) < 1e20).map(Math.abs),
  );
  for (const [i, b] of numbers.entries()) {
    const a = got.values[i] as number;
    if (Object.is(a, b) || a === b) continue;
    const near = right.dtype === 'float32' && Math.abs(a - b) <= 3e-6 + 1e-5 * scale + 3e-5 * Math.abs(b);
    if (!near || !Number.isFinite(b)) return `[${i}] ${a}, expected ${b}`;
  }
  return undefined;
}

/** What is wrong with a run against a reference's answer, in words. */
export function faultsOf(run: FuzzRun, answer: FuzzAnswer): string[] {
  const faults: string[] = [];
  const { outputs = [], gradients = [] } = answer;
  if (run.outputs.length !== outputs.length)
    faults.push(`${run.outputs.length} outputs, expected ${outputs.length}`);
  for (const [i, right] of outputs.entries()) {
    const got = run.outputs[i];
    const fault = got && faultOf(got, right);
    if (fault) faults.push(`output ${i}: ${fault}`);
  }
  for (const [i, right] of gradients.entries()) {
    const got = run.gradients[i];
    const fault = got && right && faultOf(got, right);
    if (fault) faults.push(`gradient ${i}: ${fault}`);
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
    const ahead = floats.reduce((sum, y, i) => sum + dot(y.values, seeds(y.values.length, dySeed + i)), 0);
    const back = dot(values, (there.gradients[by.indexOf(at)] as FuzzRun['gradients'][number]).values);
    const size = floats.reduce(
      (sum, y, i) => sum + dot(y.values.map(Math.abs), seeds(y.values.length, dySeed + i).map(Math.abs)),
      0,
    );
    if (Math.abs(ahead - back) <= 1e-5 * size + 1e-5) return [];
    return [`leaf ${at}: ⟨A x, dy⟩ is ${ahead}, ⟨x, Aᵀ dy⟩ ${back}`];
  });
}
