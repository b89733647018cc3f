import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { deserialize, type TensorView, toFloat32 } from 'safetensors-ts';
import { describeNative } from '../testing/backends.js';
import type { Optimizer } from './optimizer.js';
import { unpackBytes } from './quantized.js';
import { DistributedShampoo, type GraftType } from './shampoo.js';
import { shampooBlocks } from './shampoo-blocks.js';

/** Settings as the original's trainer and these recordings name them. */
interface Flags {
  readonly beta2?: number;
  readonly block_size?: number;
  readonly preconditioning_compute_steps?: number;
  readonly skip_preconditioning_dim_size_gt?: number;
  readonly graft_type?: GraftType;
  readonly nesterov?: boolean;
  readonly weight_decay?: number;
  readonly optim_quantized?: boolean;
}
interface Overrides {
  readonly start_preconditioning_step?: number;
  readonly merge_small_dims_block_size?: number;
  readonly inverse_failure_threshold?: number;
}

/** One variable of a run: a recorded tensor, or one layer of it. */
interface Parameter {
  readonly name: string;
  readonly source: string;
  readonly layer: number | undefined;
}

/** A recorded run: see reference/golden/optimizers. */
class Run {
  readonly steps: number[];
  readonly rates: number[];
  readonly flags: Flags;
  readonly overrides: Overrides;
  readonly parameters: Parameter[];
  readonly #tensors: ReadonlyMap<string, TensorView>;

  constructor(name: string) {
    const file = new URL(`../../../../reference/golden/optimizers/${name}.safetensors`, import.meta.url);
    const { header, tensors } = deserialize(new Uint8Array(readFileSync(file)));
    const json = (key: string) => JSON.parse(header.metadata.get(key) ?? '{}');
    this.#tensors = tensors;
    this.steps = json('steps');
    this.rates = json('learning_rates');
    this.flags = json('train_flags');
    this.overrides = json('overrides');
    this.parameters = [...tensors].flatMap(([key, { shape }]) => {
      if (!key.startsWith('params/')) return [];
      const source = key.slice('params/'.length);
      if (!source.includes('Layers')) return [{ name: source, source, layer: undefined }];
      return Array.from({ length: shape[1] as number }, (_, layer) => ({
        name: `${source}.${layer}`,
        source,
        layer,
      }));
    });
  }

  has(key: string): boolean {
    return this.#tensors.has(key);
  }

  /** Values at one step, and of one layer of a stacked tensor. */
  at(key: string, index: number, layer: number | undefined): { shape: number[]; values: Float32Array } {
    const view = this.#tensors.get(key);
    if (view === undefined) throw new Error(`the recording has no ${key}`);
    const shape = view.shape.slice(layer === undefined ? 1 : 2);
    const size = shape.reduce((product, extent) => product * extent, 1);
    const layers = layer === undefined ? 1 : (view.shape[1] as number);
    const begin = (index * layers + (layer ?? 0)) * size;
    return { shape, values: floats(view).slice(begin, begin + size) };
  }

  make(): DistributedShampoo {
    const { flags, overrides } = this;
    return new DistributedShampoo({
      schedule: (step) => this.rates[step] as number,
      beta2: flags.beta2 as number,
      blockSize: flags.block_size as number,
      preconditioningComputeSteps: flags.preconditioning_compute_steps as number,
      ...(flags.skip_preconditioning_dim_size_gt !== undefined && {
        skipPreconditioningDimSizeGt: flags.skip_preconditioning_dim_size_gt,
      }),
      ...(flags.graft_type && { graftType: flags.graft_type }),
      ...(flags.nesterov && { nesterov: true }),
      ...(flags.optim_quantized && { quantized: true }),
      weightDecay: flags.weight_decay ?? 0,
      ...(overrides.start_preconditioning_step !== undefined && {
        startPreconditioningStep: overrides.start_preconditioning_step,
      }),
      ...(overrides.merge_small_dims_block_size !== undefined && {
        mergeSmallDimsBlockSize: overrides.merge_small_dims_block_size,
      }),
      ...(overrides.inverse_failure_threshold !== undefined && {
        inverseFailureThreshold: overrides.inverse_failure_threshold,
      }),
      groupOf,
    });
  }
}

const groupOf = (name: string): string => (name.includes('EncoderLayers') ? 'scanned_encoder' : 'standard');

function floats(view: TensorView): Float32Array {
  if (view.dtype === 'F32') return toFloat32(view);
  return Float32Array.from(new Int8Array(view.data.buffer, view.data.byteOffset, view.data.byteLength));
}

function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((expected[i] as number) - (actual[i] as number));
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  const difference = largestDifference(actual, expected);
  if (!(difference <= tolerance)) throw new Error(`${what}: off by ${difference}, allowed ${tolerance}`);
}

