import { ConfigError, SettingsReader, settingsObject, showValue, snakeCase } from '@easel/core';

/** The activations of the transformer's feed-forward blocks; no others exist in the original. */
export const ACTIVATIONS = ['gelu', 'gelu_new', 'relu', 'silu', 'swish', 'quick_gelu', 'smelu'] as const;
export type ActivationName = (typeof ACTIVATIONS)[number];

/** Where the norms of a layer sit; NORM_PLACEMENTS in norm-placement.ts says what each means. */
export const LN_POSITIONS = ['normformer', 'swinv2', 'cogview', 'postln', 'preln', 'subln'] as const;
export type LnPositions = (typeof LN_POSITIONS)[number];

export const LN_TYPES = ['layernorm', 'rmsnorm'] as const;
export type LnType = (typeof LN_TYPES)[number];

/** What a DALL·E BART model is, resolved: every default filled in, every rule checked. */
export interface DalleBartConfig {
  /** Prompts go through the text normalizer first. */
  readonly normalizeText: boolean;
  /** Rows of the text embedding. */
  readonly encoderVocabSize: number;
  /** Image codes, without the start token: the image embedding and the head have one row more. */
  readonly imageVocabSize: number;
  /** Image tokens of a picture, T. */
  readonly imageLength: number;
  /** Text tokens of a prompt, S. */
  readonly maxTextLength: number;
  readonly encoderLayers: number;
  readonly decoderLayers: number;
  /** Inner width F of the feed-forward blocks. */
  readonly encoderFfnDim: number;
  readonly decoderFfnDim: number;
  /** Heads N; dModel is divisible by both. */
  readonly encoderAttentionHeads: number;
  readonly decoderAttentionHeads: number;
  readonly activationFunction: ActivationName;
  /** Width D. */
  readonly dModel: number;
  /** Share of activations dropped in training after embeddings and sub-blocks. */
  readonly dropout: number;
  /** The same inside the feed-forward blocks. */
  readonly activationDropout: number;
  /** Standard deviation of fresh kernels and embeddings. */
  readonly initStd: number;
  /** Multiply token embeddings by √D. */
  readonly scaleEmbedding: boolean;
  /** Recompute each layer in the backward pass instead of keeping its activations. */
  readonly gradientCheckpointing: boolean;
  /** Flax checkpoints stack the layers' parameters; decides their names and the random keys of fresh ones. */
  readonly useScan: boolean;
  /** Biases in attention projections and feed-forward products. */
  readonly useBias: boolean;
  readonly lnType: LnType;
  readonly lnPositions: LnPositions;
  /** A learnt factor for each head's output. */
  readonly useHeadScale: boolean;
  /** Queries and keys of length one, and tauInit in place of √K. */
  readonly useCosineAttention: boolean;
  readonly tauInit: number;
  readonly useAbsolutePositionEmbeddings: boolean;
  /** A learnt attention bias for each query, key and head. */
  readonly useSwinPositionEmbeddings: boolean;
  /** DeepNet's factors on residuals and on fresh kernels. */
  readonly useDeepnetScaling: boolean;
  /** Magneto's factors on fresh kernels. */
  readonly useSublnInit: boolean;
  /** Gated feed-forward blocks; else plain ones. */
  readonly useGlu: boolean;
  /** Above 1: the encoder's attention is normalised this often, over keys and queries in turns. */
  readonly sinkhornIters: number;
  readonly useFinalLnEncoder: boolean;
  readonly useFinalLnDecoder: boolean;
  /** Learnt scales also in the norms that otherwise have none. */
  readonly forceLnScale: boolean;
  readonly decoderStartTokenId: number;
  readonly bosTokenId: number;
  readonly padTokenId: number;
  readonly eosTokenId: number;
  /** Lengths of a generated row, start token included. */
  readonly minLength: number;
  readonly maxLength: number;
  /** Defaults of generation. */
  readonly doSample: boolean;
  readonly topK: number;
  readonly topP: number;
  readonly temperature: number;
  /** Of beam search: finished rows' scores are divided by length^lengthPenalty; whether as many as beams end the search. */
  readonly lengthPenalty: number;
  readonly earlyStopping: boolean;
  /** Ids that every generated row starts and ends with; null for none. */
  readonly forcedBosTokenId: number | null;
  readonly forcedEosTokenId: number | null;
}

