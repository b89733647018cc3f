import { ConfigError, SettingsReader, settingsObject } from '@easel/core';
import { type ActivationName, IGNORED_SETTINGS, parseDalleBartConfig } from '../config.js';
import type { GenerationConfig } from '../image-token-model.js';
import type { LayerConfig } from '../version.js';
import { firstVersion } from './version.js';

/** What the layers of one stack of the first version are made of. */
export interface FirstVersionStack {
  readonly layers: number;
  /** Inner width F of the feed-forward blocks. */
  readonly ffnDim: number;
  readonly attentionHeads: number;
  readonly activationFunction: ActivationName;
  readonly dropout: number;
  readonly activationDropout: number;
  /** Multiply token embeddings by √D. */
  readonly scaleEmbedding: boolean;
}

/** What a first public model (July 2021) is, resolved. */
export interface FirstVersionConfig extends GenerationConfig {
  /** The first version's prompts were not normalized. */
  readonly normalizeText: false;
  /** Width D. */
  readonly dModel: number;
  /** Text positions that the encoder has; prompts are cut to maxTextLength, which is less. */
  readonly textPositions: number;
  readonly initStd: number;
  readonly bosTokenId: number;
  /**
   * Added to variances in the norms. 1e-6 in the transformers release that trained and served the model (4.9), 1e-5 in later ones
   * (4.25), which therefore give slightly other logits for the same weights.
   */
  readonly normEpsilon: number;
  readonly encoder: FirstVersionStack;
  readonly decoder: FirstVersionStack;
}

/** Prompts were cut and padded to this many tokens. */
const PROMPT_TOKENS = 128;

/** The ACT2FN table of the release; smelu came later. */
const FIRST_ACTIVATIONS = ['gelu', 'gelu_new', 'relu', 'silu', 'swish', 'quick_gelu'] as const;

/** Settings of a BART file that say nothing about this model, or that generation was always called without. */
const IGNORED: ReadonlySet<string> = new Set([
  ...IGNORED_SETTINGS,
  ...`model_type decoder_layers decoder_ffn_dim decoder_attention_heads pos_token_id num_beams gradient_checkpointing
  force_bos_token_to_be_generated _num_labels add_bias_logits extra_pos_embeddings output_past
  normalize_embedding`.split(/\s+/),
]);

/**
 * Reads the config.json of a first public model, and what its decoder was built from.
 *
 * The original hands its decoder the whole config as one argument by mistake, so that the decoder has transformers' BART
 * defaults whatever the file says: 12 layers, width 1024, F 4096, 16 heads, dropout 0.1, gelu. The file's decoder settings are
 * therefore ignored; `decoderJson` holds other defaults, for models made under those (decoder_config.json in a model folder).
 * layer_norm_epsilon, which the original has not, chooses between the releases of transformers (default 1e-6).
 *
 * Throws ConfigError, naming the key, for a wrong type, a value out of range, an unknown key, and a d_model that is not the
 * decoder's.
 * Source: dalle-mini at 1d04ab3, `dalle_mini/model.py`; transformers 4.9.1 `models/bart/configuration_bart.py`.
 */
export function parseFirstVersionConfig(
  json: unknown,
  file = 'config.json',
  decoderJson: unknown = {},
): FirstVersionConfig {
  const read = new SettingsReader(new Map(Object.entries(settingsObject(json, file))), file);
  const dModel = read.count('d_model', 1024);
  const imageVocabSize = read.count('vocab_size_output', 16385, 2) - 1;
  const imageLength = read.count('max_position_embeddings_decoder', 257, 2) - 1;
  const textPositions = read.count('max_position_embeddings', 1024, 2);
  const config: FirstVersionConfig = {
    normalizeText: false,
    dModel,
    encoderVocabSize: read.count('vocab_size', 50265),
    imageVocabSize,
    imageLength,
    textPositions,
    maxTextLength: Math.min(PROMPT_TOKENS, textPositions),
    initStd: read.positive('init_std', 0.02),
    normEpsilon: read.positive('layer_norm_epsilon', 1e-6),
    decoderStartTokenId: read.count('decoder_start_token_id', imageVocabSize, 0),
    bosTokenId: read.count('bos_token_id', imageVocabSize, 0),
    eosTokenId: read.count('eos_token_id', imageVocabSize + 1, 0),
    padTokenId: read.count('pad_token_id', 1, 0),
    forcedBosTokenId: read.optionalCount('forced_bos_token_id'),
    forcedEosTokenId: read.optionalCount('forced_eos_token_id'),
    minLength: read.count('min_length', imageLength + 1, 0),
    maxLength: read.count('max_length', imageLength + 1),
    doSample: read.flag('do_sample', true),
    topK: read.count('top_k', 50, 0),
    topP: read.positive('top_p', 1),
    temperature: read.positive('temperature', 1),
    lengthPenalty: read.number('length_penalty', 1),
    earlyStopping: read.flag('early_stopping', false),
    encoder: readStack(read, 'encoder'),
    decoder: readDecoder(decoderJson, dModel),
  };
  for (const key of ['normalize_before', 'static_position_embeddings', 'add_final_layer_norm']) {
    read.only(key, false, 'The first version has norms behind each block and learnt positions.');
  }
  read.rate('attention_dropout', 0); // read and dropped: it never takes effect in the original either
  read.only('tie_word_embeddings', false, 'Text and image tokens have separate embeddings.');
  read.only('is_encoder_decoder', true, 'The model is an encoder and a decoder.');
  read.only('encoder_layerdrop', 0, 'Layers are never dropped.');
  read.only('decoder_layerdrop', 0, 'Layers are never dropped.');
  read.refuseUnknown(IGNORED);
  if (dModel % config.encoder.attentionHeads !== 0) {
    read.fail('encoder_attention_heads', `a divisor of d_model, ${dModel}`, config.encoder.attentionHeads);
  }
  if (config.maxLength > imageLength + 1) {
    read.fail('max_length', `at most max_position_embeddings_decoder, ${imageLength + 1}`, config.maxLength);
  }
  if (config.decoderStartTokenId > imageVocabSize) {
    read.fail('decoder_start_token_id', `below vocab_size_output`, config.decoderStartTokenId);
  }
  return config;
}

