import { ConfigError } from '@easel/core';
import {
  type Field,
  flag,
  integer,
  list,
  objectOrFile,
  oneOf,
  optional,
  real,
  type Settings,
  section,
  text,
} from '@easel/core/config';
import type { ReconstructionWeights } from '@easel/vqgan';
import { COLOUR_WEIGHTED } from '@easel/vqgan';
import { freeOnResume, freeSettings } from './free-settings.js';
import { checkOptimization, checkWarmup, commonFields } from './optimization.js';
import { pictureShapeFields, pictureSources } from './picture-fields.js';

const dataFields = {
  /**
   * Pictures to train on: a folder, tar shards, parquet files, or a list of such. Captions aren't
   * needed.
   */
  train: freeOnResume(pictureSources), // its content is compared by digest
  /** Pictures for evaluation; null: see evalFraction. */
  eval: freeOnResume(optional(pictureSources)),
  /** Share of the training pictures that are held out for evaluation. */
  evalFraction: real({ min: 0, max: 0.9, default: 0 }),
  ...pictureShapeFields,
  /**
   * Order of the pictures. 'permuted': they are decoded once and held in memory, and each epoch is
   * a permutation. 'streamed': they are read and decoded when they are needed, for sets larger than
   * memory.
   */
  order: oneOf(['permuted', 'streamed']),
  /** With 'streamed': number of pictures that are shuffled together. */
  shuffleBuffer: integer({ min: 1, default: 2048 }),
  /**
   * Most memory for decoded pictures, in MiB. They take three bytes a pixel. More than this is
   * refused.
   */
  memoryLimit: freeOnResume(integer({ min: 1, default: 4096 })),
};

const codebookFields = {
  /**
   * What moves the codes: moving averages of the latents that choose them, or the gradient of a
   * codebook loss, as in taming.
   */
  learning: oneOf(['averages', 'gradient']),
  /**
   * Number of steps as a plain autoencoder, before k-means sets the codebook. After them the
   * encoder's latents are worth coding.
   */
  startStep: integer({ min: 0, default: 200 }),
  /**
   * Latents that k-means sees; 0: no k-means, the codes begin as they were drawn (as in taming,
   * with startStep 0).
   */
  kmeansLatents: integer({ min: 0, default: 20000 }),
  /** Rounds of k-means. */
  kmeansRounds: integer({ min: 1, default: 8 }),
  /** Weight of the old value in the moving averages of code use and code vectors. */
  decay: real({ min: 0, max: 1, default: 0.99 }),
  /** Steps between two searches for dead codes; 0: never. */
  restartEvery: integer({ min: 0, default: 20 }),
  /** A code is dead if its mean use is below this share of an even spread. */
  restartBelow: real({ min: 0, default: 0.02 }),
  /** Share of the run after which no code is restarted. */
  restartUntil: real({ min: 0, max: 1, default: 0.85 }),
  /**
   * Weight of the loss that pulls latents towards codes. With averages it multiplies the squared
   * distance (default 0.25). With gradient it multiplies the mean square over the numbers of a
   * latent (default 1).
   */
  commitment: optional(real({ min: 0 })),
  /** With gradient: weight of the loss that pulls codes towards latents. */
  beta: real({ min: 0, default: 0.25 }),
  /** Weight of both of these losses in the whole loss. */
  weight: real({ min: 0, default: 1 }),
};

const reconstructionFields = {
  /**
   * Weight of the mean absolute difference of pixels. Differences count on the scale from −1 to 1.
   */
  l1: real({ min: 0, default: COLOUR_WEIGHTED.l1 }),
  /** Weight of the mean squared difference. */
  mse: real({ min: 0, default: COLOUR_WEIGHTED.mse }),
};