/**
 * Reads a config.json of a `dallebart` model and fills in the class's defaults.
 *
 * Throws ConfigError, naming the key, for a wrong type, a value outside its range, a key that neither the model nor
 * transformers' config base class has, and every combination that the original refuses: alibi, tied word embeddings,
 * postln without final norms, scanned swinv2, widths that the heads don't divide.
 * Source: borisdayma/dalle-mini `src/dalle_mini/model/configuration.py`.
 */
export function parseDalleBartConfig(json: unknown, file = 'config.json'): DalleBartConfig {
  const read = new SettingsReader(withAliases(settingsObject(json, file), file), file);

  const modelType = read.text('model_type', 'dallebart');
  if (modelType !== 'dallebart') {
    read.fail('model_type', '"dallebart"', modelType, 'Is this the folder of a DALL·E mini or mega model?');
  }
  const lnPositions = read.choice('ln_positions', [...LN_POSITIONS, 'deepnet'], 'normformer');
  const imageVocabSize = read.count('image_vocab_size', 16384);
  const imageLength = read.count('image_length', 256);
  const tokenId = (key: string): number => read.count(key, imageVocabSize, 0);
  const forced = (key: string): number | null => read.optionalCount(key);
  const forceBos = read.flag('force_bos_token_to_be_generated', false); // an older name of the setting
  const placement = lnPositions === 'deepnet' ? 'postln' : (lnPositions as LnPositions);

  const config: DalleBartConfig = {
    normalizeText: read.flag('normalize_text', false),
    encoderVocabSize: read.count('encoder_vocab_size', 50264),
    imageVocabSize,
    imageLength,
    maxTextLength: read.count('max_text_length', 64, 2),
    encoderLayers: read.count('encoder_layers', 12),
    decoderLayers: read.count('decoder_layers', 12),
    encoderFfnDim: read.count('encoder_ffn_dim', 4096),
    decoderFfnDim: read.count('decoder_ffn_dim', 4096),
    encoderAttentionHeads: read.count('encoder_attention_heads', 16),
    decoderAttentionHeads: read.count('decoder_attention_heads', 16),
    activationFunction: read.choice('activation_function', ACTIVATIONS, 'gelu') as ActivationName,
    dModel: read.count('d_model', 1024),
    dropout: read.rate('dropout', 0.1),
    activationDropout: read.rate('activation_dropout', 0),
    initStd: read.positive('init_std', 0.02),
    scaleEmbedding: read.flag('scale_embedding', false),
    gradientCheckpointing: read.flag('gradient_checkpointing', true),
    useScan: read.flag('use_scan', placement !== 'swinv2'),
    useBias: read.flag('use_bias', false),
    lnType: read.choice('ln_type', LN_TYPES, 'layernorm') as LnType,
    lnPositions: placement,
    useHeadScale: read.flag('use_head_scale', false),
    useCosineAttention: read.flag('use_cosine_attention', false),
    tauInit: read.positive('tau_init', 0.05),
    useAbsolutePositionEmbeddings: read.flag('use_absolute_position_embeddings', true),
    useSwinPositionEmbeddings: read.flag('use_swin_position_embeddings', false),
    useDeepnetScaling: read.flag('use_deepnet_scaling', false),
    useSublnInit: read.flag('use_subln_init', false),
    useGlu: read.flag('use_glu', true),
    sinkhornIters: read.count('sinkhorn_iters', 1, 0),
    useFinalLnEncoder: read.flag('use_final_ln_encoder', true),
    useFinalLnDecoder: read.flag('use_final_ln_decoder', true),
    forceLnScale: read.flag('force_ln_scale', false),
    decoderStartTokenId: tokenId('decoder_start_token_id'),
    bosTokenId: tokenId('bos_token_id'),
    padTokenId: tokenId('pad_token_id'),
    eosTokenId: tokenId('eos_token_id'),
    minLength: read.count('min_length', imageLength + 1, 0),
    maxLength: read.count('max_length', imageLength + 1),
    doSample: read.flag('do_sample', true),
    topK: read.count('top_k', 50, 0),
    topP: read.positive('top_p', 1),
    temperature: read.positive('temperature', 1),
    lengthPenalty: read.number('length_penalty', 1),
    earlyStopping: read.flag('early_stopping', false),
    forcedBosTokenId: forced('forced_bos_token_id') ?? (forceBos ? tokenId('bos_token_id') : null),
    forcedEosTokenId: forced('forced_eos_token_id'),
  };

  read.rate('attention_dropout', 0); // read and dropped: it never takes effect in the original either
  read.only('use_alibi', false, 'Linear position biases were never written in the original.');
  read.only('tie_word_embeddings', false, 'Text and image tokens have separate embeddings.');
  read.only('is_encoder_decoder', true, 'The model is an encoder and a decoder.');
  read.only('num_beams', 1, 'Pass the search to the generation call instead.');
  read.refuseUnknown(IGNORED_SETTINGS);
  checkRules(config, read);
  return config;
}

