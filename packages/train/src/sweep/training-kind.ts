import { parseDalleBartConfig } from '@easel/bart';
import { parseSeq2SeqConfig } from '../config/seq2seq-config.js';
import { parseVqganTrainingConfig } from '../config/vqgan-config.js';
import type { TrainingEvent, TrainingOptions, TrainingResult } from '../run/training-loop.js';
import { trainSeq2Seq } from '../seq2seq/train-seq2seq.js';
import { trainVqgan } from '../vqgan/train-vqgan.js';
import type { SweepKind } from './sweep-kind.js';

function trainingKind<C extends { readonly steps: number | null }>(
  name: string,
  parse: (json: unknown) => C,
  train: (config: C, options: TrainingOptions) => Promise<TrainingResult>,
): SweepKind {
  return {
    name,
    unit: 'steps',
    check: (settings) => parse(settings).steps,
    run: async (settings, { out, signal, onProgress }) => {
      const onEvent = (event: TrainingEvent) => {
        if (event.kind === 'step') onProgress(event.step, event.steps, `loss ${event.loss.toPrecision(4)}`);
      };
      return (await train(parse(settings), { out, resume: true, signal, onEvent })).complete;
    },
  };
}

/** A sweep of runs of `easel train`. */
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

/** A sweep of runs of `easel train-vqgan`. */
export const vqganKind = trainingKind(
  'vqgan',
  (json) => parseVqganTrainingConfig(json, 'settings'),
  trainVqgan,
);
