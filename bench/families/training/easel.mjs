// The same networks with @easel/core: fused operations, valueAndGrads, AdamW in place.
import { DalleBart, parseDalleBartConfig } from '@easel/bart';
import { convnetParameters, transformerParameters } from './tfjs.mjs';

/** Names of nested parameters joined by dots. */
function named(parameters, prefix = '') {
  const entries = Object.entries(parameters).flatMap(([key, value]) =>
    typeof value.dispose === 'function' ? [[prefix + key, value]] : [...named(value, `${prefix}${key}.`)],
  );
  return new Map(entries);
}

/** Makes a training step that lowers loss() over the variables. */
function trainer({ core }, variables, optimizer, loss) {
  return () => {
    const update = optimizer.begin(variables);
    const { value } = core.valueAndGrads(loss, variables, { onGradient: update.take });
    update.finish();
    return value;
  };
}

const adamW = ({ core }) => new core.AdamW({ schedule: core.constantSchedule({ learningRate: 1e-3 }) });

export const kinds = {
  convnet_fused(given, args) {
    const { tf, core, random, indices } = given;
    const { batch, size, classes } = args;
    const p = convnetParameters(given, args);
    const images = random([batch, size, size, 3]);
    const labels = indices(batch, classes);
    return trainer(given, named(p), adamW(given), () => {
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
    return trainer(given, named(p), adamW(given), () => {
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

  /** @easel/bart's model, with the steps of @easel/train. */
  dalle(given, args) {
    const { tf, core, random, indices } = given;
    const { batch, text, length, codes, optimizer: name, rematerialize } = args;
    const textLength = Math.ceil(text / 8) * 8; // @easel/train's trimText
    const model = new DalleBart(dalleConfig(args));
    const weights = model.namedWeights();
    for (const [path, weight] of weights)
      if (/kernel|embedding/.test(path)) tf.tidy(() => weight.assign(random(weight.shape, 0.035)));
    const texts = (value) =>
      tf.tensor2d(
        Array.from({ length: batch }, () => Array.from({ length: textLength }, (_, i) => value(i))),
        undefined,
        'int32',
      );
    const [inputIds, attentionMask] = [texts((i) => i + 5), texts((i) => (i < text ? 1 : 0))];
    const labels = indices(batch * length, codes - 1);
    const rows = tf.reshape(labels, [batch, length]);
    const starts = tf.fill([batch, 1], codes - 1, 'int32');
    const decoderInputIds = tf.concat([starts, tf.slice(rows, [0, 0], [batch, length - 1])], 1);
    const schedule = core.constantSchedule({ learningRate: 1e-4 });
    const optimizer =
      name === 'adamw' ? new core.AdamW({ schedule, weightDecay: 0.01 }) : new core.Adafactor({ schedule });
    return trainer(given, weights, optimizer, () => {
      const logits = model.logits({ inputIds, attentionMask, decoderInputIds, rematerialize });
      return tf.mean(core.sparseCrossEntropy(tf.reshape(logits, [batch * length, codes]), labels));
    });
  },
};

function dalleConfig({ vocabulary, codes, text_length: textLength, length, width, heads, inner, layers }) {
  return parseDalleBartConfig({
    encoder_vocab_size: vocabulary,
    image_vocab_size: codes - 1,
    image_length: length,
    max_text_length: textLength,
    d_model: width,
    encoder_layers: layers,
    decoder_layers: layers,
    encoder_ffn_dim: inner,
    decoder_ffn_dim: inner,
    encoder_attention_heads: heads,
    decoder_attention_heads: heads,
    dropout: 0,
  });
}
