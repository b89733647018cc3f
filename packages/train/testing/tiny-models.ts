/** config.json of a small VQGAN: 8 px pictures, 4×4 tokens, 18 codes. */
export const tinyVqganJson = {
  ch: 8,
  ch_mult: [1, 1],
  num_res_blocks: 1,
  attn_resolutions: [],
  resolution: 8,
  z_channels: 8,
  embed_dim: 4,
  n_embed: 18,
  norm_groups: 4,
  pixel_range: 'signed',
  codebook_norm: 'l2',
};

/**
 * config.json of a transformer that fits it: one layer each, width 8. As in DALL·E mega, its vocabulary goes on behind the
 * codes and the start token.
 */
export const tinyDalleBartJson = {
  model_type: 'dallebart',
  normalize_text: true,
  encoder_vocab_size: 300,
  image_vocab_size: 27,
  decoder_start_token_id: 18,
  image_length: 16,
  max_text_length: 10,
  encoder_layers: 1,
  decoder_layers: 1,
  encoder_ffn_dim: 8,
  decoder_ffn_dim: 8,
  encoder_attention_heads: 2,
  decoder_attention_heads: 2,
  d_model: 8,
  dropout: 0.1,
  use_scan: false,
  gradient_checkpointing: false,
};
