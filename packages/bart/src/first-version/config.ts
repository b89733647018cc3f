import { fixed, integer, mismatch, oneOf, readSettings, real, section, snakeCase } from '@easel/core/config';
import { type ActivationName, IGNORED_SETTINGS, parseDalleBartConfig } from '../config.js';
import { type GenerationConfig, generationDefaults } from '../generation-config.js';
import { sharedFields, sharedLayerFields } from '../shared-fields.js';
import type { LayerConfig } from '../version.js';
import { firstVersion } from './version.js';

/** Settings of the layers of one stack of the first version. */
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

/** The resolved config of a first public model (July 2021). */
export interface FirstVersionConfig extends GenerationConfig {
  /** The first version's prompts were not normalized. */
  readonly normalizeText: false;
  /** Width D. */
  readonly dModel: number;
  /** Number of text positions of the encoder. Prompts are cut to maxTextLength, which is less. */
  readonly textPositions: number;
  readonly initStd: number;
  readonly bosTokenId: number;
  /**
   * The norms add this to variances. It is 1e-6 in the transformers release that trained and served
   * the model (4.9), and 1e-5 in later releases (4.25), which therefore give slightly different
   * logits for the same weights.
   */
  readonly normEpsilon: number;
  readonly encoder: FirstVersionStack;
  readonly decoder: FirstVersionStack;
}

/** Prompts were cut and padded to this many tokens. */
const PROMPT_TOKENS = 128;

/** The activations of the release's ACT2FN table. smelu came later. */
const FIRST_ACTIVATIONS = ['gelu', 'gelu_new', 'relu', 'silu', 'swish', 'quick_gelu'] as const;

/**
 * Settings of a BART file that say nothing about this model, and settings of generation that the
 * original never used.
 */
const IGNORED: ReadonlySet<string> = new Set([
  ...IGNORED_SETTINGS,
  ...`model_type decoder_layers decoder_ffn_dim decoder_attention_heads pos_token_id num_beams gradient_checkpointing
  force_bos_token_to_be_generated _num_labels add_bias_logits extra_pos_embeddings output_past
  normalize_embedding`.split(/\s+/),
]);

/**
 * Settings that decoder_config.json may hold but that are not read from it: config.json decides
 * them, or they have no effect.
 */
const NOT_THE_DECODERS: ReadonlySet<string> = new Set(
  'encoder_layers encoder_attention_heads encoder_ffn_dim vocab_size max_position_embeddings init_std attention_dropout pad_token_id'.split(
    ' ',
  ),
);

const NORMS = 'The first version has norms behind each block and learnt positions.';

/**
 * Settings of the layers of one stack. In a file, the keys of layers, width and heads begin with
 * the stack's name.
 */
const layerFields = {
  layers: integer({ min: 1, default: 12 }),
  ffnDim: integer({ min: 1, default: 4096 }),
  attentionHeads: integer({ min: 1, default: 16 }),
  activationFunction: oneOf(FIRST_ACTIVATIONS),
  ...sharedLayerFields,
};

/**
 * Settings of config.json beside those of the encoder's layers. A value of null follows from other
 * settings.
 */
const modelFields = {
  ...sharedFields,
  vocabSize: integer({ min: 1, default: 50265 }),
  vocabSizeOutput: integer({ min: 2, default: 16385 }),
  maxPositionEmbeddings: integer({ min: 2, default: 1024 }),
  maxPositionEmbeddingsDecoder: integer({ min: 2, default: 257 }),
  layerNormEpsilon: real({ above: 0, default: 1e-6 }),
  padTokenId: integer({ min: 0, default: 1 }),
  normalizeBefore: fixed(false, NORMS),
  staticPositionEmbeddings: fixed(false, NORMS),
  addFinalLayerNorm: fixed(false, NORMS),
  encoderLayerdrop: fixed(0, 'Layers are never dropped.'),
  decoderLayerdrop: fixed(0, 'Layers are never dropped.'),
};

const readModel = section(
  { ...modelFields, ...layerFields },
  { nameOf: nameIn('encoder'), ignored: IGNORED },
);
const readDecoder = section(
  { dModel: modelFields.dModel, ...layerFields },
  { nameOf: nameIn('decoder'), ignored: NOT_THE_DECODERS },
);

/** Returns a function from a field's name to its key in the file that describes this stack. */
function nameIn(stack: 'encoder' | 'decoder'): (field: string) => string {
  const own: readonly string[] = [
    'layers',
    'ffnDim',
    'attentionHeads',
  ] satisfies (keyof typeof layerFields)[];
  return (field) => (own.includes(field) ? `${stack}_${snakeCase(field)}` : snakeCase(field));
}

