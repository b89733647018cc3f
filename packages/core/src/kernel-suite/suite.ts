import * as tf from '@tensorflow/tfjs';
import { KERNELS } from '../kernel-contract/kernels.js';
import type { KernelSpecification, TensorSpecification } from '../kernel-contract/specification.js';
import type { KernelName } from '../kernel-contract/types.js';
import { packedTensor } from '../ops/packed-tensor.js';
import type { PackedValues } from '../packed/packed-values.js';
import { unpack } from '../packed/unpack.js';
import { CASES, EXACT, KERNEL_NAMES, type KernelCase, type Source } from './cases.js';
import { GRADIENT_CASES, type GradientCase } from './gradient-cases.js';
import { REFERENCES } from './references.js';
import { extentsOf, fitsShape } from './shapes.js';

/** The values of a tensor, independent of any backend. */
interface Values {
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
  readonly data: Float32Array | Int32Array;
  /** The values in the form in which a backend with PackedTensor is to have them. */
  readonly packed?: PackedValues;
}

type Inputs = Readonly<Record<string, Values>>;

/**
 * How far a result may be from the reference: |got − expected| ≤ tolerance·max(1, largest
 * expected|).
 */
const TOLERANCE = 2e-5;

/** The backend that computes the references. */
const REFERENCE_BACKEND = 'cpu';

const specificationOf = (name: KernelName): KernelSpecification => KERNELS[name];

/** Different numbers in (−2, 2), the same in every run. */
function sequence(size: number, seed: number): Float32Array {
  let state = Math.imul(seed + 1, 2654435761);
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 30 - 2;
  });
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);

/**
 * Runs on a backend and goes back to the one before. Nothing reads a tensor without waiting for it.
 */
async function onBackend<T>(backend: string, run: () => Promise<T>): Promise<T> {
  await tf.ready();
  const before = tf.getBackend();
  await tf.setBackend(backend);
  try {
    return await run();
  } finally {
    await tf.setBackend(before);
  }
}

/**
 * A tensor on the current backend. Its values begin `offset` elements into a larger tensor, if the
 * backend shares memory.
 */
function upload({ shape, dtype, data }: Values, offset = 0): tf.Tensor {
  if (offset === 0) return tf.tensor(data, [...shape], dtype);
  return tf.tidy(() => {
    const longer = new (data.constructor as Float32ArrayConstructor)(data.length + offset + 3);
    longer.set(data, offset);
    const whole = tf.tensor(longer, [longer.length], dtype);
    return tf.reshape(tf.slice(whole, [offset], [data.length]), [...shape]);
  });
}

async function download(tensor: tf.Tensor): Promise<Values> {
  const data = (await tensor.data()) as Float32Array | Int32Array;
  return { shape: tensor.shape, dtype: tensor.dtype as Values['dtype'], data };
}

/** The outputs of a kernel's reference, and the inputs that it changes. */
async function referenceOf(name: KernelName, inputs: Inputs, attributes: object): Promise<Values[]> {
  return onBackend(REFERENCE_BACKEND, async () => {
    const given = Object.fromEntries(Object.entries(inputs).map(([key, values]) => [key, upload(values)]));
    const run = REFERENCES[name] as (inputs: object, attributes: object) => tf.Tensor[];
    const outputs = tf.tidy(() => run(given, attributes));
    const values = await Promise.all(outputs.map(download));
    tf.dispose([Object.values(given), outputs]);
    return values;
  });
}

async function valuesOf(
  input: string,
  specification: TensorSpecification,
  one: KernelCase,
  before: Inputs,
  seed: number,
): Promise<Values> {
  const source = one.sources?.[input as never] as Source | undefined;
  const { dtype } = specification;
  const shape = extentsOf(one.shapes?.[input] ?? specification.shape, one.sizes, one.ones);
  if (typeof source === 'object' && 'of' in source) {
    const attributes = source.attributes ?? one.attributes;
    const taken = Object.keys(specificationOf(source.of).inputs).filter((key) => key in before);
    const inputs = Object.fromEntries(taken.map((key) => [key, before[key] as Values]));
    return (await referenceOf(source.of, inputs, attributes))[source.output] as Values;
  }
  if (typeof source === 'object' && 'packed' in source) {
    const { packed } = source;
    return { shape: packed.shape, dtype: 'float32', data: unpack(packed), packed };
  }
  if (typeof source === 'object') {
    const data = dtype === 'int32' ? Int32Array.from(source.values) : Float32Array.from(source.values);
    return { shape: source.shape ?? shape ?? [data.length], dtype, data };
  }
  if (shape === undefined) throw new Error(`${input}: the case says no values, and the table no sizes`);
  const data = sequence(sizeOf(shape), seed);
  return { shape, dtype, data: source === 'squares' ? data.map((value) => value * value) : data };
}

