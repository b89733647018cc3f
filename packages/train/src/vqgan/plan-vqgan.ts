import { pictureGrid, prngKey, type Raster } from '@easel/core';
import { splitPictures } from '@easel/core/internals';
import { CodebookTracker, type Vqgan, vqganConfigToJson } from '@easel/vqgan';
import * as tf from '@tensorflow/tfjs';
import type { RunLength } from '../config/run-length.js';
import { type SizedVqganConfig, type VqganTrainingConfig, withSteps } from '../config/vqgan-config.js';
import { nativeBackend } from '../run/native-backend.js';
import { createOptimizer, createSchedule } from '../run/optimization.js';
import { type Own, releasing } from '../run/releasing.js';
import type {
  MemoryPlan,
  ParameterGroup,
  PlanOptions,
  TimePlan,
  TrainingPlan,
} from '../run/training-plan.js';
import type { SkippedPicture } from '../sources/picture-source.js';
import { createJudges, vqganLength, vqganStart } from './train-vqgan.js';
import { trainedVqganWeights } from './trained-weights.js';
import type { TrainingPictures } from './training-pictures.js';
import { countFailures, readVqganPictures, type VqganPictures } from './vqgan-pictures.js';
import { VqganTask } from './vqgan-task.js';

/** The plan of a VQGAN's run. */
export interface VqganPlan extends TrainingPlan {
  readonly pictures: {
    /**
     * Number of pictures to train on. In a streamed run these are all pictures of the source, which
     * are not decoded yet.
     */
    readonly training: number;
    /** Number of pictures that are evaluated, and whether they are held out of the training. */
    readonly evaluated: number;
    readonly heldOut: boolean;
    /** Number of pictures that were left out, by reason. */
    readonly failures: Readonly<Partial<Record<SkippedPicture['kind'], number>>>;
  };
  /** The first update's pictures: their names, and the pictures as the model sees them. */
  readonly batch: { readonly files: readonly string[]; readonly picture: Raster };
}

/**
 * Number of updates that are timed. An update before them is not timed, because it allocates memory
 * that the others reuse.
 */
const TIMED_UPDATES = 3;

/** Bytes of heap and code that a run adds to those of this process before its first step. */
const GROWTH_BYTES = 20e6;

/**
 * Checks a run's config against its files and plans the run. It reads the pictures, simulates
 * updates to find their memory, and, if that fits this machine, makes a few updates to measure
 * their time. Nothing is written.
 *
 * Throws as trainVqgan does for input that doesn't fit. An aborted `signal` ends the reading, with
 * the signal's reason, or the timing.
 */
export function planVqgan(given: VqganTrainingConfig, options: PlanOptions = {}): Promise<VqganPlan> {
  return releasing(async (own) => {
    const { config, length, vqgan, data, task } = await openTask(given, options, own);
    const memory = await planMemory(config, vqgan.config.resolution);
    const availableBytes = process.availableMemory();
    const { files, pixels } = await data.training.update(0);
    const { resolution: size } = vqgan.config;
    const pictures = splitPictures(pixels, { height: size, width: size });
    const peakFlops = (await nativeBackend())?.multiplyAddPeak();
    const fits = memory === undefined || memory.total - memory.process < availableBytes;
    const time =
      fits && (options.time ?? true)
        ? await measureTime(task, config, options.signal)
        : estimatedTime(memory?.flop, peakFlops, config.steps);
    return {
      settings: { ...given, ...(config.init === null && { model: vqganConfigToJson(vqgan.config) }) },
      steps: config.steps,
      length,
      parameters: parameterGroups(vqgan, config),
      memory,
      availableBytes,
      flop: memory?.flop,
      peakFlops,
      time,
      pictures: {
        training: data.training.count,
        evaluated: data.evaluated.rows.length,
        heldOut: data.evaluated.name === 'eval',
        failures: countFailures(data.skipped()),
      },
      batch: { files, picture: pictureGrid(pictures, Math.min(8, pictures.length)) },
    };
  });
}

/** Makes a run's task as trainVqgan does. It writes nothing. */
async function openTask(
  given: VqganTrainingConfig,
  { signal, onEvent }: PlanOptions,
  own: Own,
): Promise<{
  readonly config: SizedVqganConfig;
  readonly length: RunLength;
  readonly vqgan: Vqgan;
  readonly data: VqganPictures;
  readonly task: VqganTask;
}> {
  const key = prngKey(given.seed);
  const vqgan = own(await vqganStart(given, key, onEvent), (model) => model.dispose());
  const nowhere = { saveSkipped: async (_: readonly SkippedPicture[]) => {} };
  const data = await readVqganPictures(given, vqgan.config.resolution, key, nowhere, signal);
  own(data.training, (pictures) => pictures.close());
  const length = await vqganLength(given, data);
  const config = withSteps(given, length.steps);
  return { config, length, vqgan, data, task: await makeTask(config, vqgan, data, own) };
}

