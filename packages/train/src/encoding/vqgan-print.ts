import { isEncoderWeight } from '@easel/vqgan/internals';
import type * as tf from '@tensorflow/tfjs';

/** How many numbers a print has. */
const COUNT = 64;

/** Largest relative difference of equal numbers. Rounding to bfloat16 makes a smaller one. */
const TOLERANCE = 2 ** -7;

/**
 * Returns some numbers that identify a VQGAN: weights from evenly spaced places of its drawing
 * half. They are the same for a whole VQGAN and for the half that draws, whatever the weights were
 * rounded to.
 */
export async function vqganPrint(weights: ReadonlyMap<string, tf.Tensor>): Promise<number[]> {
  const drawing = [...weights]
    .filter(([name]) => !isEncoderWeight(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const total = drawing.reduce((sum, [, { size }]) => sum + size, 0);
  const places = Array.from({ length: COUNT }, (_, i) => Math.floor(((i + 0.5) * total) / COUNT));
  const print: number[] = [];
  let start = 0;
  for (const [, weight] of drawing) {
    const inside = places.filter((place) => place >= start && place < start + weight.size);
    if (inside.length > 0) {
      const values = await weight.data();
      for (const place of inside) print.push(values[place - start] as number);
    }
    start += weight.size;
  }
  return print;
}

/** Whether two prints belong to the same VQGAN. */
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
