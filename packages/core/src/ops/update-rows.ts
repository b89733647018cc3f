import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../errors.js';
import { embedding } from './embedding.js';
import { hasKernel, runKernel } from './fused-kernel.js';
import { tapeIsOn } from './tape.js';

/** Where `updateRows` writes. */
export interface UpdateRowsOptions {
  /**
   * The row of the cache that each row goes to: int32 [B], pairwise different, each from 0 to C −
   * 1. By default row b goes to row b, and C = B.
   */
  readonly cacheRows?: tf.Tensor1D | undefined;
}

/**
 * The cache with rows written from `position` on: result[c, p + t, :] = rows[b, t, :] for t < T. c
 * is cacheRows[b], or b. p is `position`, or position[b] where that is int32 [B].
 *
 * cache is float32 [C, L, D]; rows [B, T, D]; result [C, L, D]. A backend with an UpdateRows kernel
 * writes in place, and the result shares the cache's memory. Elsewhere, and under a gradient, the
 * result is a copy. Either way the caller goes on with the result, does not read the cache again,
 * and disposes both. Throws ShapeError if sizes or position do not fit. Only the native kernel
 * checks positions and cacheRows that are tensors, since reading them elsewhere would wait for the
 * device.
 */
export function updateRows(
  cache: tf.Tensor3D,
  rows: tf.Tensor3D,
  position: number | tf.Tensor1D,
  { cacheRows }: UpdateRowsOptions = {},
): tf.Tensor3D {
  checkUpdateRows(cache, rows, position, cacheRows);
  // A write in place would change what the tape has saved.
  if (hasKernel('UpdateRows') && !tapeIsOn()) {
    const [positions, place] = typeof position === 'number' ? [undefined, position] : [position, 0];
    return runKernel(
      'UpdateRows',
      { cache, rows, positions, cacheRows },
      { position: place },
    )[0] as tf.Tensor3D;
  }
  return plainUpdateRows(cache, rows, position, { cacheRows });
}

/** updateRows as a copy, in tfjs operations. */
export function plainUpdateRows(
  cache: tf.Tensor3D,
  rows: tf.Tensor3D,
  position: number | tf.Tensor1D,
  { cacheRows }: UpdateRowsOptions = {},
): tf.Tensor3D {
  const [cached, length, width] = cache.shape;
  const [batch, steps] = rows.shape;
  return tf.tidy(() => {
    if (typeof position === 'number' && cacheRows === undefined) {
      const before = tf.slice(cache, [0, 0, 0], [-1, position, -1]);
      const after = tf.slice(cache, [0, position + steps, 0], [-1, length - position - steps, -1]);
      return tf.concat(
        [before, rows, after].filter((part) => part.shape[1] > 0),
        1,
      );
    }
    // Each place of the result is gathered from the cache's places, followed by the rows' places.
    const sources = cacheRows ? rowOfEach(cacheRows, cached) : tf.range(0, batch, 1, 'int32'); // [C], −1 for none
    const zero = tf.scalar(0, 'int32');
    const known = tf.maximum(sources, zero);
    const firsts =
      typeof position === 'number' ? tf.fill([cached], position, 'int32') : tf.gather(position, known);
    const column = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [cached, 1]);
    const step = tf.sub(tf.reshape(tf.range(0, length, 1, 'int32'), [1, length]), column(firsts)); // [C, L]
    const within = tf.logicalAnd(tf.greaterEqual(step, zero), tf.less(step, tf.scalar(steps, 'int32')));
    const isNew = tf.logicalAnd(within, column(tf.greaterEqual(sources, zero)));
    const kept = tf.reshape(tf.range(0, cached * length, 1, 'int32'), [cached, length]);
    const written = tf.add(
      tf.add(column(tf.mul(known, tf.scalar(steps, 'int32'))), step),
      tf.scalar(cached * length, 'int32'),
    );
    const all = tf.concat([
      tf.reshape(cache, [cached * length, width]),
      tf.reshape(rows, [batch * steps, width]),
    ]);
    return embedding(all, tf.where(isNew, written, kept)) as tf.Tensor3D;
  });
}

/** The row b with cacheRows[b] = c, or −1: int32 [C]. */
function rowOfEach(cacheRows: tf.Tensor1D, cached: number): tf.Tensor1D {
  const batch = cacheRows.shape[0];
  const all = tf.reshape(tf.range(0, cached, 1, 'int32'), [cached, 1]);
  const hits = tf.cast(tf.equal(all, tf.reshape(cacheRows, [1, batch])), 'int32'); // [C, B]
  const numbers = tf.reshape(tf.range(1, batch + 1, 1, 'int32'), [1, batch]);
  return tf.sub(tf.sum(tf.mul(hits, numbers), 1), tf.scalar(1, 'int32')) as tf.Tensor1D;
}

function checkUpdateRows(
  cache: tf.Tensor3D,
  rows: tf.Tensor3D,
  position: number | tf.Tensor1D,
  cacheRows: tf.Tensor1D | undefined,
): void {
  const [cached, length, width] = cache.shape;
  const [batch, steps] = rows.shape;
  const fits =
    cache.rank === 3 &&
    `${rows.shape}` === `${[batch, steps, width]}` &&
    (cacheRows !== undefined || batch === cached);
  if (!fits) {
    throw new ShapeError(
      `updateRows: expected cache [C, L, D] and rows [B, T, D], B = C without cacheRows, got [${cache.shape}] and [${rows.shape}].`,
    );
  }
  for (const [name, numbers] of Object.entries({ position, cacheRows })) {
    if (numbers === undefined || typeof numbers === 'number') continue;
    if (numbers.dtype === 'int32' && `${numbers.shape}` === `${batch}`) continue;
    throw new ShapeError(
      `updateRows: expected ${name} int32 [${batch}], a number for each row, got ${numbers.dtype} [${numbers.shape}].`,
    );
  }
  const known = typeof position === 'number' ? position : 0;
  if (!Number.isInteger(known) || known < 0 || known + steps > length) {
    throw new ShapeError(`updateRows: expected a position from 0 to ${length - steps}, got ${known}.`);
  }
}