/** All inputs of a case. Those that are made from other inputs come last. */
async function inputsOf(name: KernelName, one: KernelCase): Promise<Inputs> {
  const specifications = Object.entries(specificationOf(name).inputs).filter(
    ([input, { optional }]) => !optional || (one.given as readonly string[] | undefined)?.includes(input),
  );
  const derived = ([input]: readonly [string, unknown]) => {
    const source = one.sources?.[input as never] as Source | undefined;
    return typeof source === 'object' && 'of' in source;
  };
  const inOrder = [...specifications.filter((entry) => !derived(entry)), ...specifications.filter(derived)];
  const inputs: Record<string, Values> = {};
  for (const [input, specification] of inOrder) {
    const seed = [...input].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 1009;
    inputs[input] = await valuesOf(input, specification, one, inputs, seed);
  }
  return inputs;
}

/** The first difference in words, or undefined. Infinities must be equal, and NaN equals NaN. */
function difference(got: Values, expected: Values, tolerance: number): string | undefined {
  if (`${got.shape}` !== `${expected.shape}`) return `shape [${got.shape}], expected [${expected.shape}]`;
  if (got.dtype !== expected.dtype) return `dtype ${got.dtype}, expected ${expected.dtype}`;
  let largest = 1;
  for (const value of expected.data) if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  for (const [i, value] of expected.data.entries()) {
    const other = got.data[i] as number;
    if (Object.is(other, value) || other === value) continue;
    if (!(Math.abs(other - value) <= tolerance * largest)) return `[${i}]: ${other}, expected ${value}`;
  }
  return undefined;
}

/**
 * Runs a kernel of the current backend; `offset` is as in `upload`. Returns outputs and changed
 * inputs, and frees everything.
 */
async function play(name: KernelName, inputs: Inputs, attributes: object, offset: number): Promise<Values[]> {
  const { changes } = specificationOf(name);
  const given: Record<string, tf.Tensor> = {};
  for (const [input, values] of Object.entries(inputs)) {
    const tensor = values.packed === undefined ? upload(values, offset) : packedTensor(values.packed);
    // Updates in place take variables, since a tensor's data may be shared.
    given[input] = changes.includes(input) && isUpdate(name) ? tf.variable(tensor) : tensor;
    if (given[input] !== tensor) tensor.dispose();
  }
  let outputs: tf.Tensor[] = [];
  try {
    const made = tf.engine().runKernel(name, given, { ...attributes }) as tf.Tensor | tf.Tensor[];
    outputs = Array.isArray(made) ? made : [made];
    const changed = isUpdate(name)
      ? changes.flatMap((input) => (input in given ? [given[input] as tf.Tensor] : []))
      : [];
    return await Promise.all([...outputs, ...changed].map(download));
  } finally {
    tf.dispose([outputs, Object.values(given)]);
  }
}

/** Whether a kernel returns nothing but what it changes. */
const isUpdate = (name: KernelName) => specificationOf(name).outputs.length === 0;

function shapeProblem(name: KernelName, one: KernelCase, got: readonly Values[]): string | undefined {
  for (const [i, { name: output, shape }] of specificationOf(name).outputs.entries()) {
    const values = got[i];
    if (values !== undefined && !fitsShape(values.shape, shape, one.sizes))
      return `${output} is [${values.shape}], which is not [${shape}]`;
  }
  return undefined;
}

/** The references of cases, which are the same for every backend and CPU target. */
const references = new WeakMap<KernelCase, Promise<{ inputs: Inputs; expected: Values[] }>>();

function prepared(name: KernelName, one: KernelCase): Promise<{ inputs: Inputs; expected: Values[] }> {
  let found = references.get(one);
  if (found === undefined) {
    found = inputsOf(name, one).then(async (inputs) => ({
      inputs,
      expected: await referenceOf(name, inputs, one.attributes),
    }));
    references.set(one, found);
  }
  return found;
}

/**
 * Compares a backend's kernel with its reference on every case: values, shapes, and tensors left
 * behind. Each case runs with inputs that begin a block of memory, and with inputs that begin one
 * to three elements into one. Returns what is wrong, one sentence for each fault. Reads tensors by
 * `data()` alone. `every` leaves out all cases but each `every`-th, for a backend that is slow.
 */
