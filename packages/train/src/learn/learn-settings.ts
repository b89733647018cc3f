import { parseSeq2SeqConfig, type Seq2SeqConfig } from '../config/seq2seq-config.js';
import { parseVqganTrainingConfig, type VqganTrainingConfig } from '../config/vqgan-config.js';
import type { SourceSettings } from '../sources/open-pictures.js';

/**
 * Side of the pictures that a learnt model draws, in pixels, and their tokens: one for 8 × 8
 * pixels.
 */
export const LEARNT_SIDE = 64;
const TOKENS = (LEARNT_SIDE / 8) ** 2;

/** More pictures than this are streamed in place of being held in memory (12 kB each). */
const MOST_IN_MEMORY = 200_000;

/**
 * Codes for so many pictures: a power of two from 64 to 1,024, each to be met some thirty times.
 */
export function codesFor(pictures: number): number {
  const enough = Math.floor(Math.log2(Math.max(1, (pictures * TOKENS) / 32)));
  return 2 ** Math.min(10, Math.max(6, enough));
}

/** The settings of the shipped model's VQGAN, for other pictures and another length. */
export function vqganSettings(
  train: readonly SourceSettings[],
  { pictures, steps }: { readonly pictures: number; readonly steps: number },
): VqganTrainingConfig {
  return parseVqganTrainingConfig(
    {
      model: {
        ...{ ch: 32, ch_mult: [1, 1, 2, 4], num_res_blocks: 1, attn_resolutions: [8] },
        ...{ resolution: LEARNT_SIDE, z_channels: 128, embed_dim: 32, n_embed: codesFor(pictures) },
        ...{ norm_groups: 8, pixel_range: 'signed', codebook_norm: 'l2' },
      },
      data: { train, order: pictures > MOST_IN_MEMORY ? 'streamed' : 'permuted' },
      steps,
      batchSize: Math.min(8, pictures),
      optimizer: { name: 'adamw', beta2: 0.95, weightDecay: 1e-4 },
      schedule: { learningRate: 8e-4, ...pace(steps, 100) },
      clipNorm: 1,
      codebook: { startStep: Math.min(200, Math.floor(steps / 8)) },
      evaluation: { every: Math.ceil(steps / 3), pictures: 64 },
      log: { every: 10 },
      checkpoint: { every: 0, minutes: 2 },
      exportDtype: 'F16',
    },
    'learn',
  );
}

/** The settings of the shipped model's transformer, for other captions and another length. */
export function seq2seqSettings(
  folders: { readonly train: string; readonly tokenizer: string; readonly vqgan: string },
  sizes: {
    readonly rows: number;
    readonly vocabulary: number;
    readonly textLength: number;
    readonly codes: number;
    readonly steps: number;
  },
): Seq2SeqConfig {
  const { rows, vocabulary, textLength, codes, steps } = sizes;
  const layer = (stack: string) => ({ [`${stack}_ffn_dim`]: 684, [`${stack}_attention_heads`]: 8 });
  return parseSeq2SeqConfig(
    {
      model: {
        ...{ model_type: 'dallebart', normalize_text: true, use_scan: false },
        ...{ encoder_vocab_size: vocabulary, max_text_length: textLength },
        ...{ image_vocab_size: codes, image_length: TOKENS, d_model: 256, dropout: 0 },
        ...{ encoder_layers: 2, decoder_layers: 4, ...layer('encoder'), ...layer('decoder') },
        ...{ activation_function: 'gelu', init_std: 0.02, gradient_checkpointing: false },
      },
      tokenizer: folders.tokenizer,
      vqgan: folders.vqgan,
      vqganParts: 'whole',
      data: { train: folders.train, order: rows > MOST_IN_MEMORY * 10 ? 'streamed' : 'permuted' },
      steps,
      batchSize: Math.min(32, rows),
      optimizer: { name: 'adamw', beta2: 0.98, weightDecay: 0.05, decay: 'matrices' },
      schedule: { learningRate: 1.2e-3, ...pace(steps, 150) },
      clipNorm: 1,
      evaluation: { every: 0, rows: 64, trainRows: 64 },
      samples: { every: 0 },
      log: { every: 10 },
      checkpoint: { every: 0, minutes: 2 },
      exportDtype: 'F16',
    },
    'learn',
  );
}

/** Text tokens that captions of such a length need: a multiple of 8, from 16 to 64. */
export function textLengthFor(tokens: number): number {
  return Math.min(64, Math.max(16, 8 * Math.ceil(tokens / 8)));
}

function pace(steps: number, warmupSteps: number) {
  return { warmupSteps: Math.min(warmupSteps, Math.floor(steps / 10)), decay: 'cosine', floor: 0.02 };
}
