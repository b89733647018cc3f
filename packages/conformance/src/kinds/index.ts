import { readFileSync } from 'node:fs';
import type { GoldenFolder, KindEntry } from '../kind.js';

/**
 * Every kind of recorded numbers. The name of a folder, or of the nearest folder around it, tells
 * its kind. If none of them is the name of a kind, the folder's files tell it. To add a runner:
 * write kinds/<name>.ts, which exports `kind`, and load it here.
 */
export const KINDS: readonly KindEntry[] = [
  {
    name: 'generation',
    recognizes: (folder) => folder.has('runs.json', 'config.json') || folder.has('warpers.json'),
    load: () => import('./generation.js'),
  },
  {
    name: 'processor',
    recognizes: (folder) => folder.has('prompts.json', 'io.safetensors'),
    load: () => import('./processor.js'),
  },
  {
    name: 'bart',
    recognizes: (folder) =>
      folder.has('config.json', 'flax_model.msgpack', 'io.safetensors') &&
      /"(dallebart|bart)"|FlaxBartForConditionalGeneration/.test(textOf(folder, 'config.json')),
    load: () => import('./bart.js'),
  },
  {
    name: 'full_size_parameters',
    recognizes: (folder) => folder.files.some((file) => /\.(flax|taming|torch)\.json$/.test(file)),
    load: () => import('./full_size_parameters.js'),
  },
  {
    name: 'vqgan',
    recognizes: (folder) => folder.has('config.json', 'weights_check.safetensors'),
    load: () => import('./vqgan.js'),
  },
  {
    name: 'vqgan_loss',
    recognizes: (folder) => folder.has('gan_losses.safetensors'),
    load: () => import('./vqgan_loss.js'),
  },
  {
    name: 'clip',
    recognizes: (folder) => folder.has('config.json') && /"clip"/.test(textOf(folder, 'config.json')),
    load: () => import('./clip.js'),
  },
  {
    name: 'image',
    recognizes: (folder) => folder.has('preprocess.json') || folder.has('output.safetensors'),
    load: () => import('./image.js'),
  },
  {
    name: 'random',
    recognizes: (folder) => folder.has('original.json') || folder.has('partitionable.json'),
    load: () => import('./random.js'),
  },
  {
    name: 'tokenizer',
    recognizes: (folder) => folder.has('vocab.json', 'merges.txt', 'cases.json'),
    load: () => import('./tokenizer.js'),
  },
  {
    name: 'normalizer',
    recognizes: (folder) => folder.has('hashtags.json'),
    load: () => import('./normalizer.js'),
  },
  { name: 'schedules', recognizes: () => false, load: () => import('./schedules.js') },
  {
    name: 'optimizers',
    recognizes: (folder) => folder.has('inverse_roots.json'),
    load: () => import('./optimizers.js'),
  },
  {
    name: 'data',
    recognizes: (folder) => folder.has('batches.safetensors', 'cases.json'),
    inputs: /^(files|tokenizer)$/,
    load: () => import('./data.js'),
  },
  {
    name: 'partitions',
    recognizes: (folder) => folder.has('partitions.json'),
    load: () => import('./partitions.js'),
  },
  {
    name: 'train',
    recognizes: (folder) => folder.has('run.json'),
    inputs: /^(model_scanned|model_unscanned|tokenizer)$/,
    load: () => import('./train.js'),
  },
  {
    name: 'safetensors',
    recognizes: (folder) => folder.has('expected.json'),
    load: () => import('./safetensors.js'),
  },
];

function textOf(folder: GoldenFolder, file: string): string {
  return readFileSync(folder.file(file), 'utf8');
}
