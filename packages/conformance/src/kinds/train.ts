import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DalleBart, initializeDalleBart } from '@easel/bart';
import { bartParameters, type Parameter, planModel } from '@easel/bart/internals';
import { type Key, loadWeights, type Optimizer, prngKey, readTogether, type Schedule } from '@easel/core';
import { fromMsgpack } from '@easel/core/node';
import {
  isImageSide,
  optimizerGroup,
  originalDropoutKeys,
  type Seq2SeqBatch,
  seq2seqGradients,
  tokenLosses,
  trainedWeights,
} from '@easel/train/internals';
import * as tf from '@tensorflow/tfjs';
import type { Checks, Tolerance } from '../checks.js';
import { GoldenArrays, readJson } from '../golden.js';
import type { Case, GoldenFolder, Kind, RunContext } from '../kind.js';
import { flaxName, partOf } from './bart/flax-names.js';
import { trainerOptimizer } from './optimizers/make-optimizer.js';
import type { TrainFlags } from './optimizers/recorded-run.js';
import { type ScheduleFlags, scheduleOf } from './schedules.js';
import { compareWrittenState, optimizerSettings } from './train/original-state.js';
import { resumedCases } from './train/resumed.js';

/** The part of a run's run.json that is compared. */
interface RecordedTraining {
  readonly flags: readonly string[];
  readonly common_flags: { readonly seed_model: number };
  readonly config: Record<string, unknown>;
  readonly kept_steps: readonly number[];
  readonly loss: readonly number[];
  readonly learning_rate: readonly number[];
  readonly gradients_norm: readonly Record<string, number>[];
  readonly params_norm: readonly Record<string, number>[];
  readonly eval: readonly { readonly loss: number }[];
  /** Dtype and shape of the entries of opt_state.msgpack by name; {} for an empty map. */
  readonly opt_state_tree: Readonly<Record<string, readonly [dtype: string, shape: number[]] | object>>;
  readonly dropout_rng: { readonly after: readonly (readonly [number, number])[] };
}

/**
 * Whole runs of the trainer: losses, gradients, parameters, optimizer state, rates, keys,
 * evaluations.
 */
export const kind: Kind = {
  cases(folder: GoldenFolder): Case[] {
    if (folder.has('restored.safetensors', 'opt_state.msgpack')) return resumedCases(folder);
    if (!folder.has('run.json', 'batches.safetensors')) return [];
    return [
      {
        name: '',
        async run(checks, context) {
          const replay = await Replay.open(folder, checks);
          try {
            await replay.run(context);
          } finally {
            replay.dispose();
          }
        },
      },
    ];
  },
  besides: /^(run\.json|flax_model\.msgpack)$/,
};

/** Parses "--learning_rate 0.02 --nesterov" to { learning_rate: 0.02, nesterov: true }. */
function parseFlags(words: readonly string[]): TrainFlags {
  const flags: Record<string, number | string | boolean> = {};
  for (let i = 0; i < words.length; i++) {
    const name = (words[i] as string).replace(/^--/, '');
    const value = words[i + 1];
    if (value === undefined || value.startsWith('--')) {
      flags[name] = true;
      continue;
    }
    flags[name] = Number.isNaN(Number(value)) ? value : Number(value);
    i++;
  }
  return flags;
}

/**
 * A gradient below this gives a full step of Adam in one direction or the other, depending on its
 * rounding.
 */
const TINY_GRADIENT = 1e-7;

class Replay {
  private readonly folder: GoldenFolder;
  private readonly checks: Checks;
  private readonly recorded: RecordedTraining;
  private readonly flags: TrainFlags;
  private readonly batches: GoldenArrays;
  private readonly params: GoldenArrays;
  private readonly model: DalleBart;
  private readonly table: readonly Parameter[];
  private readonly optimizer: Optimizer;
  private readonly schedule: Schedule;
  /** For each weight, the elements whose gradient was near 0 at some update. */
  private readonly tiny = new Map<string, Uint8Array>();

  static async open(folder: GoldenFolder, checks: Checks): Promise<Replay> {
    const recorded = readJson<RecordedTraining>(folder.file('run.json'));
    const flags = parseFlags(recorded.flags);
    const settings = { ...recorded.config };
    for (const name of ['dropout', 'activation_dropout']) if (name in flags) settings[name] = flags[name];
    const plan = planModel(settings, folder.file('run.json'));
    if (plan.version !== 2) throw new Error('the trainer trains the second version');
    const model = plan.build();
    const seed = recorded.common_flags.seed_model;
    const start = folder.parentFile(
      join(recorded.config.use_scan ? 'model_scanned' : 'model_unscanned', 'flax_model.msgpack'),
    );
    const params = new GoldenArrays(folder.file('params.safetensors'));
    const fromScratch = params.has('init/lm_head/kernel') && !flags.init_embeddings;
    if (fromScratch) initializeDalleBart(model, prngKey(seed));
    else {
      if (start === undefined) throw new Error('no model folder beside the run');
      const source = fromMsgpack(readFileSync(start), start);
      await loadWeights(model.namedWeights(), source, plan.rules(source));
      if (flags.init_embeddings) initializeDalleBart(model, prngKey(seed), isImageSide);
    }
    return new Replay(folder, checks, recorded, flags, params, model);
  }

