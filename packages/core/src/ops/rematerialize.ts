import * as tf from '@tensorflow/tfjs';
import { tapeIsOn } from './tape.js';
import { pullBack } from './value-and-grads.js';

/**
 * f(...inputs), of which the backward pass keeps the inputs alone: it runs f again to have the rest, so memory is traded for time.
 *
 * `variables` are all variables that f reads and that may be trained; one that is left out gets no gradient. Everything random in f must come
 * from an explicit key, so that the second run repeats the first. Other tensors that f reads count as constants. Without a tape f just runs.
 * Gradients are bit for bit those without it. Source: Chen et al. 2016, arXiv:1604.06174; `jax.checkpoint`.
 */
export function rematerialize<Inputs extends readonly tf.Tensor[], T extends tf.Tensor>(
  f: (...inputs: Inputs) => T,
  inputs: Inputs,
  variables: readonly tf.Variable[],
): T {
  if (!tapeIsOn()) return f(...inputs);
  const run = tf.customGrad((...args) => {
    const save = args.pop() as unknown as tf.GradSaveFunc;
    const given = args.slice(0, inputs.length) as tf.Tensor[];
    save(given);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] =>
      pullBack(() => f(...(saved as unknown as Inputs)), dy, [...saved, ...variables]);
    return { value: f(...(given as unknown as Inputs)), gradFunc };
  });
  return run(...inputs, ...variables) as T;
}
