import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../errors.js';
import { hasKernel, runKernel } from './fused-kernel.js';
import { tapeIsOn } from './tape.js';

/**
 * The cache with rows written at `position`: result[:, position, :] = rows[:, 0, :].
 *
 * cache: float32 [B, L, D]; rows: [B, 1, D]; result [B, L, D]. A backend with an UpdateRows kernel writes in place and the result
 * shares the cache's memory; elsewhere it is a copy. Either way the caller goes on with the result, does not read the cache again
 * and disposes both. Under a gradient it is a copy. Throws ShapeError if sizes or position do not fit.
 */
export function updateRows(cache: tf.Tensor3D, rows: tf.Tensor3D, position: number): tf.Tensor3D {
  const [batch, length, width] = cache.shape;
  if (cache.rank !== 3 || `${rows.shape}` !== `${[batch, 1, width]}`) {
    throw new ShapeError(
      `updateRows: expected cache [B, L, D] and rows [B, 1, D], got [${cache.shape}] and [${rows.shape}].`,
    );
  }
  if (!Number.isInteger(position) || position < 0 || position >= length) {
    throw new ShapeError(`updateRows: expected a position from 0 to ${length - 1}, got ${position}.`);
  }
  // A write in place would change what the tape has saved.
  if (hasKernel('UpdateRows') && !tapeIsOn()) {
    return runKernel('UpdateRows', { cache, rows }, { position })[0] as tf.Tensor3D;
  }
  return plainUpdateRows(cache, rows, position);
}

/** updateRows as a copy, in tfjs operations. */
export function plainUpdateRows(cache: tf.Tensor3D, rows: tf.Tensor3D, position: number): tf.Tensor3D {
  const length = cache.shape[1];
  return tf.tidy(() => {
    const before = tf.slice(cache, [0, 0, 0], [-1, position, -1]);
    const after = tf.slice(cache, [0, position + 1, 0], [-1, length - position - 1, -1]);
    return tf.concat(
      [before, rows, after].filter((part) => part.shape[1] > 0),
      1,
    );
  });
}
