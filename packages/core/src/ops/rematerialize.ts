import * as tf from '@tensorflow/tfjs';
import { tapeIsOn } from './tape.js';
import { pullBack } from './value-and-grads.js';

/**
 * f(...inputs). The forward pass keeps only the inputs; the backward pass runs f again to have the
 * rest. So memory is traded for time. Gradients are bit for bit those without it. Without a tape f
 * just runs. Source: Chen et al. 2016, arXiv:1604.06174; `jax.checkpoint`.
 *
 * `variables` are all variables that f reads and that may be trained; a variable that is missing
 * here gets no gradient. `constants` are further tensors that f reads; they are kept for the second
 * run and get no gradient. f must not read tensors that are freed before the backward pass.
 * Everything random in f must come from an explicit key, so that the second run repeats the first.
 */
export function rematerialize<
  const Inputs extends readonly tf.Tensor[],
  T extends tf.Tensor,
  const Constants extends readonly tf.Tensor[] = readonly [],
>(
  f: (...inputs: [...Inputs, ...Constants]) => T,
  inputs: Inputs,
  variables: readonly tf.Variable[],
  constants: Constants = [] as unknown as Constants,
): T {
  const call = (tensors: readonly tf.Tensor[]): T => f(...(tensors as [...Inputs, ...Constants]));
  if (!tapeIsOn()) return call([...inputs, ...constants]);
  const run = tf.customGrad((...args) => {
    const save = args.pop() as unknown as tf.GradSaveFunc;
    const given = args.slice(0, inputs.length) as tf.Tensor[];
    save([...given, ...constants]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] =>
      pullBack(() => call(saved), dy, [...saved.slice(0, inputs.length), ...variables]);
    return { value: call([...given, ...constants]), gradFunc };
  });
  return run(...inputs, ...variables) as T;
}
