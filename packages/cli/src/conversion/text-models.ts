import {
  DalleBart,
  type DalleBartConfig,
  dalleBartConfigToJson,
  FirstVersionBart,
  type FirstVersionConfig,
  firstVersionConfigToJson,
  type GenerationConfig,
  type ImageTransformer,
} from '@easel/bart';
import {
  bartMatrixAxis,
  bartParameters,
  bartRulesForSource,
  firstVersionParameters,
  flaxLayout,
  type Parameter,
  rulesForFirstVersion,
} from '@easel/bart/internals';
import { type CompositeLayer, ConfigError } from '@easel/core';
import { EMOJI_FILE, GENERATION_FILE, generationSettingsToJson, WORDS_FILE } from '@easel/draw';
import { NOTEBOOK_SETTINGS } from '@easel/draw/internals';
import * as tf from '@tensorflow/tfjs';
import { type ConvertibleModel, fixedIds } from './convertible-model.js';

/** Files beside config and weights that both versions may have. */
const COMPANIONS = [
  'vocab.json',
  'merges.txt',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'enwiki-words-frequency.txt',
  GENERATION_FILE,
  WORDS_FILE,
  EMOJI_FILE,
];

/** The settings of the second version's notebook. The first version had no super conditioning. */
const NOTEBOOK = new Map([[GENERATION_FILE, generationSettingsToJson(NOTEBOOK_SETTINGS)]]);

/** DALL·E mini and mega. */
export function dalleBart(config: DalleBartConfig): ConvertibleModel {
  return {
    kind: 'text',
    description: 'text model',
    shapes: shapesOf(bartParameters(config)),
    configs: new Map([['config.json', dalleBartConfigToJson(config)]]),
    companions: COMPANIONS,
    additions: NOTEBOOK,
    matrixAxis: bartMatrixAxis,
    reading: (source) => ({ rules: bartRulesForSource(config, source) }),
    flax: (stacked) => {
      const useScan = stacked ?? config.useScan;
      return { layout: flaxLayout(config, useScan), model: dalleBart({ ...config, useScan }) };
    },
    build: () => new DalleBart(config),
    outputs: (model) => [logits(model as DalleBart, config)],
  };
}

/** The first public model. */
export function firstVersion(config: FirstVersionConfig): ConvertibleModel {
  const table = firstVersionParameters(config);
  const json = firstVersionConfigToJson(config);
  const model: ConvertibleModel = {
    kind: 'text',
    description: 'text model of the first version',
    shapes: shapesOf(table),
    configs: new Map([
      ['config.json', json.config],
      ['decoder_config.json', json.decoder],
    ]),
    companions: COMPANIONS,
    additions: new Map(),
    matrixAxis: bartMatrixAxis,
    reading: (source) => ({ rules: rulesForFirstVersion(config, source) }),
    flax: (stacked) => {
      if (stacked) throw new ConfigError('Flax checkpoint: the first version keeps its layers apart.');
      const layout = table.map(({ name, place, leaf }) => ({
        name: [...place.path, leaf].join('.'),
        weights: [name],
        stacked: false,
      }));
      return { layout, model };
    },
    build: () => new FirstVersionBart(config),
    outputs: (built) => [logits(built as FirstVersionBart, config)],
  };
  return model;
}

function shapesOf(table: readonly Parameter[]): Map<string, readonly number[]> {
  return new Map(table.map(({ name, shape }) => [name, shape]));
}

/**
 * Computes the logits [1, T, V] of a whole row of image tokens. The last quarter of the text is
 * padding.
 */
function logits(model: CompositeLayer & ImageTransformer, config: GenerationConfig): tf.Tensor {
  const { maxTextLength, encoderVocabSize, imageLength, imageVocabSize } = config;
  const row = (values: Int32Array) => tf.tensor2d(values, [1, values.length], 'int32');
  const shown = Math.ceil((3 * maxTextLength) / 4);
  return tf.tidy(() =>
    model.logits({
      inputIds: row(fixedIds(maxTextLength, encoderVocabSize)),
      attentionMask: row(Int32Array.from({ length: maxTextLength }, (_, i) => Number(i < shown))),
      decoderInputIds: row(fixedIds(imageLength, imageVocabSize)),
    }),
  );
}
