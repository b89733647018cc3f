import { causalMask } from '../attention/tfjs.mjs';
import { gelu, layerNorm } from '../rows/tfjs.mjs';

/** Parameters of the conv net: two 3×3 convolutions, a dense layer. */
export function convnetParameters({ tf, random }, { classes }) {
  return {
    filter1: tf.variable(random([3, 3, 3, 32], 0.2)),
    bias1: tf.variable(tf.zeros([32])),
    filter2: tf.variable(random([3, 3, 32, 64], 0.06)),
    bias2: tf.variable(tf.zeros([64])),
    dense: tf.variable(random([4096, classes], 0.02)),
    bias3: tf.variable(tf.zeros([classes])),
  };
}

/** Parameters of the transformer: pre-norm blocks, tied output. */
export function transformerParameters({ tf, random }, { length, width, inner, vocabulary, layers }) {
  const weights = (shape, scale) => tf.variable(random(shape, scale));
  return {
    tokens: weights([vocabulary, width], 0.1),
    positions: weights([length, width], 0.1),
    layers: Array.from({ length: layers }, () => ({
      scale1: tf.variable(tf.ones([width])),
      bias1: tf.variable(tf.zeros([width])),
      scale2: tf.variable(tf.ones([width])),
      bias2: tf.variable(tf.zeros([width])),
      query: weights([width, width], 0.06),
      key: weights([width, width], 0.06),
      value: weights([width, width], 0.06),
      out: weights([width, width], 0.06),
      up: weights([width, inner], 0.06),
      down: weights([inner, width], 0.03),
    })),
  };
}

export const kinds = {
  convnet(given, args) {
    const { tf, random, indices } = given;
    const { batch, size, classes } = args;
    const p = convnetParameters(given, args);
    const images = random([batch, size, size, 3]);
    const labels = tf.cast(tf.oneHot(indices(batch, classes), classes), 'float32');
    const optimizer = tf.train.adam(1e-3);
    return () =>
      optimizer.minimize(() => {
        const block = (x, filter, bias) =>
          tf.maxPool(tf.relu(tf.add(tf.conv2d(x, filter, 1, 'same'), bias)), 2, 2, 'valid');
        const features = block(block(images, p.filter1, p.bias1), p.filter2, p.bias2);
        const logits = tf.add(tf.matMul(tf.reshape(features, [batch, 4096]), p.dense), p.bias3);
        return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), labels), -1)));
      }, true);
  },

  transformer(given, args) {
    const { tf, indices } = given;
    const { batch, length, width, heads, vocabulary } = args;
    const p = transformerParameters(given, args);
    const ids = indices(batch * length, vocabulary);
    const labels = tf.cast(tf.oneHot(ids, vocabulary), 'float32');
    const mask = causalMask(tf, length);
    const optimizer = tf.train.adam(1e-3);
    const split = (x) =>
      tf.reshape(tf.transpose(tf.reshape(x, [batch, length, heads, width / heads]), [0, 2, 1, 3]), [
        batch * heads,
        length,
        width / heads,
      ]);
    const join = (x) =>
      tf.reshape(tf.transpose(tf.reshape(x, [batch, heads, length, width / heads]), [0, 2, 1, 3]), [
        batch * length,
        width,
      ]);
    return () =>
      optimizer.minimize(() => {
        const embedded = tf.reshape(tf.gather(p.tokens, ids), [batch, length, width]);
        let x = tf.reshape(tf.add(embedded, p.positions), [batch * length, width]);
        for (const layer of p.layers) {
          const h = layerNorm(tf, x, layer.scale1, layer.bias1);
          const [q, k, v] = [layer.query, layer.key, layer.value].map((w) => split(tf.matMul(h, w)));
          const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(width / heads));
          const mixed = tf.matMul(tf.softmax(tf.add(scores, mask)), v);
          x = tf.add(x, tf.matMul(join(mixed), layer.out));
          const inner = gelu(tf, tf.matMul(layerNorm(tf, x, layer.scale2, layer.bias2), layer.up));
          x = tf.add(x, tf.matMul(inner, layer.down));
        }
        const logits = tf.matMul(x, p.tokens, false, true);
        return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), labels), -1)));
      }, true);
  },
};
