import type { Ranks } from '../ranks/ranks.js';
import type { TrainingOptions, TrainingResult } from './training-loop.js';
import type { TrainingTask } from './training-task.js';

/**
 * Makes a run's updates, from number `start` on, together with rank 0, which runs `runTraining`.
 * This rank writes nothing: it computes its micro-batches, and goes on or stops as all agree. Throws
 * RankError if another rank gives up.
 */
export async function followTraining(
  task: TrainingTask,
  ranks: Ranks,
  start: number,
  { signal }: Pick<TrainingOptions, 'signal'>,
): Promise<TrainingResult> {
  const wanted = () => ({ stop: signal?.aborted ?? false, save: false });
  let step = start;
  let loss = Number.NaN;
  let seconds = 0;
  let { stop } = await ranks.agree(wanted());
  while (step < task.steps && !stop) {
    const began = performance.now();
    loss = (await task.update(step++)).loss;
    seconds += (performance.now() - began) / 1000;
    await task.compareRanks?.(step);
    stop = (await ranks.agree(wanted())).stop;
  }
  return { complete: step === task.steps, step, loss, seconds, model: '', checkpoint: '', splits: {} };
}
