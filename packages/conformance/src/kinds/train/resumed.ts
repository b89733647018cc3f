import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DalleBart, type DalleBartConfig, parseDalleBartConfig } from '@easel/bart';
import { bartParameters, bartRulesForFlax } from '@easel/bart/internals';
import { AdamW, constantSchedule, loadWeights, readTogether } from '@easel/core';
import { fromMsgpack } from '@easel/core/node';
import {
  ORIGINAL_STATE,
  readOriginalState,
  type Seq2SeqBatch,
  seq2seqGradients,
  trainedWeights,
  writeOriginalState,
} from '@easel/train/internals';
import * as tf from '@tensorflow/tfjs';
import type { Checks } from '../../checks.js';
import { GoldenArrays, readJson } from '../../golden.js';
import type { Case, GoldenFolder } from '../../kind.js';
import { flaxName, partOf } from '../bart/flax-names.js';
import { optimizerSettings } from './original-state.js';

/** A run that goes on from another run's files. */
interface ResumedRun {
  readonly learning_rate: readonly number[];
  readonly loss: readonly number[];
}

/**
 * Makes the cases of runs that begin with an earlier run's files: weights and optimizer state, or
 * weights alone. The flags are those of make_train.py in the golden folder.
 */
export function resumedCases(folder: GoldenFolder): Case[] {
  const recorded = readJson<Record<'restored' | 'weights_only', ResumedRun>>(folder.file('run.json'));
  const config = folder.parentFile(join('model_scanned', 'config.json'));
  if (config === undefined) throw new Error('no model folder beside the run');
  const modelConfig = parseDalleBartConfig(readJson(config), config);
  return [
    {
      name: 'restored',
      run: (checks) => replay(checks, folder, modelConfig, 'restored', recorded.restored),
    },
    {
      name: 'weights_only',
      run: (checks) => replay(checks, folder, modelConfig, 'weights_only', recorded.weights_only),
    },
    {
      name: 'opt_state.msgpack',
      run: (checks) => compareBytes(checks, folder, modelConfig),
    },
  ];
}

const FLAGS = { optim: 'adam', learning_rate: 0.01, warmup_steps: 4 };

async function replay(
  checks: Checks,
  folder: GoldenFolder,
  config: DalleBartConfig,
  name: 'restored' | 'weights_only',
  recorded: ResumedRun,
): Promise<void> {
  const arrays = new GoldenArrays(folder.file(`${name}.safetensors`));
  const model = new DalleBart(config);
  const schedule = constantSchedule({
    learningRate: FLAGS.learning_rate,
    warmupSteps: FLAGS.warmup_steps,
    offset: 0,
  });
  const optimizer = new AdamW({ schedule });
  const trained = trainedWeights(model, { trainable: 'all' });
  try {
    if (name === 'restored') {
      const path = folder.file('flax_model.msgpack');
      const source = fromMsgpack(new Uint8Array(await readFile(path)), path);
      await loadWeights(trained, source, bartRulesForFlax(config, source));
      const subject = { model, optimizer: optimizerSettings(FLAGS), trained };
      const state = await readOriginalState(folder.file(ORIGINAL_STATE), subject);
      await optimizer.loadState(state);
      tf.dispose([...state.values()]);
    } else setWeights(trained, config, new GoldenArrays(folder.file('restored.safetensors')));
    for (const [step, loss] of recorded.loss.entries()) {
      const got = await seq2seqGradients(model, trained, [{ batch: batchOf(arrays, step) }]);
      await optimizer.apply(trained, got.grads);
      const [ours] = (await readTogether(got.losses)).map(([loss]) => loss as number);
      tf.dispose([...got.losses, ...got.grads.values()]);
      checks.close('losses', `step ${step + 1}`, [ours as number], [loss], {
        relative: step === 0 ? 1e-5 : 1e-4,
        reason: 'float32, behind some updates',
      });
      checks.close(
        'rates',
        `step ${step + 1}`,
        [schedule(optimizer.step)],
        [recorded.learning_rate[step] as number],
        { absolute: 1e-8, reason: 'float32' },
      );
    }
    for (const parameter of bartParameters(config)) {
      const weights = await (trained.get(parameter.name) as tf.Variable).data();
      const want = partOf(arrays.floats(`last/${flaxName(parameter)}`), parameter);
      checks.close('last parameters', parameter.name, weights, want, {
        absolute: 2e-5,
        reason: 'six updates of Adam with rates up to 1e-2, float32',
      });
    }
  } finally {
    model.dispose();
    optimizer.dispose();
  }
}

/** Checks that a file which is read and written again has the same bytes. */
async function compareBytes(checks: Checks, folder: GoldenFolder, config: DalleBartConfig): Promise<void> {
  const model = new DalleBart(config);
  const out = await mkdtemp(join(tmpdir(), 'easel-state-'));
  try {
    const trained = trainedWeights(model, { trainable: 'all' });
    const subject = { model, optimizer: optimizerSettings(FLAGS), trained };
    const original = folder.file(ORIGINAL_STATE);
    const state = await readOriginalState(original, subject);
    await writeOriginalState(join(out, ORIGINAL_STATE), subject, state);
    tf.dispose([...state.values()]);
    const [ours, theirs] = [await readFile(join(out, ORIGINAL_STATE)), await readFile(original)];
    checks.holds(
      'read and written again',
      ORIGINAL_STATE,
      ours.equals(theirs) ? undefined : `other bytes: ${ours.length} of them, expected ${theirs.length}`,
    );
  } finally {
    model.dispose();
    await rm(out, { recursive: true });
  }
}

function setWeights(
  weights: ReadonlyMap<string, tf.Variable>,
  config: DalleBartConfig,
  arrays: GoldenArrays,
): void {
  for (const parameter of bartParameters(config)) {
    const values = partOf(arrays.floats(`last/${flaxName(parameter)}`), parameter).slice();
    tf.tidy(() => weights.get(parameter.name)?.assign(tf.tensor(values, [...parameter.shape])));
  }
}

/** Returns the batch of a step from arrays [steps, 1, rows, length]. */
function batchOf(arrays: GoldenArrays, step: number): Seq2SeqBatch {
  const part = (name: string): [Int32Array, [number, number]] => {
    const [rows, length] = arrays.shape(`batch/${name}`).slice(-2) as [number, number];
    const all = Int32Array.from(arrays.floats(`batch/${name}`));
    return [all.slice(step * rows * length, (step + 1) * rows * length), [rows, length]];
  };
  return {
    inputIds: tf.tensor2d(...part('input_ids'), 'int32'),
    attentionMask: tf.tensor2d(...part('attention_mask'), 'int32'),
    decoderInputIds: tf.tensor2d(...part('decoder_input_ids'), 'int32'),
    labels: tf.tensor1d(part('labels')[0], 'int32'),
  };
}
