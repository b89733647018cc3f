import { ConfigError, SettingsReader, settingsObject } from '@easel/core';

/** Functions of the feed-forward blocks, by the names of transformers. OpenAI's models have quick_gelu. */
export const CLIP_ACTIVATIONS = ['quick_gelu', 'gelu', 'gelu_new', 'relu', 'silu', 'swish'] as const;
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
   * The token at whose first place a text is summed up; undefined: at the first place of its highest id, which is the end in OpenAI's
   * vocabulary. (An eos_token_id of 2 in a file means this, too: it was written by mistake, and transformers lets it be.)
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
  /** P, width of the space that texts and pictures meet in. */
  readonly projectionWidth: number;
  /** What the logarithm of the scale starts from in training; a loaded model has its own. */
  readonly logitScaleInit: number;
  readonly text: TextTowerConfig;
  readonly image: ImageTowerConfig;
}

/** eos_token_id that transformers' default config wrote into files of models that end texts with another token. */
const MISTAKEN_EOS = 2;

/** What transformers' PretrainedConfig writes into every file, and what only training uses: nothing about the network. */
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

/** A tower's own projection_dim counts for a tower that is used alone; of two together the outer one does. */
const IGNORED_IN_TOWERS: ReadonlySet<string> = new Set([...IGNORED_SETTINGS, 'projection_dim']);

/**
 * Reads the content of a config.json of transformers' CLIPModel; missing settings have that class's defaults.
 *
 * Throws ConfigError for an unknown setting (with the nearest known one), a value of the wrong kind or range, and sizes that do not fit
 * together. `file` is named in messages.
 */
export function parseClipConfig(json: unknown, file = 'config.json'): ClipConfig {
  const settings = new Map(Object.entries(settingsObject(json, file)));
  const kind = settings.get('model_type');
  if (kind !== undefined && kind !== 'clip') {
    throw new ConfigError(
      `${file}: expected model_type to be "clip", got ${JSON.stringify(kind)}. Is it the folder of a CLIP with both towers?`,
    );
  }
  const text = towerSettings(settings, 'text', file);
  const image = towerSettings(settings, 'vision', file);
  const read = new SettingsReader(settings, file);
  const config: ClipConfig = {
    projectionWidth: read.count('projection_dim', 512),
    logitScaleInit: read.number('logit_scale_init_value', 2.6592),
    text: parseTextTower(text, `${file}, text_config`),
    image: parseImageTower(image, `${file}, vision_config`),
  };
  read.refuseUnknown(IGNORED_SETTINGS);
  return config;
}

/** Takes a tower's settings out of the file's. Where both forms are there, the older `…_config_dict` wins, as in transformers. */
function towerSettings(
  settings: Map<string, unknown>,
  tower: 'text' | 'vision',
  file: string,
): Map<string, unknown> {
  const keys = [`${tower}_config_dict`, `${tower}_config`];
  const key = keys.find((candidate) => (settings.get(candidate) ?? null) !== null);
  const found = key === undefined ? {} : settingsObject(settings.get(key), `${file}, ${key}`);
  for (const taken of keys) settings.delete(taken);
  return new Map(Object.entries(found));
}

function parseTextTower(settings: ReadonlyMap<string, unknown>, where: string): TextTowerConfig {
  const read = new SettingsReader(settings, where);
  const eos = read.optionalCount('eos_token_id') ?? MISTAKEN_EOS;
  const config: TextTowerConfig = {
    ...parseTower(read, { hidden_size: 512, intermediate_size: 2048, num_attention_heads: 8 }),
    vocabSize: read.count('vocab_size', 49408),
    maxTextLength: read.count('max_position_embeddings', 77),
    eosTokenId: eos === MISTAKEN_EOS ? undefined : eos,
  };
  read.refuseUnknown(IGNORED_IN_TOWERS);
  return config;
}

function parseImageTower(settings: ReadonlyMap<string, unknown>, where: string): ImageTowerConfig {
  const read = new SettingsReader(settings, where);
  const config: ImageTowerConfig = {
    ...parseTower(read, { hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12 }),
    imageSize: read.count('image_size', 224),
    patchSize: read.count('patch_size', 32),
    channels: read.count('num_channels', 3),
  };
  if (config.patchSize > config.imageSize) {
    read.fail('patch_size', `at most image_size, ${config.imageSize}`, config.patchSize);
  }
  read.refuseUnknown(IGNORED_IN_TOWERS);
  return config;
}

function parseTower(
  read: SettingsReader,
  standard: {
    readonly hidden_size: number;
    readonly intermediate_size: number;
    readonly num_attention_heads: number;
  },
): TowerConfig {
  const width = read.count('hidden_size', standard.hidden_size);
  const heads = read.count('num_attention_heads', standard.num_attention_heads);
  if (width % heads !== 0) read.fail('num_attention_heads', `a divisor of hidden_size, ${width}`, heads);
  for (const key of ['dropout', 'attention_dropout']) {
    read.only(
      key,
      0,
      'Every published CLIP has 0 and no other is implemented; it would change training only.',
    );
  }
  return {
    width,
    heads,
    layers: read.count('num_hidden_layers', 12),
    ffnWidth: read.count('intermediate_size', standard.intermediate_size),
    activation: read.choice('hidden_act', CLIP_ACTIVATIONS, 'quick_gelu') as ClipActivation,
    normEpsilon: read.positive('layer_norm_eps', 1e-5),
  };
}

/** The content of a config.json that parseClipConfig reads back to an equal config, and transformers to an equal model. */
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
