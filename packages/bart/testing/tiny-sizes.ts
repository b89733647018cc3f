/** Sizes of a model whose steps cost nothing. Vocabularies and lengths are each test's own. */
export const TINY_SIZES = {
  encoder_vocab_size: 30,
  encoder_layers: 1,
  decoder_layers: 2,
  encoder_ffn_dim: 6,
  decoder_ffn_dim: 10,
  encoder_attention_heads: 2,
  decoder_attention_heads: 3,
  d_model: 12,
  dropout: 0,
};
