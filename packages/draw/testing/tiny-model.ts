import { join } from 'node:path';
import {
  BpeTokenizer,
  DalleBart,
  FirstVersionBart,
  initializeDalleBart,
  initializeFirstVersion,
  parseDalleBartConfig,
  parseFirstVersionConfig,
  trainBpe,
} from '@easel/bart';
import { saveDalleBart } from '@easel/bart/node';
import { prngKey } from '@easel/core';
import { initializeVqgan, parseVqganConfig, Vqgan } from '@easel/vqgan';
import { saveVqgan } from '@easel/vqgan/node';

/** Settings of a VQGAN that is built and run in milliseconds: 8 px, 4×4 tokens, 18 codes. */
export const tinyVqganConfig = {
  ch: 8,
  ch_mult: [1, 1],
  num_res_blocks: 1,
  attn_resolutions: [4],
  resolution: 8,
  z_channels: 6,
  embed_dim: 5,
  n_embed: 18,
  norm_groups: 4,
};

/**
 * Settings of a text model that goes with it: as in DALL·E mega, its vocabulary goes on behind the
 * codes and the start token.
 */
export const tinyBartConfig = {
  model_type: 'dallebart',
  encoder_vocab_size: 280,
  image_vocab_size: 27,
  decoder_start_token_id: 18,
  image_length: 16,
  max_text_length: 10,
  encoder_layers: 1,
  decoder_layers: 2,
  encoder_ffn_dim: 12,
  decoder_ffn_dim: 14,
  encoder_attention_heads: 2,
  decoder_attention_heads: 2,
  d_model: 8,
  dropout: 0,
  init_std: 0.5,
  use_scan: false,
};

/** Writes a VQGAN folder with random weights. */
export async function writeTinyVqgan(folder: string, config: object = tinyVqganConfig): Promise<void> {
  const vqgan = new Vqgan(parseVqganConfig(config));
  initializeVqgan(vqgan, prngKey(5));
  await saveVqgan(folder, vqgan);
  vqgan.dispose();
}

/** The same as `writeTinyModel` with a text model of the first version. */
export async function writeTinyFirstVersion(folder: string): Promise<void> {
  const sizes = (stack: string) => ({
    [`${stack}_layers`]: 1,
    [`${stack}_ffn_dim`]: 12,
    [`${stack}_attention_heads`]: 2,
  });
  const config = {
    ...{ model_type: 'bart', d_model: 8, vocab_size: 280, max_position_embeddings: 10, init_std: 0.5 },
    ...{
      vocab_size_output: 28,
      decoder_start_token_id: 18,
      max_position_embeddings_decoder: 17,
      ...sizes('encoder'),
    },
  };
  const decoder = { d_model: 8, ...sizes('decoder') };
  const model = new FirstVersionBart(parseFirstVersionConfig(config, 'config.json', decoder));
  initializeFirstVersion(model, prngKey(3));
  await saveDalleBart(folder, { model, tokenizer: tinyTokenizer() });
  model.dispose();
  await writeTinyVqgan(join(folder, 'vqgan'));
}

function tinyTokenizer(): BpeTokenizer {
  return new BpeTokenizer(trainBpe(['a red heart', 'a blue heart', 'a dog'], { vocabSize: 270 }));
}

/** Writes a model folder, with its VQGAN, that draws noise quickly. `sizes` replace some settings. */
export async function writeTinyModel(folder: string, sizes: object = {}): Promise<void> {
  const model = new DalleBart(parseDalleBartConfig({ ...tinyBartConfig, ...sizes }));
  initializeDalleBart(model, prngKey(3));
  await saveDalleBart(folder, { model, tokenizer: tinyTokenizer() });
  model.dispose();
  await writeTinyVqgan(join(folder, 'vqgan'));
}
