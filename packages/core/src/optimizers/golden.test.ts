import { readFileSync } from 'node:fs';
import { golden } from '@easel/conformance/golden';
import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { deserialize, toFloat32 } from 'safetensors-ts';
import { describeNative } from '../testing/backends.js';
import { Adafactor } from './adafactor.js';
import { AdamW } from './adamw.js';
import type { Optimizer } from './optimizer.js';
import type { Schedule } from './schedules.js';

/** A recorded tensor: values of all steps, and its shape at one step. */
interface Record_ {
  readonly shape: number[];
  readonly values: Float32Array;
}

/** One recorded run; see reference/golden/optimizers. */
interface Run {
  readonly records: Map<string, Record_>;
  readonly steps: number[];
  readonly rates: number[] | undefined;
  readonly parameters: Record<string, number[]> | undefined;
}

function load(name: string): Run {
  const file = golden(`optimizers/${name}.safetensors`);
  const { header, tensors } = deserialize(new Uint8Array(readFileSync(file)));
  const records = new Map<string, Record_>();
  for (const [key, view] of tensors) {
    if (view.dtype === 'F32') records.set(key, { shape: view.shape.slice(1), values: toFloat32(view) });
  }
  const json = (key: string) => JSON.parse(header.metadata.get(key) ?? 'null');
  return {
    records,
    steps: json('steps'),
    rates: json('learning_rates') ?? undefined,
    parameters: json('parameters') ?? undefined,
  };
}

const size = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);

/** Values of one step, and of one layer where the layers are stacked. */
function at(
  record: Record_,
  index: number,
  layer: number | undefined,
): { shape: number[]; values: Float32Array } {
  const shape = layer === undefined ? record.shape : record.shape.slice(1);
  const stride = size(record.shape);
  const begin = index * stride + (layer ?? 0) * size(shape);
  return { shape, values: record.values.slice(begin, begin + size(shape)) };
}

/** The parameters of a run: one for each, or for each layer of a stacked one. */
function parameters(
  shapes: [name: string, shape: number[]][],
): { name: string; source: string; layer: number | undefined }[] {
  return shapes.flatMap(([source, shape]) =>
    source.includes('Layers')
      ? Array.from({ length: shape[0] as number }, (_, layer) => ({
          name: `${source}.${layer}`,
          source,
          layer,
        }))
      : [{ name: source, source, layer: undefined }],
  );
}

/** Float32 against a float64 run of the original differs by 5e-7. */
const tolerance = (): number => 2e-6;

function compare(what: string, actual: ArrayLike<number>, expected: Float32Array, unit: number): void {
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs((expected[i] as number) - (actual[i] as number)));
  }
  // A plain comparison: thousands of expect calls would take most of the time.
  if (!(largest <= tolerance() * unit))
    throw new Error(`${what}: off by ${largest}, allowed ${tolerance() * unit}`);
}

/** Our names of state, and the original's in order of trial. */
const STATE_NAMES: Record<string, string[]> = {
  m: ['mu', 'ema'],
  v: ['nu', 'v'],
  v_row: ['v_row'],
  v_col: ['v_col'],
};

function compareState(
  run: Run,
  optimizer: Optimizer,
  index: number,
  names: ReturnType<typeof parameters>,
): number {
  let compared = 0;
  for (const { name, source, layer } of names) {
    for (const [kind, others] of Object.entries(STATE_NAMES)) {
      const state = optimizer.state().get(`${kind}.${name}`);
      if (state === undefined) continue;
      const entry = [...run.records].find(([key]) =>
        others.some((other) => key.startsWith('state/') && key.endsWith(`/${other}/${source}`)),
      );
      if (entry === undefined) throw new Error(`no golden state for ${kind}.${name}`);
      const { shape, values } = at(entry[1], index, layer);
      if (`${state.shape}` !== `${shape}`)
        throw new Error(`${entry[0]}: shape [${state.shape}], not [${shape}]`);
      const unit = entry[1].values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-20);
      compare(`${entry[0]} after record ${index}`, state.dataSync(), values, unit);
      compared++;
    }
  }
  return compared;
}

const CASES: [name: string, make: (schedule: Schedule) => Optimizer][] = [
  ['adam', (schedule) => new AdamW({ schedule })],
  [
    'adam_decay',
    (schedule) => new AdamW({ schedule, weightDecay: 0.05, beta1: 0.8, beta2: 0.95, epsilon: 1e-6 }),
  ],
  ['optax_adam', (schedule) => new AdamW({ schedule })],
  ['adafactor', (schedule) => new Adafactor({ schedule })],
  [
    'adafactor_decay_clip',
    (schedule) => new Adafactor({ schedule, weightDecay: 0.01, clippingThreshold: 0.3 }),
  ],
  ['optax_adafactor_factored', (schedule) => new Adafactor({ schedule, minDimSizeToFactor: 3 })],
  [
    'optax_adafactor_momentum_decay',
    (schedule) =>
      new Adafactor({ schedule, minDimSizeToFactor: 3, momentum: 0.9, weightDecay: 0.01, decayRate: 0.7 }),
  ],
  [
    'optax_adafactor_no_parameter_scale',
    (schedule) =>
      new Adafactor({
        schedule,
        minDimSizeToFactor: 3,
        multiplyByParameterScale: false,
        clippingThreshold: null,
      }),
  ],
];