export async function checkValues(backend: string, name: KernelName, every = 1): Promise<string[]> {
  const problems: string[] = [];
  const tolerance = EXACT.has(name) ? 0 : TOLERANCE;
  for (const [i, one] of (CASES[name] as readonly KernelCase[]).entries()) {
    if (i % every !== every - 1 && i > 0) continue;
    const { inputs, expected } = await prepared(name, one);
    for (const offset of [0, 1 + (i % 3)]) {
      const where = `${name} (${one.name})${offset > 0 ? ', not aligned' : ''}`;
      const problem = await onBackend(backend, async () => {
        const before = tf.memory().numTensors;
        try {
          const got = await play(name, inputs, one.attributes, offset);
          if (got.length !== expected.length) return `${got.length} tensors, expected ${expected.length}`;
          const left = tf.memory().numTensors - before;
          if (left !== 0) return `${left} tensors are left behind`;
          const differences = expected.map((values, output) => {
            const found = difference(got[output] as Values, values, tolerance);
            return found && `output ${output}: ${found}`;
          });
          return shapeProblem(name, one, got) ?? differences.find((found) => found !== undefined);
        } catch (error) {
          return `threw: ${(error as Error).message}`;
        }
      });
      if (problem !== undefined) problems.push(`${where}: ${problem}`);
    }
  }
  return problems;
}

/** A call of a kernel that is wrong in one place. */
interface WrongCall {
  readonly how: string;
  readonly inputs: Inputs;
  readonly attributes: object;
}

const zeros = (shape: readonly number[], dtype: Values['dtype']): Values => ({
  shape,
  dtype,
  data: dtype === 'int32' ? new Int32Array(sizeOf(shape)) : new Float32Array(sizeOf(shape)),
});

/**
 * The wrong forms of a case that follow from the table: dtypes, extents that stand in several
 * inputs, missing inputs, and names and sizes among the attributes.
 */
function wrongCalls(name: KernelName, inputs: Inputs, attributes: object): WrongCall[] {
  const calls: WrongCall[] = [];
  const { inputs: specifications, attributes: settings } = specificationOf(name);
  // An extent that may be 1 is bound to nothing.
  const parts = (shape: string) => shape.split(', ').map((part) => (part.startsWith('1|') ? '*' : part));
  const uses = (letter: string) =>
    Object.entries(specifications).filter(
      ([input, { shape }]) => input in inputs && parts(shape).includes(letter),
    ).length;
  for (const [input, values] of Object.entries(inputs)) {
    const change = (how: string, instead: Values | undefined) => {
      const { [input]: _, ...others } = inputs;
      calls.push({
        how,
        inputs: instead === undefined ? others : { ...others, [input]: instead },
        attributes,
      });
    };
    const { dtype, shape, optional } = specifications[input] as TensorSpecification;
    const other = dtype === 'int32' ? 'float32' : 'int32';
    change(`${input} as ${other}`, zeros(values.shape, other));
    if (!optional) change(`no ${input}`, undefined);
    const letters = parts(shape);
    const axes = letters.includes('..') ? [] : letters;
    if (letters.includes('..') && uses('..') > 1)
      change(`${input} with an axis more`, zeros([2, ...values.shape], dtype));
    if (axes.length > 0 && shape !== '')
      change(`${input} with an axis more`, zeros([...values.shape, 1], dtype));
    for (const [axis, letter] of axes.entries()) {
      // A letter that stands only once is free.
      const isFixed = /^\d+$/.test(letter) || (/^\w+$/.test(letter) && uses(letter) > 1);
      if (!isFixed) continue;
      const extents = values.shape.map((extent, i) => (i === axis ? extent + 1 : extent));
      change(`${input} with ${extents[axis]} for ${letter}`, zeros(extents, dtype));
    }
  }
  for (const [attribute, { letter, about }] of Object.entries(settings)) {
    if (!(attribute in attributes)) continue;
    const change = (value: unknown) =>
      calls.push({
        how: `${attribute} = ${value}`,
        inputs,
        attributes: { ...attributes, [attribute]: value },
      });
    if (letter !== undefined) for (const value of [-1, 1.5]) change(value);
    const given = (attributes as Record<string, unknown>)[attribute];
    if (about.includes(', ') && about.split(', ').includes(given as string)) change('no such name');
    if (given instanceof Uint8Array || given instanceof Uint16Array)
      calls.push({
        how: `${attribute} with an element less`,
        inputs,
        attributes: { ...attributes, [attribute]: given.subarray(1) },
      });
  }
  return calls;
}

