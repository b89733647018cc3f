import {
  Adafactor,
  type AdafactorConfig,
  AdamW,
  type AdamWConfig,
  DistributedShampoo,
  type Optimizer,
  type Schedule,
  type ShampooConfig,
} from '@easel/core';
import { groupOf, type RecordedRun, type TrainFlags } from './recorded-run.js';

/** Makes our optimizer for a recorded run, or says why there is none. */
export function makeOptimizer(run: RecordedRun): Optimizer | { readonly missing: string } {
  if (!run.flags) return ofOptax(run);
  const schedule: Schedule = (step) => run.rates?.[step] ?? Number.NaN;
  return trainerOptimizer({ ...run.flags, ...run.overrides }, schedule, groupOf);
}

type Setting = number | string | boolean | null;
type Names<Config> = Readonly<Record<string, keyof Config>>;

/**
 * The trainer's flags → our settings. Flags that are not listed say nothing about the optimizer.
 * Rates come from the recording.
 */
const ADAM: Names<AdamWConfig> = {
  beta1: 'beta1',
  beta2: 'beta2',
  adam_epsilon: 'epsilon',
  weight_decay: 'weightDecay',
};
const ADAFACTOR: Names<AdafactorConfig> = { weight_decay: 'weightDecay', max_grad_norm: 'clippingThreshold' };
const SHAMPOO: Names<ShampooConfig> = {
  beta1: 'beta1',
  beta2: 'beta2',
  block_size: 'blockSize',
  preconditioning_compute_steps: 'preconditioningComputeSteps',
  skip_preconditioning_dim_size_gt: 'skipPreconditioningDimSizeGt',
  graft_type: 'graftType',
  nesterov: 'nesterov',
  optim_quantized: 'quantized',
  weight_decay: 'weightDecay',
  start_preconditioning_step: 'startPreconditioningStep',
  merge_small_dims_block_size: 'mergeSmallDimsBlockSize',
  inverse_failure_threshold: 'inverseFailureThreshold',
  matrix_epsilon: 'matrixEpsilon',
  diagonal_epsilon: 'diagonalEpsilon',
};

/** Makes the optimizer of the trainer's flags. */
export function trainerOptimizer(
  flags: TrainFlags,
  schedule: Schedule,
  group: (name: string) => string,
): Optimizer | { readonly missing: string } {
  switch (flags.optim) {
    case 'adam':
      return new AdamW({ schedule, ...renamed(flags, ADAM) });
    case 'adafactor':
      return new Adafactor({ schedule, ...renamed(flags, ADAFACTOR) });
    case 'distributed_shampoo':
      return new DistributedShampoo({ schedule, ...renamed(flags, SHAMPOO), groupOf: group });
    default:
      return { missing: `Easel has no optimizer "${flags.optim}"` };
  }
}

/** optax's functions, and the names of their arguments. */
const OPTAX: Readonly<Record<string, Names<AdamWConfig> | Names<AdafactorConfig>>> = {
  adam: { b1: 'beta1', b2: 'beta2', eps: 'epsilon' },
  adamw: { b1: 'beta1', b2: 'beta2', eps: 'epsilon', weight_decay: 'weightDecay' },
  adafactor: {
    min_dim_size_to_factor: 'minDimSizeToFactor',
    decay_rate: 'decayRate',
    decay_offset: 'decayOffset',
    multiply_by_parameter_scale: 'multiplyByParameterScale',
    clipping_threshold: 'clippingThreshold',
    momentum: 'momentum',
    weight_decay_rate: 'weightDecay',
    eps: 'epsilon',
  },
};

function ofOptax(run: RecordedRun): Optimizer | { missing: string } {
  const [, name = '', inside = ''] = /^(\w+)\((.*)\)$/.exec(run.call ?? '') ?? [];
  const names = OPTAX[name];
  if (!names) return { missing: `Easel has no optimizer like optax's ${run.call}` };
  const [rate, ...rest] = inside.split(',').map((part) => part.trim());
  const values = Object.fromEntries(
    rest.map((part) => part.split('=') as [string, string]).map(([key, text]) => [key, pythonValue(text)]),
  );
  const unknown = Object.keys(values).filter((key) => !(key in names));
  if (unknown.length > 0) return { missing: `no setting of ours for ${unknown.join(', ')} of ${run.call}` };
  const schedule: Schedule = () => Number(rate);
  const config = { schedule, ...renamed(values, names) };
  return name === 'adafactor' ? new Adafactor(config) : new AdamW(config);
}

function pythonValue(text: string): Setting {
  const words: Readonly<Record<string, Setting>> = { True: true, False: false, None: null };
  return text in words ? (words[text] as Setting) : Number(text);
}

function renamed(values: Readonly<Record<string, Setting>>, names: Readonly<Record<string, string>>): object {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => (key in names ? [[names[key] as string, value]] : [])),
  );
}
