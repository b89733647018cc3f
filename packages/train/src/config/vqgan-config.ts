import { ConfigError } from '@easel/core';
import { COLOUR_WEIGHTED } from '@easel/vqgan';
import { ORIGINAL_PREPARATIONS } from '../data/original-preparation.js';
import {
  choice,
  type Field,
  integer,
  list,
  objectOrFile,
  optional,
  real,
  type Settings,
  section,
  text,
} from './fields.js';
import { checkOptimization, commonFields } from './optimization.js';

const dataFields = {
  /** Folder of pictures, folders below it included. Captions aren't needed. */
  train: text(),
  /** Folder of pictures for evaluation; null: see evalFraction. */
  eval: optional(text()),
  /** Share of the training pictures that are held out for evaluation. */
  evalFraction: real({ min: 0, max: 0.9, default: 0 }),
  /** 'cover': the centre square of a picture; 'contain': the whole picture, with background beside it; or as an original program cut it. */
  fit: choice(['cover', 'contain', ...ORIGINAL_PREPARATIONS]),
  /** CSS colour under transparent pixels. */
  background: text({ default: '#ffffff' }),
  /** Decoded pictures are held in memory, three bytes a pixel; more than this is refused. In MiB. */
  memoryLimit: integer({ min: 1, default: 4096 }),
};

const codebookFields = {
  /** Steps as a plain autoencoder before the codebook is set by k-means; what comes out of the encoder is then worth coding. */
  startStep: integer({ min: 0, default: 200 }),
  /** Latents that k-means sees. */
  kmeansLatents: integer({ min: 1, default: 20000 }),
  /** Rounds of k-means. */
  kmeansRounds: integer({ min: 1, default: 8 }),
  /** Weight of the old value in the moving averages of code use and code vectors. */
  decay: real({ min: 0, max: 1, default: 0.99 }),
  /** Steps between two looks for dead codes; 0: never. */
  restartEvery: integer({ min: 0, default: 20 }),
  /** A code is dead if its mean use is below this share of an even spread. */
  restartBelow: real({ min: 0, default: 0.02 }),
  /** Share of the run after which no code is restarted. */
  restartUntil: real({ min: 0, max: 1, default: 0.85 }),
  /** Weight of the commitment loss. */
  commitment: real({ min: 0, default: 0.25 }),
};

const reconstructionFields = {
  /** Weight of the mean absolute difference of pixels. Differences count on the scale from −1 to 1. */
  l1: real({ min: 0, default: COLOUR_WEIGHTED.l1 }),
  /** Weight of the mean squared difference. */
  mse: real({ min: 0, default: COLOUR_WEIGHTED.mse }),
  /** Weights of the difference between steps from pixel to pixel, at full size, half size and so on. */
  gradient: list(real({ min: 0 }), COLOUR_WEIGHTED.gradient),
  /** Weights of the absolute difference at half size, quarter size and so on. */
  pooledL1: list(real({ min: 0 }), COLOUR_WEIGHTED.pooledL1),
};

const evaluationFields = {
  /** Steps between evaluations; one is always made at the end. 0: only at the end. */
  every: integer({ min: 0, default: 500 }),
  /** At most this many pictures. With no evaluation pictures, training pictures are taken. */
  pictures: integer({ min: 1, default: 200 }),
  /** Pictures of the reconstruction grid. */
  gridPictures: integer({ min: 1, default: 32 }),
};

const fields = {
  kind: choice(['vqgan']),
  ...commonFields,
  /** Model to train from scratch: the settings of a VQGAN's config.json, or a file with them. Null if `init` is given. */
  model: optional(objectOrFile),
  /** VQGAN folder to go on from (fine-tuning); its codebook is kept, k-means doesn't run. */
  init: optional(text()),
  data: section(dataFields),
  /** Pictures of one update. */
  batchSize: integer({ min: 1, default: 8 }),
  /** What the reconstruction loss weighs; the defaults put colour before edges. */
  reconstruction: section(reconstructionFields),
  codebook: section(codebookFields),
  evaluation: section(evaluationFields),
  /** Number format of the finished model; checkpoints are always float32. */
  exportDtype: choice(['F32', 'F16', 'BF16']),
};

/** Settings of a VQGAN training run, all defaults filled in. Every field's meaning stands beside it in this file. */
export type VqganTrainingConfig = Settings<typeof fields>;

const read: Field<VqganTrainingConfig> = section(fields);

/**
 * Checks a VQGAN training config and fills in its defaults. `file` is its name for messages.
 * Throws ConfigError for an unknown setting (naming the nearest), a value out of range, and settings that don't go together.
 */
export function parseVqganTrainingConfig(json: unknown, file = 'training config'): VqganTrainingConfig {
  const config = read(json, `${file}: `);
  checkOptimization(config, file);
  const fail = (message: string) => new ConfigError(`${file}: ${message}`);
  if ((config.model === null) === (config.init === null))
    throw fail('expected either model (from scratch) or init (a VQGAN folder to go on from), and not both.');
  if (config.data.eval !== null && config.data.evalFraction > 0)
    throw fail('data: expected either eval or evalFraction, and not both.');
  return config;
}