/** The settings as config.json has them: every value written out, so that any reader agrees. */
export function dalleBartConfigToJson(config: DalleBartConfig): Record<string, unknown> {
  const settings = Object.entries(config).map(([key, value]) => [snakeCase(key), value] as const);
  return Object.fromEntries([
    ['model_type', 'dallebart'] as const,
    ...settings,
    ['is_encoder_decoder', true],
  ]);
}

function checkRules(config: DalleBartConfig, read: SettingsReader): void {
  if (config.lnPositions === 'postln') {
    if (!config.useFinalLnEncoder)
      read.fail('use_final_ln_encoder', 'true with ln_positions "postln"', false);
    if (!config.useFinalLnDecoder)
      read.fail('use_final_ln_decoder', 'true with ln_positions "postln"', false);
  }
  if (config.lnPositions === 'swinv2' && config.useScan) {
    read.fail('use_scan', 'false with ln_positions "swinv2", whose layers differ', true);
  }
  for (const key of ['encoderAttentionHeads', 'decoderAttentionHeads'] as const) {
    if (config.dModel % config[key] !== 0) {
      read.fail(snakeCase(key), `a divisor of d_model, ${config.dModel}`, config[key]);
    }
  }
  if (config.maxLength > config.imageLength + 1) {
    read.fail('max_length', `at most image_length + 1, ${config.imageLength + 1}`, config.maxLength);
  }
  if (config.decoderStartTokenId > config.imageVocabSize) {
    read.fail(
      'decoder_start_token_id',
      `at most image_vocab_size, ${config.imageVocabSize}, the last row of the image embedding`,
      config.decoderStartTokenId,
    );
  }
}

/** Other names of a setting, as transformers' attribute_map has them. */
const ALIASES: Readonly<Record<string, string>> = {
  num_attention_heads: 'encoder_attention_heads',
  hidden_size: 'd_model',
};

function withAliases(json: object, file: string): Map<string, unknown> {
  const settings = new Map<string, unknown>(Object.entries(json));
  for (const [alias, key] of Object.entries(ALIASES)) {
    const value = settings.get(alias);
    if (value === undefined) continue;
    if (settings.has(key) && settings.get(key) !== value) {
      throw new ConfigError(
        `${file}: ${alias} and ${key} are two names of one setting, but say ${showValue(value)} and ${showValue(settings.get(key))}. Keep ${key}.`,
      );
    }
    settings.delete(alias);
    settings.set(key, value);
  }
  return settings;
}

/**
 * Keys that transformers' PretrainedConfig and BART's config write and that say nothing about this model, plus
 * generation settings that are off in every published file.
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
