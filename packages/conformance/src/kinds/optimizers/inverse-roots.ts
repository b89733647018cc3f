import { inversePthRoot } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';
import type { Tolerance } from '../../checks.js';
import { GoldenArrays, readJson } from '../../golden.js';
import type { Case, GoldenFolder } from '../../kind.js';

interface RecordedRoot {
  readonly error: number | 'NaN';
  /** Largest eigenvalue of the matrix. */
  readonly max_ev: number | 'NaN';
}

/** Half a unit in the last place of float32 at 1. */
const ROUNDING = 2 ** -24;

/**
 * Largest noise of the original's root, as a part of the root's largest number: 14 roundings, and
 * 0.22 for each unit of the matrix's condition. It was measured beside the root by eigenvalues in
 * float64, over 20 seeds, three sizes, p of 2 and 4, and conditions from 1 to 1e6
 * (`reference/noise/roots.py`).
 */
const LEAST_NOISE = 14;
const NOISE_OF_CONDITION = 0.22;

/**
 * Four times the largest noise is allowed, because two programs round and seeds that were not
 * measured may be noisier.
 */
const NOISES = 4;

/** From this error on the old preconditioner is kept, and the root does not matter. */
const FAILED = 0.1;

/** `inverse_roots`: S^(−1/p) of well and badly conditioned matrices. */
export function inverseRootCases(folder: GoldenFolder): Case[] {
  const { cases } = readJson<{ cases: Record<string, RecordedRoot> }>(folder.file('inverse_roots.json'));
  return Object.entries(cases).map(([name, recorded]) => ({
    name: `inverse root ${name}`,
    async run(checks) {
      const arrays = new GoldenArrays(folder.file('inverse_roots.safetensors'));
      const [matrixName, p] = name.split('/p') as [string, string];
      const key = `${matrixName}/matrix`;
      const matrix = tf.tensor2d(arrays.floats(key), arrays.shape(key) as [number, number]);
      const { root, error } = await inversePthRoot(matrix, Number(p));
      const ours = await root.data();
      tf.dispose([root, matrix]);
      const kept = (value: number): string => (value < FAILED ? 'taken' : 'thrown away');
      const theirs = Number(recorded.error);
      checks.equal('verdicts', name, kept(error), kept(theirs));
      if (!(theirs < FAILED)) return;
      const wanted = arrays.floats(`${name}/root`);
      const condition = Number(recorded.max_ev) * largestEigenvalue(wanted) ** Number(p);
      checks.close('roots', name, ours, wanted, toleranceOf(condition));
    },
  }));
}

/**
 * Returns the tolerance by the condition of the matrix: largest ÷ smallest eigenvalue, after the
 * original's addition to the diagonal.
 */
function toleranceOf(condition: number): Tolerance {
  return {
    relative: NOISES * ROUNDING * (LEAST_NOISE + NOISE_OF_CONDITION * condition),
    reason: `float32: ${NOISES} × the original's largest noise, which grows with the matrix's condition`,
  };
}

/**
 * Returns the largest eigenvalue of a symmetric positive matrix [n, n], by power iteration. It is
 * at most a thousandth too small, unless two eigenvalues are nearly equal.
 */
function largestEigenvalue(matrix: Float32Array): number {
  const n = Math.sqrt(matrix.length);
  let vector = Float64Array.from({ length: n }, (_, i) => 1 + i / n);
  let value = 0;
  for (let iteration = 0; iteration < 200; iteration++) {
    const next = Float64Array.from({ length: n }, (_, row) =>
      vector.reduce((sum, x, column) => sum + (matrix[row * n + column] as number) * x, 0),
    );
    value = Math.hypot(...next) / Math.hypot(...vector);
    vector = next.map((x) => x / value);
  }
  return value;
}
