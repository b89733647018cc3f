import { DalleBart } from '@easel/bart';
import { prngKey } from '@easel/core';
import type { Seq2SeqConfig } from '../config/seq2seq-config.js';
import type { Ranks } from '../ranks/ranks.js';
import { followTraining } from '../run/follow-training.js';
import { releasing } from '../run/releasing.js';
import type { TrainingOptions, TrainingResult } from '../run/training-loop.js';
import { openSeq2SeqData } from './seq2seq-data.js';
import { Seq2SeqTask } from './seq2seq-task.js';
import { updateSubject } from './seq2seq-update.js';
import { requireSameData, shareState, takeStart } from './shared-run.js';
import { holdWeights } from './trained-weights.js';
import { seq2seqLength } from './training-rows.js';

/**
 * Trains with rank 0, which calls `trainSeq2Seq`. Of files this rank reads the training sets alone:
 * model, tokenizer, weights and the place to go on come from rank 0. Throws RankError if another rank
 * gives up.
 */
export function followSeq2Seq(
  config: Seq2SeqConfig,
  ranks: Ranks,
  options: TrainingOptions,
): Promise<TrainingResult> {
  return releasing(async (own) => {
    const start = await takeStart(ranks, own);
    const model = own(new DalleBart(start.modelConfig), (one) => one.dispose());
    const data = await openSeq2SeqData(trainingOnly(config), start, prngKey(config.seed), start.resumed);
    own(data.rows, (rows) => rows.close());
    const { steps } = await seq2seqLength(config, data.rows);
    await requireSameData(ranks, { data: data.rows.digest, steps });
    const subject = updateSubject(config, model, steps, ranks);
    const optimizer = own(subject.optimizer, (one) => one.dispose());
    const weights = model.namedWeights();
    await shareState(ranks, weights, optimizer);
    holdWeights(weights, config.weights);
    const task = new Seq2SeqTask({
      ...subject,
      config: trainingOnly(config),
      rows: data.rows,
      splits: {},
      steps,
      samples: null,
      readText: (ids) => start.tokenizer.decode(ids),
      exportModel: () => Promise.reject(new Error('rank 0 writes the model')),
    });
    return followTraining(task, ranks, start.resumed?.step ?? 0, options);
  });
}

/** The config without what rank 0 does alone. What is held out from the training rows stays. */
function trainingOnly(config: Seq2SeqConfig): Seq2SeqConfig {
  return {
    ...config,
    data: { ...config.data, eval: null, evals: {} },
    evaluation: { ...config.evaluation, trainRows: 0 },
    log: { ...config.log, norms: 0, histograms: 0 },
  };
}