/**
 * Calls a backend's kernel wrongly in every way that follows from the table. Returns the calls that
 * it did not refuse, or that left tensors behind. A refusal is an error, thrown at once or when the
 * result is read.
 */
export async function checkRefusals(backend: string, name: KernelName): Promise<string[]> {
  const problems: string[] = [];
  const cases = CASES[name] as readonly KernelCase[];
  // The case has pairwise different sizes and as many inputs as possible.
  const most = Math.max(...cases.map(({ given }) => given?.length ?? 0));
  const one = cases.find(
    ({ given, sizes }) =>
      (given?.length ?? 0) === most &&
      Object.values(sizes)
        .flat()
        .every((size) => size > 1),
  ) as KernelCase;
  const { inputs } = await prepared(name, one);
  for (const call of wrongCalls(name, inputs, one.attributes)) {
    await onBackend(backend, async () => {
      const before = tf.memory().numTensors;
      try {
        await play(name, call.inputs, call.attributes, 0);
        problems.push(`${name} (${one.name}) did not refuse ${call.how}`);
      } catch {
        const left = tf.memory().numTensors - before;
        if (left !== 0) problems.push(`${name} left ${left} tensors when it refused ${call.how}`);
      }
    });
  }
  return problems;
}

/** The gradients of Σ operation·weights with respect to the operation's inputs. */
async function gradientsOf(one: GradientCase, inputs: readonly Values[], plain: boolean): Promise<Values[]> {
  const tensors = inputs.map((values) => upload(values));
  const gradients = tf.tidy(() => {
    const run = plain ? one.plain : one.fused;
    const weighted = (...xs: tf.Tensor[]): tf.Tensor => {
      const y = run(...xs);
      return tf.sum(tf.mul(y, tf.tensor(sequence(y.size, 5), y.shape)));
    };
    return tf.grads(weighted)(tensors);
  });
  const values = await Promise.all(gradients.map(download));
  tf.dispose([tensors, gradients]);
  return values;
}

/** The gradients of cases by their plain forms, which are the same for every backend and CPU target. */
const plainGradients = new WeakMap<GradientCase, Promise<Values[]>>();

function plainGradientsOf(one: GradientCase, inputs: readonly Values[]): Promise<Values[]> {
  let found = plainGradients.get(one);
  if (found === undefined) {
    found = onBackend(REFERENCE_BACKEND, () => gradientsOf(one, inputs, true));
    plainGradients.set(one, found);
  }
  return found;
}

/**
 * Compares the gradients of every fused operation with those of its plain form. Returns what is
 * wrong.
 */
export async function checkGradients(backend: string): Promise<string[]> {
  const problems: string[] = [];
  for (const one of GRADIENT_CASES) {
    const inputs = one.shapes.map(
      (shape, i): Values => ({ shape, dtype: 'float32', data: sequence(sizeOf(shape), i + 11) }),
    );
    const expected = await plainGradientsOf(one, inputs);
    const got = await onBackend(backend, () => gradientsOf(one, inputs, false));
    for (const [i, values] of expected.entries()) {
      const found = difference(got[i] as Values, values, TOLERANCE);
      if (found !== undefined) problems.push(`gradient of ${one.name} by input ${i}: ${found}`);
    }
  }
  return problems;
}

/** Kernels of a backend that lack another kernel which they need: see `needs` of the table. */
export function lackingKernels(backend: string): string[] {
  const has = (name: string) => tf.getKernel(name, backend) !== undefined;
  return KERNEL_NAMES.filter(has).flatMap((name) =>
    specificationOf(name)
      .needs.filter((needed) => !has(needed))
      .map((needed) => `${backend} has ${name}, which needs ${needed}`),
  );
}

/** The kernels of the contract that a backend has registered. */
export function kernelsOf(backend: string): KernelName[] {
  return KERNEL_NAMES.filter((name) => tf.getKernel(name, backend) !== undefined);
}

/**
 * Runs the whole contract suite on a backend. Returns what is wrong, one sentence for each fault;
 * none if the backend keeps the contract.
 */
export async function checkBackend(backend: string): Promise<string[]> {
  const problems = lackingKernels(backend);
  for (const name of kernelsOf(backend))
    problems.push(...(await checkValues(backend, name)), ...(await checkRefusals(backend, name)));
  return [...problems, ...(await checkGradients(backend))];
}