const largestOf = (values: Float32Array): number =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-20);

/**
 * Largest differences, as shares of a tensor's largest value. The preconditioned momentum is that noisy in float32: the first statistic of a
 * block is its gradient's own product, nearly singular, and one last digit of it moves the root by 1e-3 (the original's formulas in NumPy,
 * float32, are 1.2e-3 from the recording too, their parameters up to 6e-3, and in float64 they are as far). The grafted momentum and the
 * statistics know nothing of roots.
 */
const NOISE = { S: 1e-5, A: 1e-5, D: 1e-4, M: 2e-2 };

/** Statistics and momenta as recorded; P shows in M and in the parameters. */
function compareState(run: Run, optimizer: Optimizer, index: number): void {
  const state = optimizer.state();
  /** Where each group's statistics begin in the recorded list, which has the parameters in alphabetical order. */
  const places = new Map<string, number>();
  for (const { name, source, layer } of [...run.parameters].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const group = groupOf(name);
    const key = (path: string): string => `state/${group}/stats/local_stats/${source}/${path}`;
    const recorded = (path: string) => run.at(key(path), index, layer);
    const squares = state.get(`A.${name}`);
    if (squares !== undefined) {
      const { values } = recorded('diagonal_statistics/quantized');
      expectClose(`${name} squares`, squares.dataSync(), values, NOISE.A * largestOf(values));
    }
    for (const [ours, theirs] of [
      ['M', 'momentum'],
      ['D', 'diagonal_momentum'],
    ] as const) {
      const { shape, values } = recorded(`${theirs}/quantized`);
      const packed = state.get(`${ours}.bytes.${name}`);
      if (packed === undefined) {
        const momentum = (state.get(`${ours}.${name}`) as tf.Tensor).dataSync();
        expectClose(
          `${name} ${theirs} after record ${index}`,
          momentum,
          values,
          NOISE[ours] * largestOf(values),
        );
      } else {
        const buckets = recorded(`${theirs}/bucket_size`).values;
        const bytes = tf.tidy(() => unpackBytes(packed as tf.Tensor1D, shape).dataSync());
        expectClose(`${name} ${theirs} bytes after record ${index}`, bytes, values, ours === 'M' ? 3 : 1);
        const ourBuckets = (state.get(`${ours}.bucket.${name}`) as tf.Tensor).dataSync();
        const bucketNoise = Math.max(NOISE[ours], 1e-3); // an old value may have been rounded the other way
        expectClose(`${name} ${theirs} buckets`, ourBuckets, buckets, bucketNoise * largestOf(buckets));
      }
    }
    const counter = layer === undefined ? group : `${group}.${layer}`;
    let place = places.get(counter) ?? 0;
    for (let i = 0; state.has(`S${i}.${name}`); i++, place++) {
      const ours = state.get(`S${i}.${name}`) as tf.Tensor2D;
      const n = ours.shape[0];
      const all = run.at(`state/${group}/stats/global_stats/statistics`, index, layer);
      const side = all.shape[1] as number;
      const corner = Float32Array.from(
        { length: n * n },
        (_, j) => all.values[place * side * side + Math.floor(j / n) * side + (j % n)] as number,
      );
      expectClose(`${name} statistic ${i}`, ours.dataSync(), corner, NOISE.S * largestOf(corner));
    }
    places.set(counter, place);
  }
}

/** Every recorded step, with saving and loading after the second update. */
function replay(caseName: string): void {
  const run = new Run(caseName);
  const variables = new Map(
    run.parameters.map(({ name, source, layer }) => {
      const { shape, values } = run.at(`params/${source}`, 0, layer);
      return [name, tf.tidy(() => tf.variable(tf.tensor(values, shape)))];
    }),
  );
  const before = tf.memory().numTensors;
  let optimizer = run.make();
  const updates = run.steps.at(-1) as number;
  for (let step = 0; step < updates; step++) {
    const grads = new Map(
      run.parameters.map(({ name, source, layer }) => {
        const { shape, values } = run.at(`grads/${source}`, step, layer);
        return [name, tf.tensor(values, shape)];
      }),
    );
    optimizer.apply(variables, grads);
    tf.dispose([...grads.values()]);
    if (step === 1) {
      const next = run.make();
      next.loadState(optimizer.state());
      optimizer.dispose();
      optimizer = next;
    }
    const index = run.steps.indexOf(step + 1);
    if (index < 0) continue;
    for (const { name, source, layer } of run.parameters) {
      const { values } = run.at(`params/${source}`, index, layer);
      const ours = (variables.get(name) as tf.Variable).dataSync();
      // From its start on the preconditioned momentum moves the parameters, with its noise times the rate of 0.1.
      const preconditioned = step >= (run.overrides.start_preconditioning_step ?? 101);
      const tolerance = preconditioned && caseName !== 'shampoo_trainer' ? 1e-2 : 2e-5;
      expectClose(`${name} after update ${step + 1}`, ours, values, tolerance);
    }
    compareState(run, optimizer, index);
  }
  optimizer.dispose();
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose([...variables.values()]);
}

