import { shampooBlocks } from '@easel/core/internals';
import { readJson } from '../../golden.js';
import type { Case } from '../../kind.js';

interface RecordedShape {
  readonly shape: readonly number[];
  readonly block_size: number;
  readonly merge_small_dims_block_size: number;
  readonly merged: readonly number[];
  readonly splits: readonly (readonly number[])[];
  readonly skipped: boolean;
  readonly exponent: number | null;
  readonly statistics_runs: readonly (readonly [size: number, count: number])[];
}

/** The limit above which the original only grafts; the recordings were made with it. */
const SKIP = 4096;

/** `shampoo_shapes.json`: how shapes are merged and cut into blocks. */
export function shapesCase(file: string): Case {
  return {
    name: 'shampoo shapes',
    run(checks) {
      for (const recorded of readJson<RecordedShape[]>(file)) {
        const { merged, splits, statistics, exponent } = shampooBlocks(recorded.shape, {
          blockSize: recorded.block_size,
          mergeSmallDimsBlockSize: recorded.merge_small_dims_block_size,
          skipPreconditioningDimSizeGt: SKIP,
        });
        const runs = recorded.skipped ? [] : recorded.statistics_runs;
        checks.equal(
          'blocks',
          `[${recorded.shape}]`,
          { merged, splits, statistics, exponent: exponent ?? null },
          {
            merged: recorded.merged,
            splits: recorded.splits,
            statistics: runs.flatMap(([size, count]) => Array(count).fill(size)),
            exponent: recorded.skipped ? null : recorded.exponent,
          },
        );
      }
    },
  };
}
