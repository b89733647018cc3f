// The same networks with @easel/core: fused operations, valueAndGrads, AdamW in place.
import { convnetParameters, transformerParameters } from './tfjs.mjs';

/** Names of nested parameters joined by dots. */
function named(parameters, prefix = '') {
  const entries = Object.entries(parameters).flatMap(([key, value]) =>
    typeof value.dispose === 'function' ? [[prefix + key, value]] : [...named(value, `${prefix}${key}.`)],
  );
  return new Map(entries);
}

/** A step that lowers loss() over the parameters. */
function trainer({ core, tf }, parameters, loss) {
  const variables = named(parameters);
  const optimizer = new core.AdamW({ schedule: core.constantSchedule({ learningRate: 1e-3 }) });
  return () => {
    const { value, grads } = core.valueAndGrads(loss, variables);
    optimizer.apply(variables, grads);
    tf.dispose([...grads.values()]);
    return value;
  };
}

export const kinds = {
  convnet_fused(given, args) {
    const { tf, core, random, indices } = given;
    const { batch, size, classes } = args;
    const p = convnetParameters(given, args);
    const images = random([batch, size, size, 3]);
    const labels = indices(batch, classes);
    return trainer(given, p, () => {
      const block = (x, filter, bias) =>
        tf.maxPool(core.conv2d(x, filter, bias, { activation: 'relu' }), 2, 2, 'valid');
      const features = block(block(images, p.filter1, p.bias1), p.filter2, p.bias2);
      const logits = core.linear(tf.reshape(features, [batch, 4096]), p.dense, p.bias3);
      return tf.mean(core.sparseCrossEntropy(logits, labels));
    });
  },

  transformer_fused(given, args) {
    const { tf, core, indices } = given;
    const { batch, length, width, heads, vocabulary } = args;
    const p = transformerParameters(given, args);
    const ids = indices(batch * length, vocabulary);
    const sequences = tf.reshape(ids, [batch, length]);
    return trainer(given, p, () => {
      let x = tf.add(core.embedding(p.tokens, sequences), p.positions);
      for (const layer of p.layers) {
        const h = core.layerNorm(x, layer.scale1, layer.bias1, 1e-5);
        const [q, k, v] = [layer.query, layer.key, layer.value].map((w) => core.linear(h, w));
        const mixed = core.attention(q, k, v, { heads, causal: true });
        x = core.linear(mixed, layer.out, undefined, { residual: x });
        const n = core.layerNorm(x, layer.scale2, layer.bias2, 1e-5);
        const inner = core.linear(n, layer.up, undefined, { activation: 'gelu' });
        x = core.linear(inner, layer.down, undefined, { residual: x });
      }
      const logits = tf.matMul(tf.reshape(x, [batch * length, width]), p.tokens, false, true);
      return tf.mean(core.sparseCrossEntropy(logits, ids));
    });
  },
};
