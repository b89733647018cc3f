import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../errors.js';

/**
 * Rows of a table: y[..] = table[ids[..]].
 *
 * table: float32 [V, D]; ids: int32 [..], each in 0 … V−1; y: [.., D]. The table's gradient adds up the rows of equal ids.
 * Throws ShapeError if table is no matrix or ids are not int32.
 */
export function embedding(table: tf.Tensor, ids: tf.Tensor): tf.Tensor {
  if (table.rank !== 2 || ids.dtype !== 'int32') {
    throw new ShapeError(
      `embedding: expected a table [V, D] and int32 ids, got [${table.shape}] and ${ids.dtype} [${ids.shape}].`,
    );
  }
  const [entries, size] = table.shape as [number, number];
  const lookUp = tf.customGrad((...args) => {
    const [rows, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc];
    const flat = tf.reshape(ids, [ids.size]) as tf.Tensor1D;
    save([flat]);
    return {
      value: tf.reshape(tf.gather(rows, flat), [...ids.shape, size]),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        scatterAdd(tf.reshape(dy, [ids.size, size]), saved[0] as tf.Tensor1D, entries),
    };
  });
  return lookUp(table);
}

/** out[ids[i]] += rows[i] from zeros [entries, D]. rows: float32 [R, D]; ids: int32 [R]. */
export function scatterAdd(rows: tf.Tensor, ids: tf.Tensor1D, entries: number): tf.Tensor {
  // tfjs's own UnsortedSegmentSum passes over all rows once for every entry; only the native one is a scatter.
  if (tf.getBackend() === 'native') return tf.unsortedSegmentSum(rows, ids, entries);
  return tf.tidy(() => tf.scatterND(tf.reshape(ids, [ids.size, 1]), rows, [entries, ...rows.shape.slice(1)]));
}
