import { dalleBartConfigToJson } from '@easel/bart';
import { pictureGrid, prngKey, type Raster } from '@easel/core';
import { drawTokens } from '@easel/vqgan';
import { openVqgan } from '@easel/vqgan/node';
import type { Seq2SeqConfig } from '../config/seq2seq-config.js';
import { imaginedRanks, planRanks } from '../ranks/plan-ranks.js';
import { loadingOptions, type OnLoading } from '../run/loading.js';
import { nativeBackend } from '../run/native-backend.js';
import { createSchedule } from '../run/optimization.js';
import type { PlanOptions, TimePlan, TrainingPlan } from '../run/training-plan.js';
import { planMemory } from './memory-plan.js';
import { MicroBatches, type ReadableRow } from './micro-batches.js';
import { parameterGroups } from './parameter-groups.js';
import { openSeq2SeqData } from './seq2seq-data.js';
import { seq2seqUpdate, updateSubject } from './seq2seq-update.js';
import { requireMicroBatches } from './shared-run.js';
import { type StartingPoint, startingPoint } from './starting-point.js';
import { stepFlop } from './step-flop.js';
import { holdWeights } from './trained-weights.js';
import { seq2seqLength, type TrainingRows } from './training-rows.js';

/** The plan of a run. */
export interface Seq2SeqPlan extends TrainingPlan {
  /** The first update's rows as the model reads them, and as pictures if there is a VQGAN. */
  readonly batch: { readonly rows: readonly ReadableRow[]; readonly picture: Raster | undefined };
}

/**
 * Number of updates that are timed. An update before them is not timed, because it allocates memory
 * that the others reuse.
 */
const TIMED_UPDATES = 3;

/**
 * Checks a run's config against its files and plans the run. It reads the data, simulates updates
 * to find their memory, and, if that fits this machine, makes a few updates to measure their time.
 * Nothing is written.
 *
 * Throws as trainSeq2Seq does for input that doesn't fit. An aborted `signal` ends the timing early.
 */
export async function planSeq2Seq(config: Seq2SeqConfig, options: PlanOptions = {}): Promise<Seq2SeqPlan> {
  const key = prngKey(config.seed);
  const start = await startingPoint(config, key, options.onEvent);
  const { modelConfig, tokenizer, vqgan } = start;
  if (options.ranks !== undefined) requireMicroBatches(config, options.ranks.ranks);
  const { rows } = await openSeq2SeqData(config, start, key, undefined);
  try {
    const length = await seq2seqLength(config, rows);
    const { steps } = length;
    createSchedule(config.schedule, steps); // refuses a warm-up that doesn't fit
    const size = options.ranks?.ranks ?? 1;
    const memory = await planMemory(config, modelConfig, rows.textLength, imaginedRanks(size));
    const availableBytes = process.availableMemory();
    const first = await rows.update(0);
    const microBatches = new MicroBatches(config, steps, rows.blanked);
    const readable = await microBatches.readable(first, 0, (ids) => tokenizer.decode(ids));
    const picture = vqgan === null ? undefined : await drawRows(vqgan, readable, options.onEvent);
    const { trainable, gradientCheckpointing: rematerialize, batchSize, accumulate } = config;
    const flop = stepFlop(modelConfig, {
      rows: batchSize * accumulate,
      textLength: rows.textLength,
      rematerialize,
      trainable,
    });
    const peakFlops = (await nativeBackend())?.multiplyAddPeak();
    const fits = memory === undefined || memory.total - memory.process < availableBytes;
    const time =
      fits && (options.time ?? true)
        ? await measureTime(config, start, microBatches, rows, steps, options.signal)
        : estimatedTime(flop, peakFlops, steps);
    const parameters = parameterGroups(modelConfig, trainable);
    const weights = parameters.reduce((sum, { trained }) => sum + trained, 0);
    const shared = { microBatches: accumulate, order: config.ranks.order, weights };
    return {
      ...(options.ranks && { ranks: planRanks(options.ranks, shared, time?.secondsPerUpdate) }),
      settings: { ...config, ...(config.init === null && { model: dalleBartConfigToJson(modelConfig) }) },
      steps,
      length,
      parameters,
      memory,
      availableBytes,
      flop,
      peakFlops,
      time,
      batch: { rows: readable, picture },
    };
  } finally {
    await rows.close();
  }
}

async function measureTime(
  config: Seq2SeqConfig,
  start: StartingPoint,
  microBatches: MicroBatches,
  rows: TrainingRows,
  steps: number,
  signal: AbortSignal | undefined,
): Promise<TimePlan | undefined> {
  const model = await start.build();
  holdWeights(model.namedWeights(), config.weights);
  const subject = updateSubject(config, model, steps);
  let [updates, seconds] = [0, 0];
  try {
    for (let step = 1; updates < TIMED_UPDATES && !signal?.aborted; step++) {
      const began = performance.now();
      const batches = microBatches.of(await rows.update(step), step);
      await seq2seqUpdate(subject, batches, step, () => {});
      if (step === 1) continue;
      updates++;
      seconds += (performance.now() - began) / 1000;
    }
  } finally {
    subject.optimizer.dispose();
    model.dispose();
  }
  if (updates === 0) return undefined;
  const secondsPerUpdate = seconds / updates;
  return { how: 'measured', updates, secondsPerUpdate, seconds: secondsPerUpdate * steps };
}

function estimatedTime(flop: number, peak: number | undefined, steps: number): TimePlan | undefined {
  if (peak === undefined) return undefined;
  return { how: 'at least', updates: 0, secondsPerUpdate: flop / peak, seconds: (flop / peak) * steps };
}

/**
 * Draws the pictures of the rows' tokens, in the order of the rows. Returns undefined if the tokens
 * do not fill a square.
 */
async function drawRows(
  folder: string,
  rows: readonly ReadableRow[],
  tell: OnLoading,
): Promise<Raster | undefined> {
  const length = rows[0]?.tokens.length ?? 0;
  if (!Number.isInteger(Math.sqrt(length))) return undefined;
  const vqgan = await openVqgan(folder, { decoderOnly: true, ...loadingOptions('the VQGAN', tell) });
  try {
    const drawn: Raster[] = [];
    for (const { tokens } of rows) drawn.push(...(await drawTokens(vqgan, [tokens])));
    return pictureGrid(drawn, Math.min(8, rows.length));
  } finally {
    vqgan.dispose();
  }
}