const CASES = [
  'shampoo_beta2_one',
  'shampoo_blocked',
  'shampoo_early',
  'shampoo_four_devices',
  'shampoo_graft_adagrad',
  'shampoo_graft_adagrad_normalized',
  'shampoo_graft_rmsprop',
  'shampoo_graft_sgd',
  'shampoo_graft_sqrt_n',
  'shampoo_inverse_fails',
  'shampoo_nesterov_decay',
  'shampoo_quantized',
  'shampoo_skip_all',
  'shampoo_skip_some',
  'shampoo_trainer',
];

beforeAll(async () => {
  await tf.setBackend('cpu');
});

test.each(['shampoo_early', 'shampoo_quantized'])(
  '%s on cpu: every recorded step as the original',
  (name) => {
    replay(name);
  },
);

describeNative('on native', ['_FusedMatMul'], () => {
  test.each(CASES)('%s', (name) => {
    replay(name);
  });
});

test('two steps of one number by hand: sgd graft, a 1×1 statistic', () => {
  // β1 = 0.5, β2 = 0.5, g = 2 then 4, rate 0.1, preconditioned from the second update on. S: 0.5·1e-6 + 0.5·4 = 2.
  // First update: D = 0.5·2 = 1, p = 1 − 0.1·1 = 0.9. P = S^(−1/2).
  // Second: u_s = 4·P with the length of g: 4; M = 0.5·(0.5·2) + 0.5·4 = 2.5; p = 0.9 − 0.25 = 0.65.
  const optimizer = new DistributedShampoo({
    schedule: () => 0.1,
    beta1: 0.5,
    beta2: 0.5,
    graftType: 'sgd',
    startPreconditioningStep: 1,
    preconditioningComputeSteps: 1,
  });
  const p = tf.variable(tf.tensor1d([1]));
  optimizer.apply(new Map([['p', p]]), new Map([['p', tf.tensor1d([2])]]));
  expect(p.dataSync()[0]).toBeCloseTo(0.9, 6);
  expect((optimizer.state().get('S0.p') as tf.Tensor).dataSync()[0]).toBeCloseTo(2, 5);
  expect((optimizer.state().get('P0.p') as tf.Tensor).dataSync()[0]).toBeCloseTo(Math.SQRT1_2, 5);
  optimizer.apply(new Map([['p', p]]), new Map([['p', tf.tensor1d([4])]]));
  expect(p.dataSync()[0]).toBeCloseTo(0.65, 6);
});

describe('blocks', () => {
  interface ShapeCase {
    readonly shape: number[];
    readonly block_size: number;
    readonly merge_small_dims_block_size: number;
    readonly merged: number[];
    readonly splits: number[][];
    readonly skipped: boolean;
    readonly exponent: number | null;
    readonly statistics_runs: [size: number, count: number][];
  }
  const cases: ShapeCase[] = JSON.parse(
    readFileSync(
      new URL('../../../../reference/golden/optimizers/shampoo_shapes.json', import.meta.url),
      'utf8',
    ),
  );

  test(`${cases.length} shapes as the original`, () => {
    expect(cases.length).toBeGreaterThan(20);
    for (const recorded of cases) {
      const blocks = shampooBlocks(recorded.shape, {
        blockSize: recorded.block_size,
        mergeSmallDimsBlockSize: recorded.merge_small_dims_block_size,
        skipPreconditioningDimSizeGt: 4096,
      });
      expect({ shape: recorded.shape, ...blocks }).toEqual({
        shape: recorded.shape,
        merged: recorded.merged,
        splits: recorded.splits,
        statistics: recorded.skipped
          ? []
          : recorded.statistics_runs.flatMap(([n, count]) => Array(count).fill(n)),
        exponent: recorded.skipped ? undefined : recorded.exponent,
      });
    }
  });
});

test('settings that make no sense are refused by name', () => {
  const schedule = () => 0.1;
  expect(() => new DistributedShampoo({ schedule, beta1: 1 })).toThrow(/beta1 from 0 to below 1, got 1/);
  expect(() => new DistributedShampoo({ schedule, blockSize: 0 })).toThrow(/blockSize/);
  expect(() => new DistributedShampoo({ schedule, graftType: 'adam' as GraftType })).toThrow(
    /graftType one of/,
  );
});
