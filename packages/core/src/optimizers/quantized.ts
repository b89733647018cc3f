import * as tf from '@tensorflow/tfjs';

/** The largest absolute value of a quantized element. */
const BUCKETS = 127;

/**
 * A tensor of rank 2 or more as signed bytes, for state that is kept but seldom read: value ≈ bytes
 * · bucket. Each column over axis 0 has one bucket size.
 */
export interface Quantized {
  /** int32 [⌈size/4⌉] with four bytes in each, the first one lowest. */
  readonly packed: tf.Tensor1D;
  /** float32 of the shape without its first axis. */
  readonly buckets: tf.Tensor;
}

/** The length of `packed` for a tensor of this many elements. */
export function packedLength(size: number): number {
  return Math.ceil(size / 4);
}

/**
 * Rounds x to 255 steps of each column's largest absolute value over axis 0, half to even. Call it
 * inside tidy, or dispose both results. Source: dalle-mini
 * `scalable_shampoo/quantization_utils.py`, QuantizedValue with int8.
 */
export function quantize(x: tf.Tensor): Quantized {
  return tf.tidy(() => {
    const buckets = tf.div(tf.max(tf.abs(x), 0), BUCKETS);
    const divisors = tf.where(tf.greater(buckets, 0), buckets, tf.onesLike(buckets));
    const bytes = tf.round(tf.div(x, divisors));
    return { packed: pack(bytes), buckets };
  });
}

/** The values, as float32 of the given shape. */
export function dequantize({ packed, buckets }: Quantized, shape: number[]): tf.Tensor {
  return tf.tidy(() => tf.mul(unpackBytes(packed, shape), buckets));
}

/** The bytes themselves, as float32 −127…127 of the given shape. */
export function unpackBytes(packed: tf.Tensor1D, shape: number[]): tf.Tensor {
  return tf.tidy(() => {
    const size = tf.util.sizeFromShape(shape);
    const places: tf.Tensor[] = [];
    for (let rest: tf.Tensor = packed, place = 0; place < 4; place++) {
      const moved = tf.add(rest, whole(128));
      const near = tf.sub(tf.sub(moved, tf.mul(tf.floorDiv(moved, whole(256)), whole(256))), whole(128));
      // The wasm backend divides whole numbers as float32, and may miss the floor by one.
      const over = tf.cast(tf.greater(near, whole(127)), 'int32');
      const under = tf.cast(tf.less(near, whole(-128)), 'int32');
      const byte = tf.add(near, tf.mul(tf.sub(under, over), whole(256)));
      places.push(byte);
      rest = tf.floorDiv(tf.sub(rest, byte), whole(256)); // exact
    }
    const bytes = tf.reshape(tf.stack(places, 1), [-1]);
    return tf.cast(tf.reshape(tf.slice(bytes, 0, size), shape), 'float32');
  });
}

/**
 * Packs four numbers of −127…127 into each int32. The sum of b·256^place is undone from the lowest
 * place on.
 */
function pack(bytes: tf.Tensor): tf.Tensor1D {
  const flat = tf.reshape(tf.cast(bytes, 'int32'), [-1]);
  const length = packedLength(flat.size);
  const rows = tf.reshape(tf.pad(flat, [[0, length * 4 - flat.size]]), [length, 4]);
  const column = (place: number): tf.Tensor =>
    tf.mul(tf.reshape(tf.slice(rows, [0, place], [length, 1]), [length]), whole(256 ** place));
  return tf.add(tf.add(column(0), column(1)), tf.add(column(2), column(3))) as tf.Tensor1D;
}

function whole(value: number): tf.Scalar {
  return tf.scalar(value, 'int32');
}
