import { ConfigError } from '@easel/core';
import {
  fixed,
  flag,
  integer,
  mismatch,
  oneOf,
  optional,
  readSettings,
  real,
  section,
  showValue,
  snakeCase,
} from '@easel/core/config';
import { type GenerationConfig, generationDefaults, tokenId } from './generation-config.js';
import { sharedFields, sharedLayerFields } from './shared-fields.js';

/** The activations of the transformer's feed-forward blocks; no others exist in the original. */
export const ACTIVATIONS = ['gelu', 'gelu_new', 'relu', 'silu', 'swish', 'quick_gelu', 'smelu'] as const;
/** Name of one of `ACTIVATIONS`, as config.json has it. */
export type ActivationName = (typeof ACTIVATIONS)[number];

/** The placements of a layer's norms. NORM_PLACEMENTS in norm-placement.ts says what each means. */
export const LN_POSITIONS = ['normformer', 'swinv2', 'cogview', 'postln', 'preln', 'subln'] as const;
/** Name of one of `LN_POSITIONS`, as config.json has it. */
export type LnPositions = (typeof LN_POSITIONS)[number];

/**
 * The kinds of norm: layer norm subtracts the mean and has a bias; RMS norm only divides by the
 * root of the mean square.
 */
export const LN_TYPES = ['layernorm', 'rmsnorm'] as const;
/** Name of one of `LN_TYPES`, as config.json has it. */
export type LnType = (typeof LN_TYPES)[number];

/**
 * The resolved config of a DALL·E BART model: every default is filled in and every rule is checked.
 */
export interface DalleBartConfig extends GenerationConfig {
  /** Whether prompts go through the text normalizer first. */
  readonly normalizeText: boolean;
  readonly encoderLayers: number;
  readonly decoderLayers: number;
  /** Inner width F of the feed-forward blocks. */
  readonly encoderFfnDim: number;
  readonly decoderFfnDim: number;
  /** Heads N of the encoder and the decoder. dModel is divisible by both. */
  readonly encoderAttentionHeads: number;
  readonly decoderAttentionHeads: number;
  readonly activationFunction: ActivationName;
  /** Width D. */
  readonly dModel: number;
  /** Share of activations that training drops after embeddings and sub-blocks. */
  readonly dropout: number;
  /** Share of activations that training drops inside the feed-forward blocks. */
  readonly activationDropout: number;
  /** Standard deviation of fresh kernels and embeddings. */
  readonly initStd: number;
  /** Whether token embeddings are multiplied by √D. */
  readonly scaleEmbedding: boolean;
  /**
   * Whether the backward pass computes each layer again, so that its activations need not be kept.
   */
  readonly gradientCheckpointing: boolean;
  /**
   * Whether Flax checkpoints stack the layers' parameters. This decides the names of parameters and
   * the random keys of fresh ones.
   */
  readonly useScan: boolean;
  /** Whether attention projections and feed-forward products have biases. */
  readonly useBias: boolean;
  readonly lnType: LnType;
  readonly lnPositions: LnPositions;
  /** Whether each head's output has a learnt factor. */
  readonly useHeadScale: boolean;
  /**
   * Cosine attention: queries and keys are scaled to length one, and tauInit takes the place of √K.
   */
  readonly useCosineAttention: boolean;
  readonly tauInit: number;
  readonly useAbsolutePositionEmbeddings: boolean;
  /** Whether there is a learnt attention bias for each query, key and head. */
  readonly useSwinPositionEmbeddings: boolean;
  /** Whether residuals and fresh kernels have DeepNet's factors. */
  readonly useDeepnetScaling: boolean;
  /** Whether fresh kernels have Magneto's factors. */
  readonly useSublnInit: boolean;
  /** Whether feed-forward blocks are gated; otherwise they are plain. */
  readonly useGlu: boolean;
  /**
   * If above 1, the encoder's attention is normalised this many times, over keys and queries in
   * turns.
   */
  readonly sinkhornIters: number;
  readonly useFinalLnEncoder: boolean;
  readonly useFinalLnDecoder: boolean;
  /** Whether norms that otherwise have no learnt scale have one, too. */
  readonly forceLnScale: boolean;
  readonly bosTokenId: number;
}