const perceptualFields = {
  /**
   * pyramid: differences of the picture scaled down, which see colour and rough form, and of steps
   * from pixel to pixel, which see edges; needs no file. lpips: distance of VGG16's features (Zhang
   * et al. 2018), as in taming; needs `files`. none: pixels alone.
   */
  kind: oneOf(['pyramid', 'lpips', 'none']),
  /** Weight of the perceptual term beside that of pixels. */
  weight: real({ min: 0, default: 1 }),
  /**
   * pyramid: weights of the difference between steps from pixel to pixel, at full size, half size
   * and so on.
   */
  gradient: list(real({ min: 0 }), COLOUR_WEIGHTED.gradient),
  /** pyramid: weights of the absolute difference at half size, quarter size and so on. */
  pooledL1: list(real({ min: 0 }), COLOUR_WEIGHTED.pooledL1),
  /**
   * lpips: what easel convert made of its weights, or their files: vgg.pth of LPIPS and
   * vgg16-397923af.pth of torchvision.
   */
  files: list(text(), []),
  /**
   * lpips: leave out half of the features at random, as the original does (by oversight) while it
   * trains.
   */
  dropout: flag(false),
};

const adversarialFields = {
  /** Steps before the discriminator is trained and counts. */
  startStep: integer({ min: 0, default: 10000 }),
  /** Weight of the adversarial loss. */
  weight: real({ min: 0, default: 0.8 }),
  /**
   * Scale the adversarial loss so that its gradient at the decoder's last kernel is as long as that
   * of the reconstruction.
   */
  adaptive: flag(true),
  /** The discriminator's loss. */
  loss: oneOf(['hinge', 'vanilla']),
  /**
   * Convolutions of the discriminator between its first and its last. Three see patches of 70×70
   * pixels, two 34×34, one 16×16.
   */
  layers: integer({ min: 1, default: 3 }),
  /** Filters of its first convolution; each further one has twice as many, up to eight times. */
  width: integer({ min: 1, default: 64 }),
  /** ActNorm in place of batch norm. */
  actNorm: flag(false),
  /** The discriminator's learning rate as a multiple of the VQGAN's. */
  rate: real({ above: 0, default: 1 }),
  /** Adam's constants for the discriminator: weight of the old mean of gradients. */
  beta1: real({ min: 0, below: 1, default: 0.5 }),
  /** And of their squares. */
  beta2: real({ min: 0, below: 1, default: 0.9 }),
  /**
   * Until startStep, leave the discriminator out. If false it judges from the first step on,
   * without effect on the VQGAN, as in taming: its norms gather statistics, its Adam counts steps,
   * and its numbers are logged.
   */
  idle: flag(true),
  /** A discriminator to go on from: a file of a run's checkpoint, or a checkpoint of taming. */
  init: optional(text()),
};

const evaluationFields = {
  /** Steps between evaluations; one is always made at the end. 0: only at the end. */
  every: integer({ min: 0, default: 500 }),
  /** Most pictures that are evaluated. Without evaluation pictures, training pictures are taken. */
  pictures: integer({ min: 1, default: 200 }),
  /** Pictures of the reconstruction grid. */
  gridPictures: integer({ min: 1, default: 32 }),
};

/** All settings of a VQGAN's training. */
export const VQGAN_FIELDS = {
  /** Which training these settings are for. */
  kind: oneOf(['vqgan']),
  ...commonFields,
  /**
   * Model to train from scratch: the settings of a VQGAN's config.json, or a file with them. Null
   * if `init` is given.
   */
  model: optional(objectOrFile),
  /** VQGAN folder to go on from (fine-tuning); its codebook is kept, k-means doesn't run. */
  init: optional(text()),
  data: section(dataFields),
  /**
   * Which weights are trained: all; or, with init, the decoder, for pictures of another kind:
   * encoder and codebook stay as they are, so that tokens keep their meaning.
   */
  trainable: oneOf(['all', 'decoder']),
  /** Pictures of one update. */
  batchSize: integer({ min: 1, default: 8 }),
  /** The pixels' part of the reconstruction loss. */
  reconstruction: section(reconstructionFields),
  /** The part of the loss that looks at more than single pixels. */
  perceptual: section(perceptualFields),
  /**
   * A discriminator that learns to tell drawn pictures from real ones, and that the VQGAN learns to
   * deceive; null: none.
   */
  adversarial: optional(section(adversarialFields)),
  codebook: section(codebookFields),
  evaluation: freeOnResume(section(evaluationFields)),
  /** Number format of the finished model; checkpoints are always float32. */
  exportDtype: freeOnResume(oneOf(['F32', 'F16', 'BF16'])),
};

/**
 * Settings of a VQGAN training run, all defaults filled in. Every field's meaning stands beside it
 * in this file.
 */
