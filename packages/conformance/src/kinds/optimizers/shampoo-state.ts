import type { Optimizer } from '@easel/core';
import { momentumBytes } from '@easel/core/internals';
import type * as tf from '@tensorflow/tfjs';
import type { Checks, Tolerance } from '../../checks.js';
import { tidyAwaited } from '../../tidy-awaited.js';
import { groupOf, type RecordedRun } from './recorded-run.js';

const reason = "float32, of each tensor's largest";
const SUMS: Tolerance = { relative: 1e-5, reason };
const GRAFTED: Tolerance = { relative: 1e-4, reason };
const PRECONDITIONED: Tolerance = {
  relative: 5e-2,
  reason:
    'made with roots of nearly singular statistics: updates of the original are some percent from its float64 run',
};
/**
 * A last digit moves a value of a grafted momentum by one bucket, and of a preconditioned momentum
 * by more.
 */
const BYTES: Tolerance = { absolute: 1, reason: 'a last digit moves a value by one bucket' };
const PRECONDITIONED_BYTES: Tolerance = {
  absolute: 6,
  reason: `buckets, 5 % of 127; ${PRECONDITIONED.reason}`,
};

/**
 * Compares squares, momenta and statistics. Errors of preconditioners show in the preconditioned
 * momentum and in the parameters.
 */
export async function checkShampooState(
  checks: Checks,
  run: RecordedRun,
  optimizer: Optimizer,
  record: number,
): Promise<void> {
  const state = optimizer.state();
  /**
   * The start of each variable's statistics in its group's recorded list, which has the variables
   * in alphabetical order.
   */
  const places = new Map<string, number>();
  for (const { name, source, layer } of [...run.parameters].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const group = groupOf(name);
    const recorded = (path: string) =>
      run.recorded(`state/${group}/stats/local_stats/${source}/${path}`, record, layer);
    const squares = state.get(`A.${name}`);
    if (squares) {
      const { values } = recorded('diagonal_statistics/quantized');
      checks.close('squares', `${name}, record ${record}`, await squares.data(), values, SUMS);
    }
    for (const [ours, theirs, tolerance, bytesTolerance] of [
      ['M', 'momentum', PRECONDITIONED, PRECONDITIONED_BYTES],
      ['D', 'diagonal_momentum', GRAFTED, BYTES],
    ] as const) {
      const { shape, values } = recorded(`${theirs}/quantized`);
      const where = `${name}, record ${record}`;
      const packed = state.get(`${ours}.bytes.${name}`);
      if (!packed) {
        const momentum = await (state.get(`${ours}.${name}`) as tf.Tensor).data();
        checks.close(theirs, where, momentum, values, tolerance);
        continue;
      }
      const bytes = await tidyAwaited(() => momentumBytes(packed as tf.Tensor1D, shape).data());
      checks.close(`${theirs}, bytes`, where, bytes, values, bytesTolerance);
      const buckets = await (state.get(`${ours}.bucket.${name}`) as tf.Tensor).data();
      // An old value may have been rounded the other way.
      const bucketTolerance = { ...tolerance, relative: Math.max(tolerance.relative ?? 0, 1e-3) };
      checks.close(
        `${theirs}, buckets`,
        where,
        buckets,
        recorded(`${theirs}/bucket_size`).values,
        bucketTolerance,
      );
    }
    const counter = layer === undefined ? group : `${group}.${layer}`;
    let place = places.get(counter) ?? 0;
    for (let i = 0; state.has(`S${i}.${name}`); i++, place++) {
      const ours = state.get(`S${i}.${name}`) as tf.Tensor2D;
      const n = ours.shape[0];
      const all = run.recorded(`state/${group}/stats/global_stats/statistics`, record, layer);
      const side = all.shape[1] as number;
      const corner = Float32Array.from(
        { length: n * n },
        (_, j) => all.values[place * side * side + Math.floor(j / n) * side + (j % n)] as number,
      );
      checks.close('statistics', `${name} ${i}, record ${record}`, await ours.data(), corner, SUMS);
    }
    places.set(counter, place);
  }
}
