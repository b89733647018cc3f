// Norms and losses in tfjs's own operations.
export const layerNorm = (tf, x, scale, bias) =>
  tf.tidy(() => {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    const variance = tf.mean(tf.square(centred), -1, true);
    return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-5))), scale), bias);
  });
export const gelu = (tf, x) =>
  tf.tidy(() => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)));
const rmsNorm = (tf, x, scale) =>
  tf.tidy(() => tf.mul(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-5))), scale));
const groupNorm = (tf, x, scale, bias) =>
  tf.tidy(() => {
    const [batch, height, width, channels] = x.shape;
    const grouped = tf.reshape(x, [batch, height * width, 32, channels / 32]);
    const centred = tf.sub(grouped, tf.mean(grouped, [1, 3], true));
    const variance = tf.mean(tf.square(centred), [1, 3], true);
    const normal = tf.reshape(tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-6))), x.shape);
    const y = tf.add(tf.mul(normal, scale), bias);
    return tf.mul(y, tf.sigmoid(y));
  });
/** Cross-entropy with one-hot labels, as tfjs programs write it. */
const crossEntropy = (tf, logits, labels) =>
  tf.tidy(() => tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), tf.oneHot(labels, logits.shape[1])), -1)));

/**
 * Makes the kinds `name` and `name_gradients` of run(x, …). `make` gives the operands to
 * differentiate by, and then dy's shape.
 */
export function forwardAndGradients(name, make, run) {
  return {
    [name](given, args) {
      const { by, fixed = [] } = make(given, args);
      return () => run(given, ...by, ...fixed);
    },
    [`${name}_gradients`](given, args) {
      const { by, fixed = [], dyShape } = make(given, args);
      const dy = given.random(dyShape);
      const gradients = given.tf.valueAndGrads((...tensors) => run(given, ...tensors, ...fixed));
      return () => {
        const { value, grads } = gradients(by, dy);
        return [value, ...grads];
      };
    },
  };
}

export const operands = {
  affine: ({ random }, { rows, width }) => ({
    by: [random([rows, width]), random([width]), random([width])],
    dyShape: [rows, width],
  }),
  scaled: ({ random }, { rows, width }) => ({
    by: [random([rows, width]), random([width])],
    dyShape: [rows, width],
  }),
  map: ({ random }, { rows, width }) => ({ by: [random([rows, width])], dyShape: [rows, width] }),
  labelled: ({ random, indices }, { rows, width }) => ({
    by: [random([rows, width])],
    fixed: [indices(rows, width)],
    dyShape: [rows],
  }),
  image: ({ random }, { size, channels }) => ({
    by: [random([1, size, size, channels]), random([channels]), random([channels])],
    dyShape: [1, size, size, channels],
  }),
};

export const kinds = {
  ...forwardAndGradients('layer_norm', operands.affine, ({ tf }, x, g, b) => layerNorm(tf, x, g, b)),
  ...forwardAndGradients('layer_norm_composed', operands.affine, ({ tf }, x, g, b) => layerNorm(tf, x, g, b)),
  ...forwardAndGradients('rms_norm', operands.scaled, ({ tf }, x, g) => rmsNorm(tf, x, g)),
  ...forwardAndGradients('softmax', operands.map, ({ tf }, x) => tf.softmax(x)),
  ...forwardAndGradients('gelu', operands.map, ({ tf }, x) => gelu(tf, x)),
  ...forwardAndGradients('cross_entropy', operands.labelled, ({ tf }, x, y) => crossEntropy(tf, x, y)),
  ...forwardAndGradients('group_norm', operands.image, ({ tf }, x, g, b) => groupNorm(tf, x, g, b)),
};
