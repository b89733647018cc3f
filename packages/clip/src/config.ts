import {
  anything,
  fixed,
  integer,
  mismatch,
  oneOf,
  optional,
  readSettings,
  real,
  type Settings,
  section,
  snakeCase,
} from '@easel/core/config';

/**
 * Activations of the feed-forward blocks, by the names of transformers. OpenAI's models have
 * quick_gelu.
 */
export const CLIP_ACTIVATIONS = ['quick_gelu', 'gelu', 'gelu_new', 'relu', 'silu', 'swish'] as const;
/** Name of one of `CLIP_ACTIVATIONS`, as config.json has it. */
export type ClipActivation = (typeof CLIP_ACTIVATIONS)[number];

/** Sizes of one tower's layers. */
export interface TowerConfig {
  /** D; a multiple of heads. */
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** F, inner width of the feed-forward blocks. */
  readonly ffnWidth: number;
  readonly activation: ClipActivation;
  readonly normEpsilon: number;
}

/** The text tower. */
export interface TextTowerConfig extends TowerConfig {
  readonly vocabSize: number;
  /** Most tokens of a text, its start and end included. */
  readonly maxTextLength: number;
  /**
   * The end token: the state at its first place stands for the whole text. If it is undefined, the
   * first place of the text's highest id counts, which is the end token in OpenAI's vocabulary. An
   * eos_token_id of 2 in a file also gives undefined: it was written by mistake, and transformers
   * treats it so.
   */
  readonly eosTokenId: number | undefined;
}

/** The image tower. */
export interface ImageTowerConfig extends TowerConfig {
  /** Side of a picture in pixels. */
  readonly imageSize: number;
  /** Side of a patch in pixels. */
  readonly patchSize: number;
  readonly channels: number;
}

/** Sizes of a CLIP. */
export interface ClipConfig {
  /** P, width of the common space of texts and pictures. */
  readonly projectionWidth: number;
  /** Start value of the scale's logarithm in training. A loaded model has its own. */
  readonly logitScaleInit: number;
  readonly text: TextTowerConfig;
  readonly image: ImageTowerConfig;
}

/**
 * The eos_token_id that transformers' default config wrote into files of models that end texts with
 * another token.
 */
const MISTAKEN_EOS = 2;

/**
 * Keys that say nothing about the network: transformers' PretrainedConfig writes them into every
 * file, or only training uses them.
 */
const IGNORED_SETTINGS: ReadonlySet<string> = new Set(
  `_commit_hash _name_or_path add_cross_attention architectures attn_implementation _attn_implementation_autoset bad_words_ids
  begin_suppress_tokens bos_token_id chunk_size_feed_forward cross_attention_hidden_size decoder_start_token_id diversity_penalty
  do_sample dtype early_stopping encoder_no_repeat_ngram_size eos_token_id exponential_decay_length_penalty finetuning_task
  forced_bos_token_id forced_eos_token_id gradient_checkpointing id2label initializer_factor initializer_range is_decoder
  is_encoder_decoder label2id length_penalty max_length min_length model_type no_repeat_ngram_size num_beam_groups num_beams
  num_return_sequences output_attentions output_hidden_states output_scores pad_token_id prefix problem_type pruned_heads
  remove_invalid_values repetition_penalty return_dict return_dict_in_generate sep_token_id suppress_tokens task_specific_params
  temperature tf_legacy_loss tie_encoder_decoder tie_word_embeddings tokenizer_class top_k top_p torch_dtype torchscript
  transformers_version typical_p use_bfloat16`.split(/\s+/),
);

/**
 * Keys that are ignored in a tower's settings. A tower's own projection_dim counts only for a tower
 * that is used alone; with both towers the outer one counts.
 */
const IGNORED_IN_TOWERS: ReadonlySet<string> = new Set([...IGNORED_SETTINGS, 'projection_dim']);

const NO_DROPOUT = fixed(
  0,
  'Every published CLIP has 0 and no other is implemented; it would change training only.',
);

/**
 * Settings of a tower's layers, in snake_case in a file. The arguments are the default sizes of the
 * original's class.
 */
const towerFields = (width: number, ffnWidth: number, heads: number) => ({
  hiddenSize: integer({ min: 1, default: width }),
  intermediateSize: integer({ min: 1, default: ffnWidth }),
  numAttentionHeads: integer({ min: 1, default: heads }),
  numHiddenLayers: integer({ min: 1, default: 12 }),
  hiddenAct: oneOf(CLIP_ACTIVATIONS),
  layerNormEps: real({ above: 0, default: 1e-5 }),
  dropout: NO_DROPOUT,
  attentionDropout: NO_DROPOUT,
});

