import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../errors.js';
import { hasKernel, registerGradientOnce, runKernel } from './fused-kernel.js';

/**
 * Rows of a table: y[..] = table[ids[..]].
 *
 * table is float32 [V, D]; ids int32 [..], each in 0 … V−1; y [.., D]. The table's gradient adds up
 * the rows of equal ids. Throws ShapeError if table is not a matrix or ids are not int32.
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

/**
 * out[ids[r]] += rows[r] from zeros [entries, ..]. rows is float32 [R, ..]; ids int32 [R], each in
 * 0 … entries − 1.
 */
export function scatterAdd(rows: tf.Tensor, ids: tf.Tensor1D, entries: number): tf.Tensor {
  if (hasKernel('ScatterAdd')) return runKernel('ScatterAdd', { rows, ids }, { entries })[0];
  return plainScatterAdd(rows, ids, entries);
}

registerGradientOnce({
  kernelName: 'ScatterAdd',
  inputsToSave: ['ids'],
  gradFunc: (dys, saved) => {
    const [ids] = saved as [tf.Tensor1D];
    return { rows: () => tf.gather(dys as tf.Tensor, ids) };
  },
});

/**
 * scatterAdd in tfjs operations. Its UnsortedSegmentSum would pass over all rows once for every
 * entry.
 */
export function plainScatterAdd(rows: tf.Tensor, ids: tf.Tensor1D, entries: number): tf.Tensor {
  return tf.tidy(() => tf.scatterND(tf.reshape(ids, [ids.size, 1]), rows, [entries, ...rows.shape.slice(1)]));
}
