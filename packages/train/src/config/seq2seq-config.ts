import { ConfigError } from '@easel/core';
import {
  type Field,
  flag,
  integer,
  list,
  named,
  objectOrFile,
  oneOf,
  optional,
  real,
  type Settings,
  section,
  text,
} from '@easel/core/config';
import { NO_FILTER } from '../encoded/row-filter.js';
import { SHUFFLE_BUFFER } from '../original/shuffle-buffer.js';
import { evaluationSets, trainingSets } from './encoded-fields.js';
import { freeOnResume, freeSettings } from './free-settings.js';
import { checkOptimization, commonFields } from './optimization.js';

const dataFields = {
  /**
   * Encoded set to train on: a folder of parquet or jsonl shards, as `easel encode` writes them, or
   * one such file. Or a list of such sets, each a path or {"path", "weight"}: of sets with weights,
   * rows come from each in proportion to its weight (1 if left out); without any, each row comes as
   * often as any other.
   */
  train: freeOnResume(trainingSets), // its content is compared by digest
  /** Encoded set for evaluation, or a list of such, which are one; null: see evalFraction. */
  eval: freeOnResume(optional(evaluationSets)),
  /** Further encoded sets for evaluation, each by the name that the metrics give it. */
  evals: freeOnResume(named(evaluationSets)),
  /**
   * Share of the training set's pictures that are held out for evaluation, each with all its
   * captions.
   */
  evalFraction: real({ min: 0, max: 0.9, default: 0 }),
  /**
   * Order of the rows. 'permuted': they are in memory, and each epoch is a permutation. 'streamed':
   * they go through a shuffle buffer, for sets larger than memory, as in the original by default.
   */
  order: oneOf(['permuted', 'streamed']),
  /**
   * Seed of the order, and of streamed blank captions; with it they are the original's with the
   * same `seed_dataset` (of one set). Null: they follow from the run's seed.
   */
  seed: optional(integer({ min: 0, max: 2 ** 32 - 1 })),
  /** Rows that the shuffle buffer holds. */
  shuffleBuffer: integer({ min: 1, default: SHUFFLE_BUFFER }),
  /**
   * Streamed: rows left after the last whole batch of an epoch come first in the next, as in the
   * original on several machines.
   */
  carryOver: flag(false),
  /**
   * A resumed run goes through its epoch from the start again, as the original does, in place of
   * going on at the next row.
   */
  repeatEpoch: freeOnResume(flag(false)),
  /**
   * Only the first rows of each training set, counted before shuffling and filtering.
   */
  maxTrainRows: optional(integer({ min: 1 })),
  /** The same of each evaluation set. */
  maxEvalRows: freeOnResume(optional(integer({ min: 1 }))),
  /** Rows outside of these clip scores, limits included, are left out. */
  minClipScore: optional(real()),
  /** The highest score that a row may have. */
  maxClipScore: optional(real()),
  /** Column of the clip scores. */
  clipScoreColumn: text({ default: NO_FILTER.clipScoreColumn }),
  /** Only rows whose value in this column is `filterValue`. */
  filterColumn: optional(text()),
  /** What `filterColumn` must hold. */
  filterValue: optional(text()),
  /** Column of the captions. */
  captionColumn: text({ default: 'caption' }),
  /** Column of the image tokens. */
  encodingColumn: text({ default: 'encoding' }),
  /**
   * Probability that a row's caption is replaced by the empty one, which guidance at generation
   * needs.
   */
  blankCaptions: real({ min: 0, max: 1, default: 0.1 }),
  /**
   * Pad captions to the longest of the batch (a multiple of 8) and not to max_text_length: the same
   * loss, sooner.
   */
  trimText: flag(true),
};

const maskFields = {
  /**
   * Largest rate: a masked row's rate is drawn from [0, max); 0 turns masking off, a value above 1
   * masks some rows whole.
   */
  max: real({ min: 0, max: 4, default: 0 }),
  /** Share of the rows that are masked at all. */
  rows: real({ min: 0, max: 1, default: 0.75 }),
  /** Share of the run after which inputs stay clean. */
  until: real({ min: 0, max: 1, default: 1 }),
};

