import type { SetSettings } from '../config/encoded-fields.js';
import { parseSeq2SeqConfig, type Seq2SeqConfig } from '../config/seq2seq-config.js';
import { parseVqganTrainingConfig, type VqganTrainingConfig } from '../config/vqgan-config.js';
import type { PictureShape } from '../decoded/decode-picture.js';
import type { SourceSettings } from '../sources/open-pictures.js';

/** Most passes over the rows: by then the captions are known by heart. */
export const MOST_EPOCHS = { decoder: 60, seq2seq: 60 };

/** The settings with which the decoder of the VQGAN in `init` learns to draw other pictures. */
export function decoderSettings(
  train: readonly SourceSettings[],
  sizes: {
    readonly init: string;
    readonly fit: PictureShape['fit'];
    readonly pictures: number;
    readonly steps: number;
  },
): VqganTrainingConfig {
  const { init, fit, pictures, steps } = sizes;
  return parseVqganTrainingConfig(
    {
      init,
      trainable: 'decoder',
      data: { train, fit },
      steps,
      batchSize: Math.min(8, pictures),
      optimizer: { name: 'adamw', beta2: 0.95, weightDecay: 1e-4 },
      schedule: { learningRate: 4e-4, ...pace(steps) },
      clipNorm: 1,
      codebook: { restartEvery: 0 },
      evaluation: { every: 0, pictures: 64 },
      log: { every: 10 },
      checkpoint: { every: 0, minutes: 2, keep: 1 },
      exportDtype: 'F16',
    },
    'tune',
  );
}

/** The settings with which the text model in `init` learns further captions. */
export function textSettings(sizes: {
  readonly init: string;
  readonly vqgan: string;
  readonly train: readonly SetSettings[];
  readonly rows: number;
  readonly steps: number;
}): Seq2SeqConfig {
  const { init, vqgan, train, rows, steps } = sizes;
  return parseSeq2SeqConfig(
    {
      init,
      vqgan,
      data: { train },
      steps,
      batchSize: Math.min(32, rows),
      optimizer: { name: 'adamw', beta2: 0.98, weightDecay: 0.05, decay: 'matrices' },
      schedule: { learningRate: 3e-4, ...pace(steps) },
      clipNorm: 1,
      evaluation: { every: 0, rows: 64, trainRows: 64 },
      samples: { every: 0 },
      log: { every: 10 },
      checkpoint: { every: 0, minutes: 2, keep: 1 },
      exportDtype: 'F16',
    },
    'tune',
  );
}

function pace(steps: number) {
  return { warmupSteps: Math.min(20, Math.floor(steps / 10)), decay: 'cosine', floor: 0.02 };
}