/**
 * Settings of a config.json, where they are in snake_case. A value of null follows from other
 * settings.
 */
const fields = {
  modelType: fixed('dallebart', 'Is this the folder of a DALL·E mini or mega model?'),
  normalizeText: flag(false),
  encoderVocabSize: integer({ min: 1, default: 50264 }),
  imageVocabSize: integer({ min: 1, default: 16384 }),
  imageLength: integer({ min: 1, default: 256 }),
  maxTextLength: integer({ min: 2, default: 64 }),
  encoderLayers: integer({ min: 1, default: 12 }),
  decoderLayers: integer({ min: 1, default: 12 }),
  encoderFfnDim: integer({ min: 1, default: 4096 }),
  decoderFfnDim: integer({ min: 1, default: 4096 }),
  encoderAttentionHeads: integer({ min: 1, default: 16 }),
  decoderAttentionHeads: integer({ min: 1, default: 16 }),
  activationFunction: oneOf(ACTIVATIONS, 'gelu'),
  ...sharedLayerFields,
  gradientCheckpointing: flag(true),
  useScan: optional(flag(true)),
  useBias: flag(false),
  lnType: oneOf(LN_TYPES),
  lnPositions: oneOf([...LN_POSITIONS, 'deepnet'], 'normformer'),
  useHeadScale: flag(false),
  useCosineAttention: flag(false),
  tauInit: real({ above: 0, default: 0.05 }),
  useAbsolutePositionEmbeddings: flag(true),
  useSwinPositionEmbeddings: flag(false),
  useDeepnetScaling: flag(false),
  useSublnInit: flag(false),
  useGlu: flag(true),
  sinkhornIters: integer({ min: 0, default: 1 }),
  useFinalLnEncoder: flag(true),
  useFinalLnDecoder: flag(true),
  forceLnScale: flag(false),
  ...sharedFields,
  padTokenId: tokenId,
  /** An older way of saying that forced_bos_token_id is bos_token_id. */
  forceBosTokenToBeGenerated: flag(false),
  useAlibi: fixed(false, 'Linear position biases were never written in the original.'),
  numBeams: fixed(1, 'Pass the search to the generation call instead.'),
};

/**
 * Parses the config.json of a `dallebart` model and fills in the original class's defaults.
 *
 * Throws ConfigError, naming the key, for a wrong type, a value outside its range, a key that
 * neither the model nor transformers' config base class has, and every combination that the
 * original refuses: alibi, tied word embeddings, postln without final norms, scanned swinv2, widths
 * that the heads don't divide. Source: borisdayma/dalle-mini
 * `src/dalle_mini/model/configuration.py`.
 */
export function parseDalleBartConfig(json: unknown, file = 'config.json'): DalleBartConfig {
  const {
    modelType,
    forceBosTokenToBeGenerated: forceBos,
    attentionDropout,
    useAlibi,
    tieWordEmbeddings,
    isEncoderDecoder,
    numBeams,
    ...found
  } = readSettings(
    section(fields, { nameOf: snakeCase, ignored: IGNORED_SETTINGS }),
    withoutAliases(json, file),
    file,
  );
  const { imageVocabSize } = found;
  const lnPositions = found.lnPositions === 'deepnet' ? 'postln' : found.lnPositions;
  const generation = generationDefaults(found, found);
  const config: DalleBartConfig = {
    ...found,
    lnPositions,
    useScan: found.useScan ?? lnPositions !== 'swinv2',
    ...generation,
    padTokenId: found.padTokenId ?? imageVocabSize,
    eosTokenId: found.eosTokenId ?? imageVocabSize,
    forcedBosTokenId: found.forcedBosTokenId ?? (forceBos ? generation.bosTokenId : null),
  };
  checkRules(config, file);
  return config;
}

