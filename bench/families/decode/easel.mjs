// @easel/bart's decoder, with the steps of generateTokens.
import { DalleBart, parseDalleBartConfig } from '@easel/bart';

export const kinds = {
  decode({ tf, random, indices }, { rows, text, length, width, heads, inner, layers, codes }) {
    // Only the decoder takes part, so the encoder is small.
    const config = parseDalleBartConfig({
      encoder_vocab_size: 64,
      image_vocab_size: codes - 1,
      image_length: length,
      max_text_length: text,
      d_model: width,
      encoder_layers: 1,
      decoder_layers: layers,
      encoder_ffn_dim: 64,
      decoder_ffn_dim: inner,
      encoder_attention_heads: heads,
      decoder_attention_heads: heads,
      dropout: 0,
    });
    const model = new DalleBart(config);
    for (const [path, weight] of model.namedWeights())
      if (/kernel|embedding/.test(path)) tf.tidy(() => weight.assign(random(weight.shape, 0.035)));
    const all = Int32Array.from({ length: rows }, (_, row) => row);
    const state = model.startDecoding({ rows, length, texts: rows, textLength: text });
    model.setTexts(state, 0, random([rows, text, width]), tf.ones([rows, text], 'int32'));
    const ids = indices(rows, codes).dataSync();
    let position = 0;
    return () => {
      if (position === length) position = 0;
      const positions = new Int32Array(rows).fill(position++);
      return model.step(state, { ids, positions, rows: all, texts: all });
    };
  },
};
