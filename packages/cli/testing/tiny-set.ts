import { join } from 'node:path';
import { BpeTokenizer, trainBpe } from '@easel/bart';
import { saveTokenizer } from '@easel/bart/node';
import { writeShard } from '@easel/train';

/** The model of a training config that fits the tiny set and its tokenizer. */
export const TINY_SET_MODEL = {
  model_type: 'dallebart',
  ...{ encoder_vocab_size: 280, image_vocab_size: 16, image_length: 16, max_text_length: 10 },
  ...{ encoder_layers: 1, decoder_layers: 1, encoder_ffn_dim: 8, decoder_ffn_dim: 8, d_model: 8 },
  ...{ encoder_attention_heads: 2, decoder_attention_heads: 2, use_scan: false },
};

/**
 * Writes an encoded set for the tiny models, twelve rows, and a tokenizer of its captions; returns
 * where they are, as a training config names them.
 */
export async function writeTinySet(folder: string): Promise<{ train: string; tokenizer: string }> {
  const rows = Array.from({ length: 12 }, (_, r) => ({
    caption: `a ball, number ${r}`,
    encoding: Array.from({ length: 16 }, (_, t) => (r + t) % 16),
    source: String(r),
  }));
  const places = { train: join(folder, 'set.jsonl'), tokenizer: join(folder, 'tokenizer') };
  await writeShard(places.train, rows);
  const texts = rows.map(({ caption }) => caption);
  await saveTokenizer(places.tokenizer, new BpeTokenizer(trainBpe(texts, { vocabSize: 270 })));
  return places;
}