/** Runs a recorded case with saving and loading in the middle; every step's parameters and state must be the recorded ones. */
function replay(caseName: string, make: (schedule: Schedule) => Optimizer): void {
  const run = load(caseName);
  const schedule: Schedule = (step) => run.rates?.[step] ?? 0.1;
  const shapes = [...run.records].flatMap(([key, { shape }]): [string, number[]][] =>
    key.startsWith('params/') ? [[key.slice(7), shape]] : [],
  );
  const names = parameters(shapes);
  expect(names.length).toBeGreaterThan(5);
  const record = (kind: string, source: string) => run.records.get(`${kind}/${source}`) as Record_;
  const variables = new Map(
    names.map(({ name, source, layer }) => {
      const { shape, values } = at(record('params', source), 0, layer);
      return [name, tf.tidy(() => tf.variable(tf.tensor(values, shape)))];
    }),
  );
  let optimizer = make(schedule);
  const before = tf.memory().numTensors;
  const updates = run.steps.length - 1;
  for (let step = 0; step < updates; step++) {
    const grads = new Map(
      names.map(({ name, source, layer }) => {
        const { shape, values } = at(record('grads', source), step, layer);
        return [name, tf.tensor(values, shape)];
      }),
    );
    optimizer.apply(variables, grads);
    tf.dispose([...grads.values()]);
    for (const { name, source, layer } of names) {
      const { values } = at(record('params', source), step + 1, layer);
      compare(`${name} after update ${step + 1}`, (variables.get(name) as tf.Variable).dataSync(), values, 1);
    }
    expect(compareState(run, optimizer, step + 1, names)).toBeGreaterThanOrEqual(names.length);
    if (step === 2) {
      const next = make(schedule);
      next.loadState(optimizer.state());
      optimizer.dispose();
      optimizer = next;
      expect(optimizer.step).toBe(3);
    }
  }
  optimizer.dispose();
  expect(tf.memory().numTensors).toBe(before - 1); // the first optimizer's counter
  tf.dispose([...variables.values()]);
}

/** The large case, whose values come from a formula; see reference/golden/optimizers. */
function replayLarge(): void {
  const run = load('adafactor_large');
  const base = (run.records.get('base') as Record_).values;
  const shapes = Object.entries(run.parameters ?? {});
  const names = parameters(shapes);
  const tensors = (formula: (i: number, j: number) => number): Map<string, tf.Tensor> =>
    new Map(
      names.map(({ name, source, layer }) => {
        const j = shapes.findIndex(([parameter]) => parameter === source);
        const [, shape] = shapes[j] as [string, number[]];
        const values = Float32Array.from({ length: size(shape) }, (_, i) => formula(i, j));
        const part = at({ shape, values }, 0, layer);
        return [name, tf.tensor(part.values, part.shape)];
      }),
    );
  const entry = (i: number): number => base[i % 997] as number;
  const variables = new Map<string, tf.Variable>();
  for (const [name, start] of tensors((i, j) => Math.fround(0.3) * entry(7 * i + 31 * j))) {
    variables.set(name, tf.variable(start));
    start.dispose();
  }
  const optimizer = new Adafactor({ schedule: (step) => run.rates?.[step] as number });
  for (let t = 0; t < 3; t++) {
    const grads = tensors((i, j) => entry(11 * i + 13 * t + 17 * j));
    optimizer.apply(variables, grads);
    tf.dispose([...grads.values()]);
  }
  for (const { name, source, layer } of names) {
    const recorded = at(run.records.get(`params/${source}`) as Record_, 0, layer);
    compare(name, (variables.get(name) as tf.Variable).dataSync(), recorded.values, 1);
  }
  expect(compareState(run, optimizer, 0, names)).toBe(7); // narrow: v; wide and both layers: row and column
  optimizer.dispose();
  tf.dispose([...variables.values()]);
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

test.each(CASES)('%s on cpu: every step as the original, also after saving and loading', (name, make) => {
  replay(name, make);
});

test('adafactor_large on cpu: factored from 128 on', () => {
  replayLarge();
});

describeNative('on native', ['AdamWUpdate'], () => {
  test.each(CASES)('%s', (name, make) => {
    replay(name, make);
  });

  test('adafactor_large', () => {
    replayLarge();
  });
});
