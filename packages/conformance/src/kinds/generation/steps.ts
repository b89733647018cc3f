import {
  forcedToken,
  type LogitsRule,
  minLength,
  superConditioned,
  temperature,
  topK,
  topP,
} from '@easel/bart/internals';
import * as tf from '@tensorflow/tfjs';
import type { Checks, Tolerance } from '../../checks.js';
import type { GoldenArrays } from '../../golden.js';
import type { AnyBart } from '../bart/open-model.js';
import { type GoldenRun, inputsOf } from './run-arguments.js';

/**
 * Compares the logits of each step of a run whose stages are recorded: `raw` after super
 * conditioning, then after each rule. The recorded tokens are fed, so that one wrong step does not
 * hide the others.
 */
export async function checkSteps(
  checks: Checks,
  model: AnyBart,
  io: GoldenArrays,
  run: GoldenRun,
): Promise<void> {
  const stages = io.names.filter((name) => name.startsWith(`${run.name}.steps.`));
  if (stages.length === 0) return;
  const scale = run.condition_scale ?? 1;
  const tolerance: Tolerance = {
    absolute: (1e-4 * Math.max(1, Math.abs(scale), Math.abs(1 - scale))) / Math.min(1, run.temperature ?? 1),
    reason: 'float32 noise of logits, times the condition scale and over the temperature',
  };
  const [steps, rows, vocabulary] = io.shape(stages[0] as string) as [number, number, number];
  const sequences = io.ints(`${run.name}.sequences`);
  const length = io.shape(`${run.name}.sequences`)[1] as number;
  const rules = rulesOf(model, run, steps);

  for await (const { step, logits } of fedLogits(
    model,
    io,
    run,
    scale,
    (row, step) => sequences[row * length + step] as number,
    steps,
  )) {
    for (let row = 0; row < rows; row++) {
      let changed = logits[row] as Float32Array;
      const compare = (stage: string): void => {
        const name = `${run.name}.steps.${stage}`;
        if (!io.has(name)) return;
        const at = (step * rows + row) * vocabulary;
        const expected = io.floats(name).subarray(at, at + vocabulary);
        checks.close('logits of steps', `${stage}, step ${step}, row ${row}`, changed, expected, tolerance);
      };
      compare('raw');
      for (const [stage, rule] of rules) {
        changed = rule(changed, step + 1);
        compare(stage);
      }
    }
  }
}

/**
 * Returns the original's rules in its order, with the names of their stages. `processed` is the
 * stage after the first three.
 */
function rulesOf(model: AnyBart, run: GoldenRun, steps: number): [string, LogitsRule][] {
  const { config } = model;
  const same: LogitsRule = (logits) => logits;
  const eos = run.eos_token_id ?? config.eosTokenId;
  const rules: [string, LogitsRule | undefined][] = [
    ['MinLength', run.min_length === undefined ? undefined : minLength(run.min_length, eos)],
    [
      'ForcedBOSToken',
      run.forced_bos_token_id === undefined ? undefined : forcedToken(run.forced_bos_token_id, 1),
    ],
    [
      'ForcedEOSToken',
      run.forced_eos_token_id === undefined ? undefined : forcedToken(run.forced_eos_token_id, steps),
    ],
    ['processed', same],
    ['Temperature', temperature(run.temperature ?? config.temperature)],
    ['TopK', topK(run.top_k ?? config.topK)],
    ['TopP', (run.top_p ?? config.topP) < 1 ? topP(run.top_p ?? config.topP) : undefined],
  ];
  return rules.filter((entry): entry is [string, LogitsRule] => entry[1] !== undefined);
}

/**
 * Yields the logits [rows][V] of each step after super conditioning, when `token(row, step)` is
 * fed.
 */
async function* fedLogits(
  model: AnyBart,
  io: GoldenArrays,
  run: GoldenRun,
  scale: number,
  token: (row: number, step: number) => number,
  steps: number,
): AsyncGenerator<{ step: number; logits: Float32Array[] }> {
  const inputs = inputsOf(io, run);
  const twice = scale !== 1;
  const join = (a: Int32Array, b: Int32Array | undefined): Int32Array =>
    twice ? Int32Array.of(...a, ...(b ?? [])) : a;
  const rows = inputs.rows;
  const shape: [number, number] = [twice ? 2 * rows : rows, inputs.length];
  const ids = tf.tensor2d(join(inputs.inputIds, inputs.uncondInputIds), shape, 'int32');
  const mask = tf.tensor2d(join(inputs.attentionMask, inputs.uncondAttentionMask), shape, 'int32');
  const all = Int32Array.from({ length: shape[0] }, (_, row) => row);
  const room = { rows: shape[0], length: steps, texts: shape[0], textLength: inputs.length };
  const state = model.startDecoding(room);
  const encoded = model.encode(ids, mask);
  model.setTexts(state, 0, encoded, mask);
  tf.dispose([ids, mask, encoded]);
  try {
    for (let step = 0; step < steps; step++) {
      const column = Int32Array.from({ length: shape[0] }, (_, row) => token(row % rows, step));
      const positions = new Int32Array(shape[0]).fill(step);
      const tensor = model.step(state, { ids: column, positions, rows: all, texts: all });
      const flat = (await tensor.data()) as Float32Array;
      tensor.dispose();
      const vocabulary = flat.length / shape[0];
      const rowOf = (row: number): Float32Array => flat.slice(row * vocabulary, (row + 1) * vocabulary);
      yield {
        step,
        logits: Array.from({ length: rows }, (_, row) =>
          twice ? superConditioned(rowOf(row), rowOf(rows + row), scale) : rowOf(row),
        ),
      };
    }
  } finally {
    state.dispose();
  }
}
