/** config.json of a VQGAN of 8,000 weights: 16 px pictures, 4×4 tokens, 16 codes. */
export const tinyVqganJson = {
  ch: 8,
  ch_mult: [1, 2, 2],
  num_res_blocks: 1,
  attn_resolutions: [4],
  resolution: 16,
  z_channels: 8,
  embed_dim: 4,
  n_embed: 16,
  norm_groups: 4,
  pixel_range: 'signed',
  codebook_norm: 'l2',
};

/** config.json of a transformer that fits it: one layer each, width 16. */
export const tinyDalleBartJson = {
  model_type: 'dallebart',
  normalize_text: true,
  encoder_vocab_size: 300,
  image_vocab_size: 16,
  image_length: 16,
  max_text_length: 12,
  encoder_layers: 1,
  decoder_layers: 1,
  encoder_ffn_dim: 24,
  decoder_ffn_dim: 24,
  encoder_attention_heads: 2,
  decoder_attention_heads: 2,
  d_model: 16,
  dropout: 0.1,
  use_scan: false,
  gradient_checkpointing: false,
};