const rankFields = {
  /**
   * Order in which gradients are added up. 'any': each process adds up those of its passes, and MPI
   * the processes. 'micro-batches': pass by pass, which gives the bits of one process with any number
   * of them, and moves more bytes where a process has several passes.
   */
  order: oneOf(['any', 'micro-batches']),
  /** Updates between two comparisons of the weights of all processes; 0: never. */
  checkEvery: integer({ min: 0, default: 100 }),
};

const evaluationFields = {
  /** Steps between evaluations; one is always made at the end. 0: only at the end. */
  every: integer({ min: 0, default: 500 }),
  /** Rows of one forward pass; null: those of a training batch. */
  batchSize: optional(integer({ min: 1 })),
  /**
   * At most this many rows of each evaluation set: by chance, or of a streamed run the first ones,
   * in whole batches.
   */
  rows: integer({ min: 1, default: 1024 }),
  /** So many rows of the training set are evaluated too, as split "trained". */
  trainRows: integer({ min: 0, default: 0 }),
};

const sampleFields = {
  /**
   * Steps between two pictures in RUN/samples; one is always drawn at the end. 0: never. Null: as
   * often as evaluations are made, if there is a VQGAN to draw with.
   */
  every: optional(integer({ min: 0 })),
  /** Prompts that are drawn, a row each; null: four captions of the training set. */
  prompts: optional(list(text(), [], 1)),
  /** Pictures of each prompt. */
  perPrompt: integer({ min: 1, default: 4 }),
  /** Seed of the drawings. */
  seed: integer({ min: 0, max: 2 ** 32 - 1, default: 0 }),
  /** As `easel generate` has it; null: as the finished model draws, by its generation.json. */
  temperature: optional(real({ above: 0 })),
  /** As `easel generate` has it; null: as the finished model draws. */
  topK: optional(integer({ min: 0 })),
  /** As `easel generate` has it; null: as the finished model draws. */
  conditionScale: optional(real({ min: 0 })),
};

/** All settings of a seq2seq training. */
export const SEQ2SEQ_FIELDS = {
  /** Which training these settings are for. */
  kind: oneOf(['seq2seq']),
  ...commonFields,
  /**
   * Model to train from scratch: the settings of a config.json, or a file with them. Null if `init`
   * is given.
   */
  model: optional(objectOrFile),
  /** Model folder to go on from (fine-tuning); its tokenizer is used unless another is named. */
  init: optional(text()),
  /**
   * Whether the opt_state.msgpack of `init`, a folder of the original's, is read too, so that
   * optimizer and schedule go on where they were. Otherwise they begin anew; schedule.offset can
   * then hold the rate at 0 for a while.
   */
  restoreState: flag(false),
  /** Folder with the tokenizer: vocab.json and merges.txt, or tokenizer.json. */
  tokenizer: optional(text()),
  /**
   * VQGAN folder that is copied into the finished model, so that `easel generate` can draw with it.
   */
  vqgan: freeOnResume(optional(text())),
  /**
   * The part of the VQGAN that goes into the finished model: its whole folder, or the decoder,
   * which is enough to draw.
   */
  vqganParts: freeOnResume(oneOf(['whole', 'decoder'])),
  data: section(dataFields),
  /**
   * Dropout after embeddings and sub-blocks; null: as the model's config has it.
   */
  dropout: optional(real({ min: 0, below: 1 })),
  /** Dropout inside feed-forward blocks; null: as the model's config has it. */
  activationDropout: optional(real({ min: 0, below: 1 })),
  /**
   * Keys of the dropout masks: of Easel's own, one for each step; or the original's chain, split
   * once for each micro-batch from PRNGKey(seed).
   */
  dropoutKeys: oneOf(['easel', 'original']),
  /**
   * Which weights are trained: all; or the image side's embeddings, their norms, the last norm and
   * the head, for new images.
   */
  trainable: oneOf(['all', 'embeddings']),
  /** With trainable "embeddings" and init: these weights begin afresh. */
  initEmbeddings: flag(false),
  /**
   * Keep only the inputs of each layer for the gradient and compute the layer again for it: less
   * memory, more time.
   */
  gradientCheckpointing: flag(false),
  /**
   * What the forward pass keeps for the gradient (with gradientCheckpointing the inputs of layers):
   * float32, or bfloat16, half the memory and 3 digits. On the native backend; others keep float32.
   * All arithmetic is float32.
   */
  savedActivations: oneOf(['float32', 'bfloat16']),
  /**
   * The weights: float32, or bfloat16, half the memory on the native backend. An update is computed
   * in float32 and rounded by chance, so that steps smaller than a weight's last digit aren't lost;
   * gradients and optimizer state are float32.
   */
  weights: oneOf(['float32', 'bfloat16']),
  /** Rows of one forward and backward pass. */
  batchSize: integer({ min: 1, default: 32 }),
  /** Passes whose gradients are averaged into one update. */
  accumulate: integer({ min: 1, default: 1 }),
  /** How processes that mpirun started share an update. */
  ranks: freeOnResume(section(rankFields)),
  /**
   * Image tokens that the decoder reads are replaced by the start token at random; the targets
   * stay. Keeps a small set from being recited without a look at the caption.
   */
  maskInputs: section(maskFields),
  evaluation: freeOnResume(section(evaluationFields)),
  /** Pictures of fixed prompts, drawn while the model learns. Needs a VQGAN. */
  samples: freeOnResume(section(sampleFields)),
  /** Number format of the finished model; checkpoints are always float32. */
  exportDtype: freeOnResume(oneOf(['F32', 'F16', 'BF16'])),
  /**
   * The model folder also gets flax_model.msgpack and opt_state.msgpack, with which the original's
   * trainer can go on. They are written with each checkpoint, and the training waits meanwhile,
   * whatever checkpoint.background says.
   */
  exportOriginal: freeOnResume(flag(false)),
};

