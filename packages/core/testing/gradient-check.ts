import * as tf from '@tensorflow/tfjs';

/**
 * Values that differ, are not symmetric, and are the same in every run: a small linear congruential
 * sequence in (−1, 1).
 */
export function sampleValues(size: number, seed = 1): Float32Array {
  let state = seed * 2654435761;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** A float32 tensor of sampleValues. */
export function sample(shape: number[], seed = 1): tf.Tensor {
  return tf.tensor(
    sampleValues(
      shape.reduce((product, size) => product * size, 1),
      seed,
    ),
    shape,
  );
}

/**
 * The largest difference between tfjs's gradient of sum(f(inputs)·w), w fixed, and central
 * differences, over all elements of all inputs. In float32, with steps of 1e-2, it is about 1e-4
 * for smooth functions of size 1.
 */
export function gradientError(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
  step = 1e-2,
): number {
  return tf.tidy(() => {
    const weights = sample(f(...inputs).shape, 99);
    const loss = (...xs: tf.Tensor[]): tf.Scalar => tf.sum(tf.mul(f(...xs), weights));
    const gradients = tf.grads(loss)(inputs);
    let largest = 0;
    for (const [n, input] of inputs.entries()) {
      const analytic = (gradients[n] as tf.Tensor).dataSync();
      const values = input.dataSync();
      for (let i = 0; i < input.size; i++) {
        const at = (delta: number): number =>
          tf.tidy(() => {
            const moved = values.slice();
            moved[i] = (moved[i] as number) + delta;
            const xs = inputs.map((x, m) => (m === n ? tf.tensor(moved, input.shape) : x));
            return loss(...xs).dataSync()[0] as number;
          });
        const numeric = (at(step) - at(-step)) / (2 * step);
        largest = Math.max(largest, Math.abs(numeric - (analytic[i] as number)));
      }
    }
    return largest;
  });
}

/** The largest absolute difference of two tensors of one shape. */
export function largestDifference(a: tf.Tensor, b: tf.Tensor): number {
  if (`${a.shape}` !== `${b.shape}`) throw new Error(`shapes differ: [${a.shape}] and [${b.shape}]`);
  return tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] as number);
}

/** How many tensors f leaves behind beside those in its result. Disposes the result. */
export function leakedTensors(f: () => tf.TensorContainer): number {
  const before = tf.memory().numTensors;
  tf.dispose(f());
  return tf.memory().numTensors - before;
}