function stackOf(found: FirstVersionStack): FirstVersionStack {
  const { layers, ffnDim, attentionHeads, activationFunction, dropout, activationDropout, scaleEmbedding } =
    found;
  return { layers, ffnDim, attentionHeads, activationFunction, dropout, activationDropout, scaleEmbedding };
}

/**
 * Parses the config.json of a first public model, and its decoder_config.json if there is one.
 *
 * The original hands its decoder the whole config as one argument by mistake. So the decoder has
 * transformers' BART defaults whatever the file says: 12 layers, width 1024, F 4096, 16 heads,
 * dropout 0.1, gelu. The file's decoder settings are therefore ignored. `decoderJson`
 * (decoder_config.json in a model folder) holds other settings, for a decoder that was made from
 * other defaults. layer_norm_epsilon chooses between the releases of transformers (default 1e-6);
 * the original does not have this key.
 *
 * Throws ConfigError, naming the key, for a wrong type, a value out of range, an unknown key, and a
 * d_model that is not the decoder's. Source: dalle-mini at 1d04ab3, `dalle_mini/model.py`;
 * transformers 4.9.1 `models/bart/configuration_bart.py`.
 */
export function parseFirstVersionConfig(
  json: unknown,
  file = 'config.json',
  decoderJson: unknown = {},
): FirstVersionConfig {
  const found = readSettings(readModel, json, file);
  const { dModel, maxPositionEmbeddings: textPositions } = found;
  const imageVocabSize = found.vocabSizeOutput - 1;
  const imageLength = found.maxPositionEmbeddingsDecoder - 1;
  const config: FirstVersionConfig = {
    normalizeText: false,
    dModel,
    encoderVocabSize: found.vocabSize,
    imageVocabSize,
    imageLength,
    textPositions,
    maxTextLength: Math.min(PROMPT_TOKENS, textPositions),
    initStd: found.initStd,
    normEpsilon: found.layerNormEpsilon,
    ...generationDefaults(found, { imageVocabSize, imageLength }),
    eosTokenId: found.eosTokenId ?? imageVocabSize + 1,
    padTokenId: found.padTokenId,
    forcedBosTokenId: found.forcedBosTokenId,
    forcedEosTokenId: found.forcedEosTokenId,
    doSample: found.doSample,
    topK: found.topK,
    topP: found.topP,
    temperature: found.temperature,
    lengthPenalty: found.lengthPenalty,
    earlyStopping: found.earlyStopping,
    encoder: stackOf(found),
    decoder: parseDecoder(decoderJson, dModel),
  };
  const refuse = (key: string, expected: string, value: unknown) =>
    mismatch(`${file}: ${key}`, expected, value);
  if (dModel % found.attentionHeads !== 0)
    throw refuse('encoder_attention_heads', `a divisor of d_model, ${dModel}`, found.attentionHeads);
  if (config.maxLength > imageLength + 1)
    throw refuse(
      'max_length',
      `at most max_position_embeddings_decoder, ${imageLength + 1}`,
      config.maxLength,
    );
  if (config.decoderStartTokenId > imageVocabSize)
    throw refuse('decoder_start_token_id', 'a number below vocab_size_output', config.decoderStartTokenId);
  return config;
}

/**
 * Parses the decoder's layers from decoder_config.json. Throws ConfigError for a width that is not
 * the model's.
 */
function parseDecoder(json: unknown, dModel: number): FirstVersionStack {
  const file = 'decoder_config.json';
  const found = readSettings(readDecoder, json, file);
  const stack = stackOf(found);
  const { dModel: width } = found;
  if (width !== dModel)
    throw mismatch(
      'config.json: d_model',
      `${width}`,
      dModel,
      ` The first version's decoder is ${width} wide whatever its file says (BART's default, or decoder_config.json).`,
    );
  if (dModel % stack.attentionHeads !== 0)
    throw mismatch(
      `${file}: decoder_attention_heads`,
      `a divisor of d_model, ${dModel}`,
      stack.attentionHeads,
    );
  return stack;
}

/**
 * Returns the contents of config.json and decoder_config.json for a config, with every value
 * written out.
 */
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

/**
 * Expresses both stacks as configs of the second version: post-norm with scale and bias, and plain
 * feed-forward blocks.
 */
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
