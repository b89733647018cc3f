import * as tf from '@tensorflow/tfjs';

/**
 * Does what `tf.tidy` does for work that awaits its numbers: the tensors that it made are disposed
 * once it is done. Nothing else may make tensors meanwhile.
 */
export async function tidyAwaited<R>(work: () => Promise<R>): Promise<R> {
  tf.engine().startScope();
  try {
    return await work();
  } finally {
    tf.engine().endScope();
  }
}
