/**
 * Inputs of tfjs programs: values in [-scale, scale), and indices below `max`; the same in every
 * process.
 */
export function inputsOf(tf) {
  return {
    random(shape, scale = 1) {
      const values = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
      let state = 12345;
      for (let i = 0; i < values.length; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) | 0;
        values[i] = (state / 2147483648) * scale;
      }
      return tf.tensor(values, shape);
    },
    indices(count, max) {
      const values = Int32Array.from({ length: count }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 1) % max);
      return tf.tensor(values, [count], 'int32');
    },
  };
}
