// @easel/bart's decoder, as generateTokens steps it.
import { DalleBart, parseDalleBartConfig } from '@easel/bart';

export const kinds = {
  decode({ tf, random, indices }, { rows, text, length, width, heads, inner, layers, codes }) {
    // Only the decoder takes part; the encoder is made small.
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
    const state = model.startDecoding(random([rows, text, width]), tf.ones([rows, text], 'int32'));
    const ids = indices(rows, codes);
    return () => {
      if (state.position === length) state.position = 0;
      return model.step(state, ids);
    };
  },
};