const towerForm = { nameOf: snakeCase, ignored: IGNORED_IN_TOWERS };

const readText = section(
  {
    ...towerFields(512, 2048, 8),
    vocabSize: integer({ min: 1, default: 49408 }),
    maxPositionEmbeddings: integer({ min: 1, default: 77 }),
    eosTokenId: optional(integer({ min: 0 })),
  },
  towerForm,
);

const readImage = section(
  {
    ...towerFields(768, 3072, 12),
    imageSize: integer({ min: 1, default: 224 }),
    patchSize: integer({ min: 1, default: 32 }),
    numChannels: integer({ min: 1, default: 3 }),
  },
  towerForm,
);

/**
 * A tower's settings have one of two keys. If both are there, the older one wins, as in
 * transformers.
 */
const readModel = section(
  {
    modelType: fixed('clip', 'Is it the folder of a CLIP with both towers?'),
    projectionDim: integer({ min: 1, default: 512 }),
    logitScaleInitValue: real({ default: 2.6592 }),
    textConfig: optional(anything),
    textConfigDict: optional(anything),
    visionConfig: optional(anything),
    visionConfigDict: optional(anything),
  },
  { nameOf: snakeCase, ignored: IGNORED_SETTINGS },
);

/**
 * Parses the content of a config.json of transformers' CLIPModel. Missing settings have that
 * class's defaults.
 *
 * Throws ConfigError for an unknown setting (with the nearest known one), a value of the wrong kind
 * or range, and sizes that do not fit together. `file` is named in messages.
 */
export function parseClipConfig(json: unknown, file = 'config.json'): ClipConfig {
  const found = readSettings(readModel, json, file);
  const textAt = `${file}: text_config${found.textConfigDict === null ? '' : '_dict'}`;
  const imageAt = `${file}: vision_config${found.visionConfigDict === null ? '' : '_dict'}`;
  const text = readText(found.textConfigDict ?? found.textConfig, textAt);
  const image = readImage(found.visionConfigDict ?? found.visionConfig, imageAt);
  if (image.patchSize > image.imageSize)
    throw mismatch(`${imageAt}.patch_size`, `at most image_size, ${image.imageSize}`, image.patchSize);
  const eos = text.eosTokenId ?? MISTAKEN_EOS;
  return {
    projectionWidth: found.projectionDim,
    logitScaleInit: found.logitScaleInitValue,
    text: {
      ...towerOf(text, textAt),
      vocabSize: text.vocabSize,
      maxTextLength: text.maxPositionEmbeddings,
      eosTokenId: eos === MISTAKEN_EOS ? undefined : eos,
    },
    image: {
      ...towerOf(image, imageAt),
      imageSize: image.imageSize,
      patchSize: image.patchSize,
      channels: image.numChannels,
    },
  };
}

/** Throws ConfigError if the heads don't divide the width. */
function towerOf(found: Settings<ReturnType<typeof towerFields>>, at: string): TowerConfig {
  const { hiddenSize: width, numAttentionHeads: heads } = found;
  if (width % heads !== 0)
    throw mismatch(`${at}.num_attention_heads`, `a divisor of hidden_size, ${width}`, heads);
  return {
    width,
    heads,
    layers: found.numHiddenLayers,
    ffnWidth: found.intermediateSize,
    activation: found.hiddenAct,
    normEpsilon: found.layerNormEps,
  };
}

/**
 * Returns the content of a config.json. parseClipConfig reads it back to an equal config, and
 * transformers to an equal model.
 */
export function clipConfigToJson(config: ClipConfig): Record<string, unknown> {
  const { text, image } = config;
  const tower = ({ width, heads, layers, ffnWidth, activation, normEpsilon }: TowerConfig) => ({
    hidden_size: width,
    intermediate_size: ffnWidth,
    projection_dim: config.projectionWidth,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    hidden_act: activation,
    layer_norm_eps: normEpsilon,
  });
  return {
    model_type: 'clip',
    architectures: ['CLIPModel'],
    projection_dim: config.projectionWidth,
    logit_scale_init_value: config.logitScaleInit,
    text_config: {
      model_type: 'clip_text_model',
      ...tower(text),
      vocab_size: text.vocabSize,
      max_position_embeddings: text.maxTextLength,
      eos_token_id: text.eosTokenId ?? MISTAKEN_EOS,
    },
    vision_config: {
      model_type: 'clip_vision_model',
      ...tower(image),
      image_size: image.imageSize,
      patch_size: image.patchSize,
      num_channels: image.channels,
    },
  };
}