  private constructor(
    folder: GoldenFolder,
    checks: Checks,
    recorded: RecordedTraining,
    flags: TrainFlags,
    params: GoldenArrays,
    model: DalleBart,
  ) {
    this.folder = folder;
    this.checks = checks;
    this.recorded = recorded;
    this.flags = flags;
    this.params = params;
    this.model = model;
    this.batches = new GoldenArrays(folder.file('batches.safetensors'));
    this.table = bartParameters(model.config);
    const steps = this.batches.shape('labels')[0] as number;
    this.schedule = scheduleOf({ ...NO_SCHEDULE, ...flags } as ScheduleFlags, steps);
    const made = trainerOptimizer(flags, this.schedule, optimizerGroup(model));
    if ('missing' in made) throw new Error(made.missing);
    this.optimizer = made;
  }

  dispose(): void {
    this.model.dispose();
    this.optimizer.dispose();
  }

  async run(context: RunContext): Promise<void> {
    const { checks, recorded, model, optimizer } = this;
    if (this.params.has('init/lm_head/kernel')) await this.compareParameters('init', 0);
    const trained = trainedWeights(model, { trainable: this.flags.embeddings_only ? 'embeddings' : 'all' });
    const accumulate = Number(this.flags.gradient_accumulation_steps ?? 1);
    const steps = this.batches.shape('labels')[0] as number;
    const keys = originalDropoutKeys(recorded.common_flags.seed_model);
    for (let step = 0; step < steps; step++) {
      let key: Key = [0, 0];
      const micro = Array.from({ length: accumulate }, (_, i) => {
        key = keys(step * accumulate + i);
        return { batch: this.batch('', step * accumulate + i), dropoutKey: key };
      });
      const { losses, grads } = await seq2seqGradients(model, trained, micro, {
        rematerialize: Boolean(this.flags.gradient_checkpointing),
      });
      const wanted = recorded.dropout_rng.after[step];
      if (wanted) checks.equal('dropout keys', `step ${step + 1}`, [...key], [...wanted]);
      const parts = await readTogether(losses);
      tf.dispose(losses);
      const loss = parts.reduce((sum, [part]) => sum + (part as number), 0) / parts.length;
      const recordedLoss = recorded.loss[step];
      if (recordedLoss !== undefined)
        checks.close(
          step === 0 ? 'first loss' : 'later losses',
          `step ${step + 1}`,
          [loss],
          [recordedLoss],
          lossTolerance(step),
        );
      if (step === 0) await this.compareGradients(grads);
      await this.compareNorms('gradient norms', recorded.gradients_norm[step], grads, step);
      await this.noteTiny(grads);
      await optimizer.apply(trained, grads);
      tf.dispose([...grads.values()]);
      const rate = recorded.learning_rate[step];
      if (rate !== undefined)
        checks.close('rates', `step ${step + 1}`, [this.schedule(step + 1)], [rate], {
          absolute: 3e-7 * Number(this.flags.learning_rate),
          reason: 'float32, of the peak',
        });
      await this.compareNorms('parameter norms', recorded.params_norm[step], model.namedWeights(), step);
      if (recorded.kept_steps.includes(step + 1)) await this.compareParameters(`step${step + 1}`, step + 1);
    }
    await this.evaluate();
    if (this.folder.has('opt_state.safetensors')) await this.compareState(context);
    await compareWrittenState(checks, this.recorded.opt_state_tree, this.optimizer, {
      model,
      optimizer: optimizerSettings(this.flags),
      trained,
    });
  }

  /** Returns batch n of arrays [.., 1, rows, length]. */
  private batch(prefix: string, n: number): Seq2SeqBatch {
    const rows = (name: string): { values: Int32Array; shape: [number, number] } => {
      const key = `${prefix}${name}`;
      const shape = this.batches.shape(key);
      const [count, length] = shape.slice(-2) as [number, number];
      const all = this.batches.floats(key);
      const values = Int32Array.from(all.subarray(n * count * length, (n + 1) * count * length));
      return { values, shape: [count, length] };
    };
    const matrix = (name: string): tf.Tensor2D => {
      const { values, shape } = rows(name);
      return tf.tensor2d(values, shape, 'int32');
    };
    return {
      inputIds: matrix('input_ids'),
      attentionMask: matrix('attention_mask'),
      decoderInputIds: matrix('decoder_input_ids'),
      labels: tf.tensor1d(rows('labels').values, 'int32'),
    };
  }