/**
 * Returns the settings as config.json has them. Every value is written out, so that any reader
 * agrees on it.
 */
export function dalleBartConfigToJson(config: DalleBartConfig): Record<string, unknown> {
  const settings = Object.entries(config).map(([key, value]) => [snakeCase(key), value] as const);
  return Object.fromEntries([
    ['model_type', 'dallebart'] as const,
    ...settings,
    ['is_encoder_decoder', true],
  ]);
}

/** Throws ConfigError for settings that don't go together. */
function checkRules(config: DalleBartConfig, file: string): void {
  const { dModel, imageLength, imageVocabSize, lnPositions } = config;
  const refuse = (key: keyof DalleBartConfig, expected: string): never => {
    throw mismatch(`${file}: ${snakeCase(key)}`, expected, config[key]);
  };
  if (lnPositions === 'postln')
    for (const key of ['useFinalLnEncoder', 'useFinalLnDecoder'] as const)
      if (!config[key]) refuse(key, 'true with ln_positions "postln"');
  if (lnPositions === 'swinv2' && config.useScan)
    refuse('useScan', 'false with ln_positions "swinv2", whose layers differ');
  for (const key of ['encoderAttentionHeads', 'decoderAttentionHeads'] as const)
    if (dModel % config[key] !== 0) refuse(key, `a divisor of d_model, ${dModel}`);
  if (config.maxLength > imageLength + 1) refuse('maxLength', `at most image_length + 1, ${imageLength + 1}`);
  if (config.decoderStartTokenId > imageVocabSize)
    refuse(
      'decoderStartTokenId',
      `at most image_vocab_size, ${imageVocabSize}, the last row of the image embedding`,
    );
}

/** Other names of settings → their own names, as in transformers' attribute_map. */
const ALIASES: Readonly<Record<string, string>> = {
  num_attention_heads: 'encoder_attention_heads',
  hidden_size: 'd_model',
};

/**
 * Returns the settings under their own names. Throws ConfigError if a file has two names of one
 * setting with two values.
 */
function withoutAliases(json: unknown, file: string): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return json;
  const settings = new Map<string, unknown>(Object.entries(json));
  for (const [alias, key] of Object.entries(ALIASES)) {
    const value = settings.get(alias);
    if (value === undefined) continue;
    if (settings.has(key) && settings.get(key) !== value)
      throw new ConfigError(
        `${file}: ${alias} and ${key} are two names of one setting, but say ${showValue(value)} and ${showValue(settings.get(key))}. Keep ${key}.`,
      );
    settings.delete(alias);
    settings.set(key, value);
  }
  return Object.fromEntries(settings);
}

/**
 * Keys that are ignored. transformers' PretrainedConfig and BART's config write them and they say
 * nothing about this model, or they are generation settings that are off in every published file.
 */
export const IGNORED_SETTINGS: ReadonlySet<string> = new Set(
  `architectures transformers_version torch_dtype dtype _name_or_path _commit_hash use_cache return_dict output_hidden_states
  output_attentions output_scores return_dict_in_generate torchscript use_bfloat16 tf_legacy_loss pruned_heads
  is_decoder cross_attention_hidden_size add_cross_attention chunk_size_feed_forward num_beam_groups
  diversity_penalty typical_p repetition_penalty no_repeat_ngram_size
  encoder_no_repeat_ngram_size bad_words_ids num_return_sequences exponential_decay_length_penalty
  suppress_tokens begin_suppress_tokens remove_invalid_values
  finetuning_task id2label label2id tokenizer_class prefix sep_token_id task_specific_params
  problem_type encoder_layerdrop decoder_layerdrop classifier_dropout num_hidden_layers vocab_size
  num_labels`.split(/\s+/),
);
