import { isCodebookWeight } from '@easel/vqgan/internals';
import type * as tf from '@tensorflow/tfjs';

/** How many numbers a print has. */
const COUNT = 64;

/** Largest relative difference of equal numbers. Rounding to bfloat16 makes a smaller one. */
const TOLERANCE = 2 ** -7;

/**
 * Returns some numbers that identify what a VQGAN's tokens mean: weights from evenly spaced places
 * of its codebook. They are the same for a whole VQGAN, for the half that draws, and for one whose
 * decoder was trained on, whatever the weights were rounded to.
 */
export async function codebookPrint(weights: ReadonlyMap<string, tf.Tensor>): Promise<number[]> {
  const codebook = [...weights].find(([name]) => isCodebookWeight(name))?.[1];
  if (codebook === undefined) throw new Error('codebookPrint: these weights have no codebook.');
  const values = await codebook.data();
  return Array.from(
    { length: COUNT },
    (_, i) => values[Math.floor(((i + 0.5) * values.length) / COUNT)] as number,
  );
}

/** Whether two prints belong to the same codebook. */
export function samePrint(a: readonly number[], b: readonly number[]): boolean {
  const largest = Math.max(...a.map(Math.abs));
  return (
    a.length === b.length &&
    a.every((value, i) => {
      const other = b[i] as number;
      return (
        Math.abs(value - other) <= TOLERANCE * Math.max(Math.abs(value), Math.abs(other)) + 1e-6 * largest
      );
    })
  );
}
