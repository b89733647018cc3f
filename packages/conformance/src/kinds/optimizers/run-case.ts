import type { Optimizer } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { Checks, Tolerance } from '../../checks.js';
import type { Case, GoldenFolder } from '../../kind.js';
import { makeOptimizer } from './make-optimizer.js';
import { RecordedRun } from './recorded-run.js';
import { checkShampooState } from './shampoo-state.js';

const ELEMENTWISE: Tolerance = {
  absolute: 2e-6,
  reason: 'float32: the original is up to 5e-7 from its float64 run',
};
/**
 * Noise as a part of a state's largest number in any step, since means of gradients pass through
 * zero.
 */
const STATE_NOISE = 2e-6;
const SHAMPOO: Tolerance = {
  absolute: 2e-5,
  reason: 'float32: the original is up to 1.5e-6 from its float64 run',
};
/**
 * The first statistic of a block is nearly the product of its gradient with itself, and nearly
 * singular. One last digit then changes its inverse root. The original's float32 run ends up to
 * 0.059 of the learning rate from its float64 run (`make_optimizers.py --x64`: 0.009 and 0.012 in
 * two seeds of early preconditioning, 0.010 and 0.059 grafted, 0.034 with momenta in bytes). Five
 * times as much is allowed.
 */
const PRECONDITIONED_NOISE = 0.3;

/**
 * Number of updates after which the optimizer is saved. Another optimizer then goes on with its
 * state.
 */
const SAVED_AFTER = 2;

/** Makes the case of a file with one optimizer's updates. */
export function runCase(folder: GoldenFolder, file: string): Case {
  return {
    name: file.replace('.safetensors', ''),
    async run(checks, context) {
      const run = new RecordedRun(folder.file(file));
      const optimizer = makeOptimizer(run);
      if ('missing' in optimizer) {
        context.leftOut(file, optimizer.missing);
        return;
      }
      await replay(checks, run, optimizer);
    },
  };
}

async function replay(checks: Checks, run: RecordedRun, first: Optimizer): Promise<void> {
  let optimizer = first;
  const isShampoo = run.flags?.optim === 'distributed_shampoo';
  const variables = new Map(
    run.parameters.map((parameter) => [
      parameter.name,
      tf.tidy(() => tf.variable(tf.tensor(run.start(parameter), [...parameter.shape]))),
    ]),
  );
  const preconditionedFrom =
    run.overrides.start_preconditioning_step === undefined
      ? Number.POSITIVE_INFINITY // the trainer's own 101 updates leave well-conditioned statistics
      : Number(run.overrides.start_preconditioning_step);
  for (let t = 0; t < run.updates; t++) {
    const grads = new Map(
      run.parameters.map((parameter) => [
        parameter.name,
        tf.tensor(run.gradient(parameter, t), [...parameter.shape]),
      ]),
    );
    await optimizer.apply(variables, grads);
    tf.dispose([...grads.values()]);
    if (t + 1 === SAVED_AFTER) optimizer = await savedAndLoaded(run, optimizer);
    const record = run.steps.indexOf(t + 1);
    if (record < 0) continue;
    const preconditioned = isShampoo && t >= preconditionedFrom;
    const tolerance = preconditioned
      ? preconditionedTolerance(Number(run.flags?.learning_rate))
      : isShampoo
        ? SHAMPOO
        : ELEMENTWISE;
    for (const { name, source, layer } of run.parameters) {
      const { values } = run.recorded(`params/${source}`, record, layer);
      const ours = await (variables.get(name) as tf.Variable).data();
      const group = preconditioned ? 'parameters, preconditioned' : 'parameters';
      checks.close(group, `${name} after update ${t + 1}`, ours, values, tolerance);
    }
    if (isShampoo) await checkShampooState(checks, run, optimizer, record);
    else await checkState(checks, run, optimizer, record);
  }
  optimizer.dispose();
  tf.dispose([...variables.values()]);
}

function preconditionedTolerance(rate: number): Tolerance {
  return {
    absolute: PRECONDITIONED_NOISE * rate,
    reason: `${PRECONDITIONED_NOISE} of the rate: roots of nearly singular statistics, which float32 gives to some percent`,
  };
}

async function savedAndLoaded(run: RecordedRun, optimizer: Optimizer): Promise<Optimizer> {
  const next = makeOptimizer(run) as Optimizer;
  await next.loadState(optimizer.state());
  optimizer.dispose();
  return next;
}

/** Our names of state → the original's names, in the order in which they are tried. */
const STATE_NAMES: Readonly<Record<string, readonly string[]>> = {
  m: ['mu', 'ema'],
  v: ['nu', 'v'],
  v_row: ['v_row'],
  v_col: ['v_col'],
};

async function checkState(
  checks: Checks,
  run: RecordedRun,
  optimizer: Optimizer,
  record: number,
): Promise<void> {
  const state = optimizer.state();
  for (const { name, source, layer } of run.parameters) {
    for (const [kind, others] of Object.entries(STATE_NAMES)) {
      const ours = state.get(`${kind}.${name}`);
      if (!ours) continue;
      const recorded = run.arrays.names.find((key) =>
        others.some((other) => key.startsWith('state/') && key.endsWith(`/${other}/${source}`)),
      );
      if (!recorded) {
        checks.holds('state names', `${kind}.${name}`, 'the recording has no such state');
        continue;
      }
      const { shape, values } = run.recorded(recorded, record, layer);
      checks.equal('state shapes', recorded, ours.shape, shape);
      const largest = run.arrays.floats(recorded).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      const tolerance = { absolute: STATE_NOISE * largest, reason: ELEMENTWISE.reason };
      checks.close('state', `${recorded}, record ${record}`, await ours.data(), values, tolerance);
    }
  }
}