/** A config as config.json and decoder_config.json have it: every value written out. */
export function firstVersionConfigToJson(config: FirstVersionConfig): {
  config: Record<string, unknown>;
  decoder: Record<string, unknown>;
} {
  const stack = (name: 'encoder' | 'decoder'): Record<string, unknown> => ({
    [`${name}_layers`]: config[name].layers,
    [`${name}_ffn_dim`]: config[name].ffnDim,
    [`${name}_attention_heads`]: config[name].attentionHeads,
    activation_function: config[name].activationFunction,
    dropout: config[name].dropout,
    activation_dropout: config[name].activationDropout,
    scale_embedding: config[name].scaleEmbedding,
  });
  return {
    config: {
      model_type: 'bart',
      architectures: ['CustomFlaxBartForConditionalGeneration'],
      d_model: config.dModel,
      vocab_size: config.encoderVocabSize,
      vocab_size_output: config.imageVocabSize + 1,
      max_position_embeddings: config.textPositions,
      max_position_embeddings_decoder: config.imageLength + 1,
      ...stack('encoder'),
      init_std: config.initStd,
      layer_norm_epsilon: config.normEpsilon,
      decoder_start_token_id: config.decoderStartTokenId,
      bos_token_id: config.bosTokenId,
      eos_token_id: config.eosTokenId,
      pad_token_id: config.padTokenId,
      forced_bos_token_id: config.forcedBosTokenId,
      forced_eos_token_id: config.forcedEosTokenId,
      min_length: config.minLength,
      max_length: config.maxLength,
      do_sample: config.doSample,
      top_k: config.topK,
      top_p: config.topP,
      temperature: config.temperature,
      length_penalty: config.lengthPenalty,
      early_stopping: config.earlyStopping,
      tie_word_embeddings: false,
      is_encoder_decoder: true,
    },
    decoder: { d_model: config.dModel, ...stack('decoder') },
  };
}

/** Both stacks in the terms of the second version: norms behind each block, always with scale and bias, plain blocks. */
export function stackConfigs(config: FirstVersionConfig): { encoder: LayerConfig; decoder: LayerConfig } {
  const version = firstVersion(config.normEpsilon);
  const layerConfig = (stack: FirstVersionStack): LayerConfig => ({
    ...parseDalleBartConfig({
      ln_positions: 'postln',
      force_ln_scale: true,
      use_bias: true,
      use_glu: false,
      use_scan: false,
      d_model: config.dModel,
      encoder_vocab_size: config.encoderVocabSize,
      image_vocab_size: config.imageVocabSize,
      max_text_length: config.textPositions,
      image_length: config.imageLength + 1, // positions, one more than the tokens of a picture
      encoder_layers: stack.layers,
      decoder_layers: stack.layers,
      encoder_ffn_dim: stack.ffnDim,
      decoder_ffn_dim: stack.ffnDim,
      encoder_attention_heads: stack.attentionHeads,
      decoder_attention_heads: stack.attentionHeads,
      activation_function: stack.activationFunction,
      dropout: stack.dropout,
      activation_dropout: stack.activationDropout,
      scale_embedding: stack.scaleEmbedding,
    }),
    version,
  });
  return { encoder: layerConfig(config.encoder), decoder: layerConfig(config.decoder) };
}

function readStack(read: SettingsReader, stack: 'encoder' | 'decoder'): FirstVersionStack {
  return {
    layers: read.count(`${stack}_layers`, 12),
    ffnDim: read.count(`${stack}_ffn_dim`, 4096),
    attentionHeads: read.count(`${stack}_attention_heads`, 16),
    activationFunction: read.choice('activation_function', FIRST_ACTIVATIONS, 'gelu') as ActivationName,
    dropout: read.rate('dropout', 0.1),
    activationDropout: read.rate('activation_dropout', 0),
    scaleEmbedding: read.flag('scale_embedding', false),
  };
}

/** The decoder's own settings; those that it shares with the encoder's file are not read here. */
const NOT_THE_DECODERS: ReadonlySet<string> = new Set(
  'encoder_layers encoder_attention_heads encoder_ffn_dim vocab_size max_position_embeddings init_std attention_dropout pad_token_id'.split(
    ' ',
  ),
);

function readDecoder(json: unknown, dModel: number): FirstVersionStack {
  const file = 'decoder_config.json';
  const read = new SettingsReader(new Map(Object.entries(settingsObject(json, file))), file);
  const stack = readStack(read, 'decoder');
  const width = read.count('d_model', 1024);
  read.refuseUnknown(NOT_THE_DECODERS);
  if (width !== dModel) {
    throw new ConfigError(
      `config.json: expected d_model to be ${width}, got ${dModel}. The first version's decoder is ${width} wide whatever its file says (BART's default, or decoder_config.json).`,
    );
  }
  if (dModel % stack.attentionHeads !== 0) {
    read.fail('decoder_attention_heads', `a divisor of d_model, ${dModel}`, stack.attentionHeads);
  }
  return stack;
}
