import { parseDalleBartConfig } from '@easel/bart';
import { parseSeq2SeqConfig } from '../config/seq2seq-config.js';
import { parseVqganTrainingConfig } from '../config/vqgan-config.js';
import { createSchedule } from '../optimization.js';
import { trainSeq2Seq } from '../train-seq2seq.js';
import { trainVqgan } from '../train-vqgan.js';
import type { TrainingEvent, TrainingOptions, TrainingResult } from '../training-loop.js';
import type { SweepKind } from './sweep-kind.js';

/** What the kinds of training share. */
interface TrainingSettings {
  readonly steps: number;
  readonly schedule: Parameters<typeof createSchedule>[0];
}

function trainingKind<C extends TrainingSettings>(
  name: string,
  parse: (json: unknown) => C,
  train: (config: C, options: TrainingOptions) => Promise<TrainingResult>,
): SweepKind {
  return {
    name,
    unit: 'steps',
    check: (settings) => {
      const config = parse(settings);
      createSchedule(config.schedule, config.steps);
      return config.steps;
    },
    run: async (settings, { out, signal, onProgress }) => {
      const onEvent = (event: TrainingEvent) => {
        if (event.kind === 'step') onProgress(event.step, `loss ${event.loss.toPrecision(4)}`);
      };
      return (await train(parse(settings), { out, resume: true, signal, onEvent })).complete;
    },
  };
}

/** `easel train` as a kind of sweep. */
export const seq2seqKind = trainingKind(
  'seq2seq',
  (json) => {
    const config = parseSeq2SeqConfig(json, 'settings');
    if (typeof config.model === 'object' && config.model !== null)
      parseDalleBartConfig(config.model, 'model');
    return config;
  },
  trainSeq2Seq,
);

/** `easel train-vqgan` as a kind of sweep. */
export const vqganKind = trainingKind(
  'vqgan',
  (json) => parseVqganTrainingConfig(json, 'settings'),
  trainVqgan,
);