  private async evaluate(): Promise<void> {
    for (const [n, { loss }] of this.recorded.eval.entries()) {
      const batch = this.batch('eval/', n);
      const mean = tf.tidy(() => tf.mean(tokenLosses(this.model, batch)));
      const got = await mean.data();
      tf.dispose([mean, batch.inputIds, batch.attentionMask, batch.decoderInputIds, batch.labels]);
      this.checks.close('evaluation', `batch ${n}`, got, [loss], lossTolerance(this.optimizer.step));
    }
  }

  private async compareGradients(grads: ReadonlyMap<string, tf.Tensor>): Promise<void> {
    if (!this.folder.has('grads.safetensors')) return;
    const recorded = new GoldenArrays(this.folder.file('grads.safetensors'));
    for (const parameter of this.table) {
      const ours = grads.get(parameter.name);
      if (!ours) continue;
      const want = partOf(recorded.floats(`step1/${flaxName(parameter)}`), parameter);
      this.checks.close('gradients', parameter.name, await ours.data(), want, {
        relative: 2e-5,
        absolute: 1e-7,
        reason: 'float32: 6e-7 of the largest beside float64, summed in another order',
      });
    }
  }

  /** Compares L2 norms under the original's names. Stacked layers are one tensor. */
  private async compareNorms(
    group: string,
    wanted: Record<string, number> | undefined,
    tensors: ReadonlyMap<string, tf.Tensor>,
    step: number,
  ): Promise<void> {
    // Norms that were not logged are zeros.
    if (!wanted || Object.values(wanted).every((norm) => norm === 0)) return;
    const squares = new Map<string, number>();
    for (const parameter of this.table) {
      const tensor = tensors.get(parameter.name);
      if (!tensor) continue;
      const sum = ((await tensor.data()) as Float32Array).reduce((total, x) => total + x * x, 0);
      const name = flaxName(parameter);
      squares.set(name, (squares.get(name) ?? 0) + sum);
    }
    for (const [name, norm] of Object.entries(wanted)) {
      const got = squares.get(name);
      if (got === undefined) continue;
      this.checks.close(group, `${name}, step ${step + 1}`, [Math.sqrt(got)], [norm], {
        relative: step === 0 ? 1e-5 : 1e-4,
        absolute: 1e-6,
        reason: "float32: twenty times the original's noise, 4.9e-7 at first and 4.3e-6 behind four updates",
      });
    }
  }

  private async noteTiny(grads: ReadonlyMap<string, tf.Tensor>): Promise<void> {
    if (this.flags.optim !== 'adam') return;
    for (const [name, gradient] of grads) {
      const marks = this.tiny.get(name) ?? new Uint8Array(gradient.size);
      (await gradient.data()).forEach((x: number, i: number) => {
        if (Math.abs(x) < TINY_GRADIENT) marks[i] = 1;
      });
      this.tiny.set(name, marks);
    }
  }

  private async compareParameters(prefix: string, step: number): Promise<void> {
    const weights = this.model.namedWeights();
    for (const parameter of this.table) {
      const key = `${prefix}/${flaxName(parameter)}`;
      if (!this.params.has(key)) continue;
      const want = partOf(this.params.floats(key), parameter).slice();
      const ours = (await (weights.get(parameter.name) as tf.Variable).data()).slice();
      const marks = this.tiny.get(parameter.name);
      const [gotTiny, wantTiny]: [number[], number[]] = [[], []];
      marks?.forEach((mark, i) => {
        if (!mark) return;
        gotTiny.push(ours[i] as number);
        wantTiny.push(want[i] as number);
        ours[i] = want[i] as number;
      });
      this.checks.close(
        step === 0 ? 'initial parameters' : 'parameters',
        key,
        ours,
        want,
        parameterTolerance(step, this.flags),
      );
      if (gotTiny.length > 0)
        this.checks.close('parameters of gradients near 0', key, gotTiny, wantTiny, {
          absolute: 2 * Number(this.flags.learning_rate) * step,
          reason: 'Adam makes a full step of a gradient near 0, whichever its sign: 2 × rate an update',
        });
    }
  }

