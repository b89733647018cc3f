import { ConfigError } from '@easel/core';
import { didYouMean } from '@easel/core/internals';
import type { CheckpointSettings } from '../config/optimization.js';

/** Numbers of an evaluation by name, by split. */
export type Splits = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The evaluation whose checkpoint is kept. */
export interface BestEvaluation {
  /** Metric as in the config: split and name, "eval.loss". */
  readonly metric: string;
  readonly value: number;
  /** Updates that had been done. */
  readonly step: number;
}

/**
 * Returns this evaluation if it is better than the best so far, else null. Also returns null if the
 * run doesn't look for the best. An earlier best by another metric doesn't count, and NaN is never
 * better.
 *
 * Throws ConfigError if the evaluation has no such number.
 */
export function betterEvaluation(
  wanted: CheckpointSettings['best'],
  splits: Splits,
  step: number,
  soFar: BestEvaluation | null,
): BestEvaluation | null {
  if (wanted === null) return null;
  const { metric, goal } = wanted;
  const numbers = new Map<string, number>();
  for (const [split, values] of Object.entries(splits))
    for (const [name, value] of Object.entries(values)) numbers.set(`${split}.${name}`, value);
  const value = numbers.get(metric);
  if (value === undefined)
    throw new ConfigError(
      `Training: checkpoint.best.metric: the evaluation has no "${metric}".${didYouMean(metric, [...numbers.keys()])} It has ${[...numbers.keys()].join(', ') || 'no numbers: name a set (data.eval), or evalFraction, or evaluation.trainRows'}.`,
    );
  if (Number.isNaN(value)) return null;
  const before = soFar?.metric === metric ? soFar.value : null;
  const better = before === null || (goal === 'lowest' ? value < before : value > before);
  return better ? { metric, value, step } : null;
}
