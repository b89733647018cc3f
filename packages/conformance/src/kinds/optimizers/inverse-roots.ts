import { inversePthRoot } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { Tolerance } from '../../checks.js';
import { GoldenArrays, readJson } from '../../golden.js';
import type { Case, GoldenFolder } from '../../kind.js';

interface RecordedRoot {
  readonly error: number | 'NaN';
  readonly largest_difference_jit_and_eager?: number;
  readonly largest_difference_from_eigenvalues_over_largest?: number | null;
}

/** From this error on the old preconditioner is kept, and the root is of no consequence. */
const FAILED = 0.1;

/** `inverse_roots`: S^(−1/p) of well and badly conditioned matrices. */
export function inverseRootCases(folder: GoldenFolder): Case[] {
  const { cases } = readJson<{ cases: Record<string, RecordedRoot> }>(folder.file('inverse_roots.json'));
  return Object.entries(cases).map(([name, recorded]) => ({
    name: `inverse root ${name}`,
    needs: 'everything',
    run(checks) {
      const arrays = new GoldenArrays(folder.file('inverse_roots.safetensors'));
      const [matrixName, p] = name.split('/p') as [string, string];
      const key = `${matrixName}/matrix`;
      const matrix = tf.tensor2d(arrays.floats(key), arrays.shape(key) as [number, number]);
      const { root, error } = inversePthRoot(matrix, Number(p));
      const ours = root.dataSync();
      tf.dispose([root, matrix]);
      const kept = (value: number): string => (value < FAILED ? 'taken' : 'thrown away');
      const theirs = Number(recorded.error);
      checks.equal('verdicts', name, kept(error), kept(theirs));
      if (theirs < FAILED)
        checks.close('roots', name, ours, arrays.floats(`${name}/root`), toleranceOf(recorded));
    },
  }));
}

/** As well as the original's own float32 root is known: by its distance from the root by eigenvalues. */
function toleranceOf(recorded: RecordedRoot): Tolerance {
  const noise = Math.max(
    recorded.largest_difference_from_eigenvalues_over_largest ?? 0,
    recorded.largest_difference_jit_and_eager ?? 0,
  );
  return noise > 1e-5
    ? { relative: Math.max(1e-2, noise), reason: 'badly conditioned: the original itself is off by as much' }
    : { relative: 5e-6, reason: 'float32, 20 products' };
}