export type VqganTrainingConfig = Settings<typeof VQGAN_FIELDS>;

/** Settings of a run whose number of updates is known. */
export type SizedVqganConfig = VqganTrainingConfig & { readonly steps: number };

/** Settings that a resumed run may change. */
export const FREE_VQGAN_SETTINGS: readonly string[] = freeSettings(VQGAN_FIELDS);

const read: Field<VqganTrainingConfig> = section(VQGAN_FIELDS);

/**
 * Checks a VQGAN training config and fills in its defaults. `file` is its name for messages. Throws
 * ConfigError for an unknown setting (naming the nearest), a value out of range, and settings that
 * don't go together.
 */
export function parseVqganTrainingConfig(json: unknown, file = 'training config'): VqganTrainingConfig {
  const config = read(json, `${file}: `);
  checkOptimization(config, file);
  const fail = (message: string) => new ConfigError(`${file}: ${message}`);
  if ((config.model === null) === (config.init === null))
    throw fail('expected either model (from scratch) or init (a VQGAN folder to go on from), and not both.');
  if (config.trainable === 'decoder' && config.init === null)
    throw fail('trainable "decoder": it goes with a VQGAN folder as init, whose tokens stay valid.');
  if (config.data.eval !== null && config.data.evalFraction > 0)
    throw fail('data: expected either eval or evalFraction, and not both.');
  if (config.data.order === 'streamed' && config.data.evalFraction > 0)
    throw fail('data.evalFraction: nothing is held out of streamed pictures. Name others in data.eval.');
  if (config.data.order === 'permuted' && config.data.crop === 'random')
    throw fail(
      'data.crop: pictures in memory are cut once; "random" goes with data.order "streamed", where it is another square each time.',
    );
  checkPerceptual(config.perceptual, fail);
  checkAdversarial(config, fail);
  return config;
}

/**
 * Returns the settings with the number of updates. Throws ConfigError if it is none, or if a part of
 * the run would begin after its end.
 */
export function withSteps(config: VqganTrainingConfig, steps: number): SizedVqganConfig {
  const sized = { ...config, steps };
  checkWarmup(config.schedule, steps, 'Training');
  checkAdversarial(sized, (message) => new ConfigError(`Training: ${message}`));
  return sized;
}

/** The pictures' loss by pixels and pyramid, as `reconstructionLoss` weighs it. */
export function reconstructionWeights({
  reconstruction: { l1, mse },
  perceptual: { kind, weight, gradient, pooledL1 },
}: Pick<VqganTrainingConfig, 'reconstruction' | 'perceptual'>): ReconstructionWeights {
  if (kind !== 'pyramid') return { l1, mse, gradient: [], pooledL1: [] };
  const weighted = (weights: readonly number[]) => weights.map((part) => weight * part);
  return { l1, mse, gradient: weighted(gradient), pooledL1: weighted(pooledL1) };
}

function checkPerceptual(
  { kind, files }: VqganTrainingConfig['perceptual'],
  fail: (message: string) => ConfigError,
): void {
  if (kind === 'lpips' && files.length === 0)
    throw fail(
      'perceptual: lpips needs files: the weights of LPIPS and VGG16, e.g. ["models/lpips"], which easel convert vgg16-397923af.pth models/lpips --lpips vgg.pth makes. The kind "pyramid" needs none.',
    );
  if (kind !== 'lpips' && files.length > 0)
    throw fail(`perceptual: files go only with the kind "lpips", it is "${kind}".`);
}

function checkAdversarial(
  { adversarial, codebook, init, steps }: VqganTrainingConfig,
  fail: (message: string) => ConfigError,
): void {
  if (adversarial === null) return;
  const { startStep, idle } = adversarial;
  if (steps !== null && startStep >= steps)
    throw fail(
      `adversarial.startStep ${startStep} is not before the end of a run of ${steps} steps. Lower it, or leave adversarial out.`,
    );
  const codesFrom = init === null ? codebook.startStep : 0;
  if (codesFrom > (idle ? startStep : 0))
    throw fail(
      `adversarial${idle ? `.startStep ${startStep}` : ' with "idle": false'}: the discriminator would judge before the codebook begins (codebook.startStep ${codesFrom}). Let it begin later, or the codebook earlier.`,
    );
}