async function makeTask(
  config: SizedVqganConfig,
  vqgan: Vqgan,
  data: Pick<VqganPictures, 'training' | 'evaluated'>,
  own: Own,
  rehearsed = false,
): Promise<VqganTask> {
  const schedule = createSchedule(config.schedule, config.steps);
  const judges = await createJudges(config, schedule, vqgan.config.resolution, prngKey(config.seed), own);
  const optimizer = own(createOptimizer(config.optimizer, schedule, vqgan.namedWeights()), (one) =>
    one.dispose(),
  );
  const following = { norm: vqgan.config.codebookNorm, ...config.codebook };
  const tracker = own(await CodebookTracker.create(vqgan.quantizer.codes, following), (one) => one.dispose());
  const unused = async () => {};
  const parts = { config, vqgan, optimizer, tracker, ...judges, ...data };
  return new VqganTask({ ...parts, showGrid: unused, exportModel: unused, rehearsed });
}

/**
 * Returns the number of the last update. Codebook and discriminator take part in it if they ever
 * do.
 */
const fullStep = ({ steps }: SizedVqganConfig) => steps - 1;

/**
 * Measures the time of an update before the discriminator begins and after it has begun, with the
 * number of updates of each kind.
 */
async function measureTime(
  task: VqganTask,
  config: SizedVqganConfig,
  signal: AbortSignal | undefined,
): Promise<TimePlan | undefined> {
  const { steps, adversarial } = config;
  const without = adversarial === null ? steps : adversarial.idle ? adversarial.startStep : 0;
  const phases = [
    { step: without - 1, updates: without },
    { step: fullStep(config), updates: steps - without },
  ].filter(({ updates }) => updates > 0);
  let [timed, seconds] = [0, 0];
  for (const { step, updates } of phases) {
    let [spent, count] = [0, 0];
    for (let i = 0; i <= TIMED_UPDATES && !signal?.aborted; i++) {
      const began = performance.now();
      await task.update(step);
      if (i === 0) continue;
      spent += (performance.now() - began) / 1000;
      count++;
    }
    if (count === 0) return undefined;
    timed += count;
    seconds += (spent / count) * updates;
  }
  return { how: 'measured', updates: timed, secondsPerUpdate: seconds / steps, seconds };
}

function estimatedTime(
  flop: number | undefined,
  peak: number | undefined,
  steps: number,
): TimePlan | undefined {
  if (flop === undefined || peak === undefined) return undefined;
  return { how: 'at least', updates: 0, secondsPerUpdate: flop / peak, seconds: (flop / peak) * steps };
}

/**
 * Finds the memory that a run will need, by simulating updates on the native backend without
 * computing them. Returns undefined if that backend is not built.
 */
async function planMemory(config: SizedVqganConfig, size: number): Promise<MemoryPlan | undefined> {
  const native = await nativeBackend();
  if (native === undefined) return undefined;
  const backend = tf.getBackend();
  await tf.setBackend('native');
  try {
    const before = globalThis.process.memoryUsage.rss();
    const { result, peakBytes, flop } = await native.rehearse(() => play(config, size));
    const { updates, ...parts } = result;
    const process = before + GROWTH_BYTES + parts.weights;
    const activations = peakBytes - parts.weights - parts.gradients - parts.optimizer;
    return { ...parts, activations, process, total: peakBytes + process, flop: flop / updates };
  } finally {
    await tf.setBackend(backend);
  }
}

function play(config: SizedVqganConfig, size: number) {
  return releasing(async (own) => {
    const vqgan = own(await vqganStart(config, prngKey(config.seed)), (model) => model.dispose());
    const training = { size, digest: '' } as TrainingPictures; // asked for nothing
    const evaluated = { name: 'trained', cache: { size } as never, rows: [] };
    const task = await makeTask(config, vqgan, { training, evaluated }, own, true);
    const updates = 2;
    for (let update = 0; update < updates; update++) {
      const pixels = tf.zeros<tf.Rank.R4>([config.batchSize, size, size, 3]);
      await task.compute(fullStep(config), pixels);
      pixels.dispose();
    }
    const { model, optimizer, discriminator, discriminatorOptimizer } = task.checkpointParts();
    const weights = bytesOf(model) + bytesOf(discriminator);
    return {
      updates,
      weights,
      gradients: bytesOf(model),
      optimizer: bytesOf(optimizer) + bytesOf(discriminatorOptimizer),
    };
  });
}

function bytesOf(tensors: ReadonlyMap<string, tf.Tensor> | undefined): number {
  let bytes = 0;
  for (const { size } of tensors?.values() ?? []) bytes += 4 * size;
  return bytes;
}

/** Counts the parameters of a VQGAN by its parts. */
function parameterGroups(vqgan: Vqgan, config: VqganTrainingConfig): ParameterGroup[] {
  const parts: readonly (readonly [name: string, prefix: RegExp])[] = [
    ['encoder', /^(encoder|quant_conv)\./],
    ['codebook', /^quantize\./],
    ['decoder', /./],
  ];
  const trained = trainedVqganWeights(vqgan, config);
  const isAveraged = (name: string) => name.startsWith('quantize.') && config.trainable === 'all';
  const groups = new Map(parts.map(([name]) => [name, { name, count: 0, trained: 0 }]));
  for (const [name, { size }] of vqgan.namedWeights()) {
    const [part] = parts.find(([, prefix]) => prefix.test(name)) as (typeof parts)[number];
    const group = groups.get(part) as { count: number; trained: number };
    group.count += size;
    if (trained.has(name) || isAveraged(name)) group.trained += size;
  }
  return [...groups.values()];
}
