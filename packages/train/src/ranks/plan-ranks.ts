import { oneProcess } from '@easel/mpi';
import { Ranks } from './ranks.js';

/** The ranks that will share a run, and how fast they add up. */
export interface MeasuredRanks {
  readonly ranks: number;
  /** Bytes of float32 gradients that are summed over all ranks in a second. */
  readonly bytesPerSecond: number;
}

/** How the ranks will share each update. */
export interface RanksPlan extends MeasuredRanks {
  /** Number of an update's micro-batches, and of those that rank 0 computes; no rank has more. */
  readonly microBatches: number;
  readonly own: number;
  /** Bytes that each rank sends in an update. */
  readonly sentBytes: number;
  /** Seconds of an update's sums, with nothing to hide behind. */
  readonly sumSeconds: number;
  /**
   * The time of one process divided by the ranks' number and by their time, if each rank computes as
   * fast as this process alone, and the sums hide behind nothing. Undefined if the time isn't known.
   */
  readonly efficiency: number | undefined;
}

/** Bytes of the sums that are measured, and their number after one that is not counted. */
const MEASURED_BYTES = 32 << 20;
const MEASURED_SUMS = 3;

/** Measures sums over the ranks. All of them call it. Undefined for one process. */
export async function measureRanks({ communicator, size }: Ranks): Promise<MeasuredRanks | undefined> {
  if (size === 1) return undefined;
  const values = new Float32Array(MEASURED_BYTES / 4);
  await communicator.allReduce(values);
  const began = performance.now();
  for (let i = 0; i < MEASURED_SUMS; i++) await communicator.allReduce(values);
  const seconds = (performance.now() - began) / 1000;
  return { ranks: size, bytesPerSecond: (MEASURED_SUMS * MEASURED_BYTES) / seconds };
}

/**
 * Plans the sums of a run's updates. `weights` counts the numbers that are trained; `seconds` are those
 * of an update in one process.
 */
export function planRanks(
  { ranks, bytesPerSecond }: MeasuredRanks,
  run: { readonly microBatches: number; readonly order: 'any' | 'micro-batches'; readonly weights: number },
  seconds: number | undefined,
): RanksPlan {
  const { microBatches, order, weights } = run;
  const own = Math.ceil(microBatches / ranks);
  const bytes = 4 * weights * (order === 'any' ? 1 : own);
  const sumSeconds = bytes / bytesPerSecond;
  const shared = seconds === undefined ? undefined : (seconds * own) / microBatches + sumSeconds;
  return {
    ranks,
    bytesPerSecond,
    microBatches,
    own,
    sentBytes: (2 * (ranks - 1) * bytes) / ranks,
    sumSeconds,
    efficiency: shared === undefined ? undefined : (seconds as number) / ranks / shared,
  };
}

/** Rank 0 of so many ranks whose exchanges do nothing, to play an update through on. */
export function imaginedRanks(size: number): Ranks {
  return new Ranks({ ...oneProcess, size });
}
