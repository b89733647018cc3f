import { Clip, type ClipConfig, clipConfigToJson } from '@easel/clip';
import { clipParameters, clipReading } from '@easel/clip/internals';
import { ConfigError } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { type ConvertibleModel, fixedIds, fixedPixels, plainLayout } from './convertible-model.js';

/** A CLIP with both towers. Our names and layouts are those of Flax. */
export function clipModel(config: ClipConfig): ConvertibleModel {
  const shapes = clipParameters(config);
  const model: ConvertibleModel = {
    kind: 'clip',
    description: 'CLIP',
    shapes,
    configs: new Map([['config.json', clipConfigToJson(config)]]),
    companions: [
      'vocab.json',
      'merges.txt',
      'tokenizer.json',
      'tokenizer_config.json',
      'special_tokens_map.json',
      'preprocessor_config.json',
    ],
    additions: new Map(),
    reading: ({ entries }) => {
      const reading = clipReading(entries.keys());
      return { rules: reading.rules(shapes.keys()), ignore: reading.ignore };
    },
    flax: (stacked) => {
      if (stacked) throw new ConfigError('Flax checkpoint: a CLIP keeps its layers apart.');
      return { layout: plainLayout(shapes.keys()), model };
    },
    build: () => new Clip(config),
    outputs: (built) => scores(built as Clip),
  };
  return model;
}

/** Computes the vectors [1, P] of a text and a picture, and their score [1, 1]. */
function scores(clip: Clip): tf.Tensor[] {
  const { text, image } = clip.config;
  return tf.tidy(() => {
    const inputIds = tf.tensor2d(
      fixedIds(text.maxTextLength, text.vocabSize),
      [1, text.maxTextLength],
      'int32',
    );
    const { imageSize: side, channels } = image;
    const pixels = tf.tensor4d(fixedPixels(side * side * channels), [1, side, side, channels]);
    const [texts, images] = [clip.embedTexts({ inputIds }), clip.embedImages(pixels)];
    return [texts, images, clip.score(images, texts)];
  });
}