  /** Compares the optimizer's state after the last step, under the names of opt_state.msgpack. */
  private async compareState(context: RunContext): Promise<void> {
    const recorded = new GoldenArrays(this.folder.file('opt_state.safetensors'));
    const state = this.optimizer.state();
    const groupOf = optimizerGroup(this.model);
    const slots = STATE_NAMES[String(this.flags.optim)] ?? {};
    for (const parameter of this.table) {
      for (const [ours, theirs] of Object.entries(slots)) {
        const tensor = state.get(`${ours}.${parameter.name}`);
        const key = `${groupOf(parameter.name)}/${theirs}`.replace('NAME', flaxName(parameter));
        if (!tensor || !recorded.has(key)) continue;
        const all = recorded.floats(key);
        const { stacked } = parameter.place;
        const size = all.length / (stacked?.count ?? 1);
        const want = all.subarray((stacked?.index ?? 0) * size, ((stacked?.index ?? 0) + 1) * size);
        const steps = this.optimizer.step;
        this.checks.close('optimizer state', key, await tensor.data(), want, {
          relative: steps > 20 ? 2e-1 : 2e-4,
          absolute: 1e-12,
          reason: "float32: six times the original's noise behind up to five updates, 3.1e-5",
        });
      }
    }
    if (this.flags.optim === 'distributed_shampoo')
      context.leftOut(
        'statistics and preconditioners',
        'the kind "optimizers" compares them on its own inputs',
      );
  }
}

const NO_SCHEDULE: ScheduleFlags = {
  learning_rate: 5e-5,
  warmup_steps: 0,
  lr_decay: null,
  lr_transition_steps: null,
  lr_decay_rate: null,
  lr_staircase: false,
  lr_offset: 0,
};

/** Our names of optimizer state → the original's paths. */
const STATE_NAMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  adam: { m: '0/mu/NAME', v: '0/nu/NAME' },
  adafactor: { v: '0/v/NAME', v_row: '0/v_row/NAME', v_col: '0/v_col/NAME' },
  distributed_shampoo: {
    A: 'stats/local_stats/NAME/diagonal_statistics/quantized',
    D: 'stats/local_stats/NAME/diagonal_momentum/quantized',
    M: 'stats/local_stats/NAME/momentum/quantized',
  },
};

/**
 * For one weight in `shampoo_scanned` our serial kernels end 1e-3 above the recorded number, and
 * our AVX-512 kernels 1.1e-3 below it.
 */
const NEARLY_SINGULAR =
  'a hundred updates and roots of nearly singular statistics: our own kernels are as far apart';

/**
 * Returns the tolerance of the loss after `step` updates. The original's float32 run is at most
 * 1.5e-7 off at first, 4.3e-7 after 20 updates of Adam, and 9e-7 after ten updates of Shampoo with
 * momenta in bytes (`reference/noise/training.py`, the worst of five seeds).
 */
function lossTolerance(step: number): Tolerance {
  if (step === 0) return { relative: 4e-6, reason: 'float32 beside float64: 1.5e-7' };
  return step < 20
    ? { relative: 1e-5, reason: 'float32 behind some updates, beside float64: 9e-7' }
    : { relative: 2e-3, reason: NEARLY_SINGULAR };
}

/**
 * Drift of weights for each update with momenta kept in bytes, as a part of the learning rate. A
 * number near the middle of two buckets goes to one or the other by its last digit. From then on
 * the two runs have momenta a bucket apart. The original's float32 and float64 runs differ by at
 * most 0.05, 0.39 and 0.90 of the learning rate after 5, 10 and 20 updates (the worst of five
 * seeds; 1e-4, 2e-4 and 0.15 in the median one: `reference/noise/training.py`). Four times as much
 * is allowed, in even steps.
 */
const QUANTIZED_DRIFT = 4 * (0.9 / 20);

/**
 * Drift of weights for each update, as a part of the learning rate. The original's is at most
 * 1.2e-5 with Adam, 2e-6 with Adafactor, and 5e-5, 7e-5, 7e-5 after 2, 5, 10 updates of Shampoo
 * without preconditioners (the worst of five seeds). About five times the largest is allowed.
 */
const DRIFT = 4e-4;

/** A few units in the last place of weights of order 1. */
const LAST_DIGITS = 4e-7;

function parameterTolerance(step: number, flags: TrainFlags): Tolerance {
  if (step === 0) return { absolute: 0, relative: 2e-7, reason: 'a draw of the same key, rounded once' };
  if (flags.optim_quantized && step > 1)
    return {
      absolute: QUANTIZED_DRIFT * Number(flags.learning_rate) * step,
      reason: 'of the rate, for each update: a momentum near the middle of two buckets goes either way',
    };
  return step < 20
    ? {
        absolute: LAST_DIGITS + DRIFT * Number(flags.learning_rate) * step,
        reason: "float32: five times the original's noise, 7e-5 of the rate for each update, and last digits",
      }
    : { absolute: 2e-3, reason: NEARLY_SINGULAR };
}
