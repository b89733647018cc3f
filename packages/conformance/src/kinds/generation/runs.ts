import { generateBeams, generateTokens } from '@easel/bart';
import * as tf from '@tensorflow/tfjs';
import type { Checks, Tolerance } from '../../checks.js';
import { GoldenArrays, readJson } from '../../golden.js';
import type { Case, GoldenFolder } from '../../kind.js';
import type { AnyBart } from '../bart/open-model.js';
import { type GoldenRun, given, inputsOf, rowOptionsOf, samplingOptionsOf } from './run-arguments.js';
import { checkSteps } from './steps.js';
import { withModel } from './with-model.js';

const STATES: Tolerance = { absolute: 1e-4, reason: "float32: 10 × the original's own noise" };
/** Sums of up to max_length log-probabilities; −1e7 stands for −∞ and is whole. */
const SCORES: Tolerance = { absolute: 1e-4, reason: 'sums of float32 log-probabilities' };

/** Makes one case for each call in runs.json, with the folder's model. */
export function runCases(folder: GoldenFolder): Case[] {
  const io = (): GoldenArrays => new GoldenArrays(folder.file('io.safetensors'));
  const states: Case = {
    name: 'encoder states',
    run: (checks) => withModel(folder, (model) => checkStates(checks, model, io())),
  };
  const runs = readJson<GoldenRun[]>(folder.file('runs.json'));
  return [
    states,
    ...runs.map((run) => ({
      name: run.name,
      run: (checks: Checks) => withModel(folder, (model) => checkRun(checks, model, io(), run)),
    })),
  ];
}

async function checkStates(checks: Checks, model: AnyBart, io: GoldenArrays): Promise<void> {
  for (const suffix of ['', '_uncond']) {
    const name = `encoder_last_hidden_state${suffix}`;
    if (!io.has(name)) continue;
    const encoded = tf.tidy(() =>
      model.encode(
        io.tensor<tf.Rank.R2>(`input_ids${suffix}`),
        io.tensor<tf.Rank.R2>(`attention_mask${suffix}`),
      ),
    );
    checks.close('states', name, await encoded.data(), io.floats(name), STATES);
    encoded.dispose();
  }
}

async function checkRun(checks: Checks, model: AnyBart, io: GoldenArrays, run: GoldenRun): Promise<void> {
  const name = `${run.name}.sequences`;
  const [rows, length] = io.shape(name) as [number, number];
  const expected = io.ints(name);
  const sequence = (row: number): number[] => [...expected.subarray(row * length, (row + 1) * length)];
  const inputs = inputsOf(io, run);
  const compare = (tokens: readonly Int32Array[]): void => {
    checks.equal('rows', 'rows', tokens.length, rows);
    for (const [row, ids] of tokens.entries()) {
      // Column 0 is the start token; 0 as the start means "not given" to the original.
      const start = run.decoder_start_token_id || model.config.decoderStartTokenId;
      checks.equal('ids', `row ${row}`, [start, ...ids], sequence(row));
    }
  };
  if (run.num_beams !== undefined && run.num_beams > 1) {
    const { tokens, scores } = await generateBeams(model, inputs, {
      beams: run.num_beams,
      ...rowOptionsOf(run),
      ...given({ lengthPenalty: run.length_penalty, earlyStopping: run.early_stopping }),
    });
    compare(tokens);
    checks.close('scores', 'scores', scores, io.floats(`${run.name}.scores`), SCORES);
    return;
  }
  compare(await generateTokens(model, inputs, samplingOptionsOf(run)));
  await checkSteps(checks, model, io, run);
}
