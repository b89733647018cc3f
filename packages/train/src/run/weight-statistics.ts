import { normOf, sumsOfSquares } from '@easel/core/internals';
import type * as tf from '@tensorflow/tfjs';

/**
 * Counts of a tensor's values in ten equal bins from its least to its greatest, as numpy's
 * `histogram` makes them.
 */
export interface Histogram {
  /** Eleven edges, rising; ±0.5 around the value if all are the same. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  /** Σ of the values, and of their squares. */
  readonly sum: number;
  readonly sumOfSquares: number;
}

/** Numbers by the path of a weight. */
type ByName<T> = Readonly<Record<string, T>>;

/** Statistics of a run's weights and gradients after a step. */
export interface WeightStatistics {
  /**
   * √Σx² of each trained weight after the update, and of its gradient over all samples of the
   * update, before clipping.
   */
  readonly norms?: { readonly gradients: ByName<number>; readonly parameters: ByName<number> };
  readonly histograms?: { readonly gradients: ByName<Histogram>; readonly parameters: ByName<Histogram> };
}

/** Steps between two such statistics; 0 means never. */
export interface StatisticsPace {
  readonly norms: number;
  readonly histograms: number;
}

const BINS = 10;

/** Whether any statistics are due after this step. */
export function statisticsDue({ norms, histograms }: StatisticsPace, step: number): boolean {
  return due(norms, step) || due(histograms, step);
}

const due = (every: number, step: number): boolean => every > 0 && step % every === 0;

/**
 * Collects statistics of gradients and weights around an update. Await it before the update (the
 * gradients are gone afterwards), and then await `after`. At a step where nothing is due it returns
 * undefined and reads nothing. Source: dalle-mini `tools/train/train.py`, log_norm_steps and
 * log_histogram_steps.
 */
export async function weightStatistics(
  pace: StatisticsPace,
  step: number,
  gradients: ReadonlyMap<string, tf.Tensor>,
): Promise<{ after(weights: ReadonlyMap<string, tf.Tensor>): Promise<WeightStatistics> } | undefined> {
  if (!statisticsDue(pace, step)) return undefined;
  const gradientNorms = due(pace.norms, step) ? await norms(gradients) : undefined;
  const gradientHistograms = due(pace.histograms, step) ? await histograms(gradients) : undefined;
  return {
    after: async (weights) => ({
      ...(gradientNorms && { norms: { gradients: gradientNorms, parameters: await norms(weights) } }),
      ...(gradientHistograms && {
        histograms: { gradients: gradientHistograms, parameters: await histograms(weights) },
      }),
    }),
  };
}

/** Computes the norm of each tensor with one read. */
async function norms(tensors: ReadonlyMap<string, tf.Tensor>): Promise<ByName<number>> {
  const squares = sumsOfSquares(tensors.values());
  const values = await squares.data();
  squares.dispose();
  return Object.fromEntries([...tensors.keys()].map((name, i) => [name, normOf([values[i] as number])]));
}

async function histograms(tensors: ReadonlyMap<string, tf.Tensor>): Promise<ByName<Histogram>> {
  const found: Record<string, Histogram> = {};
  for (const [name, tensor] of tensors) found[name] = histogram(await tensor.data());
  return found;
}

/** Makes the histogram of some finite values. */
export function histogram(values: ArrayLike<number>): Histogram {
  let [min, max, sum, sumOfSquares] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
    sumOfSquares += value * value;
  }
  if (values.length === 0) [min, max] = [0, 1];
  if (min === max) [min, max] = [min - 0.5, max + 0.5];
  const counts = new Array<number>(BINS).fill(0);
  const scale = BINS / (max - min);
  for (let i = 0; i < values.length; i++) {
    const bin = Math.min(BINS - 1, Math.floor(((values[i] as number) - min) * scale)); // the last bin has both its ends
    counts[bin] = (counts[bin] as number) + 1;
  }
  const edges = Array.from({ length: BINS + 1 }, (_, i) => min + (i * (max - min)) / BINS);
  return { edges, counts, sum, sumOfSquares };
}