/**
 * Settings of a seq2seq training run, all defaults filled in. Every field's meaning stands beside
 * it in this file.
 */
export type Seq2SeqConfig = Settings<typeof SEQ2SEQ_FIELDS>;

/** Settings that a resumed run may change. */
export const FREE_SEQ2SEQ_SETTINGS: readonly string[] = freeSettings(SEQ2SEQ_FIELDS);

const read: Field<Seq2SeqConfig> = section(SEQ2SEQ_FIELDS);

/**
 * Checks a seq2seq training config and fills in its defaults. `file` is its name for messages.
 * Throws ConfigError for an unknown setting (naming the nearest), a value out of range, and
 * settings that don't go together.
 */
export function parseSeq2SeqConfig(json: unknown, file = 'training config'): Seq2SeqConfig {
  const config = read(json, `${file}: `);
  checkOptimization(config, file);
  const fail = (message: string) => new ConfigError(`${file}: ${message}`);
  if ((config.model === null) === (config.init === null))
    throw fail('expected either model (from scratch) or init (a model folder to go on from), and not both.');
  if (config.init === null && config.tokenizer === null)
    throw fail('tokenizer: expected a folder, it is missing. Make one with easel tokenizer train.');
  if (config.restoreState && config.init === null)
    throw fail('restoreState: it goes with a model folder as init.');
  if (config.initEmbeddings && (config.trainable !== 'embeddings' || config.init === null))
    throw fail('initEmbeddings: it goes with trainable "embeddings" and a model folder as init.');
  checkData(config.data, fail);
  return config;
}

function checkData(data: Seq2SeqConfig['data'], fail: (message: string) => ConfigError): void {
  if (data.eval !== null && data.evalFraction > 0)
    throw fail('data: expected either eval or evalFraction, and not both.');
  if ((data.filterColumn === null) !== (data.filterValue === null))
    throw fail('data: filterColumn and filterValue go together.');
  for (const name of Object.keys(data.evals))
    if (['train', 'trained', 'eval'].includes(name))
      throw fail(`data.evals.${name}: the metrics use this name already. Choose another.`);
  if (data.carryOver && data.train.some(({ weight }) => weight !== undefined))
    throw fail('data.carryOver: of sets with weights no rows are left over. Leave one of them out.');
  if (data.order === 'streamed') {
    if (data.evalFraction > 0)
      throw fail('data.evalFraction: a streamed set is not held out from. Name a set of its own as eval.');
    return;
  }
  if (data.carryOver) throw fail('data.carryOver: it goes with "order": "streamed".');
}
