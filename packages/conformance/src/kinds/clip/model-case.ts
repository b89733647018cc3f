import { Clip, parseClipConfig } from '@easel/clip';
import { clipReading } from '@easel/clip/internals';
import { loadWeights } from '@easel/core';
import { openCheckpoint } from '@easel/core/node';
import * as tf from '@tensorflow/tfjs';
import type { Checks, Tolerance } from '../../checks.js';
import { GoldenArrays, readJson } from '../../golden.js';
import type { Case, GoldenFolder } from '../../kind.js';

const STATES: Tolerance = {
  absolute: 2e-5,
  relative: 1e-5,
  reason: 'seven times what float32 and float64 runs of the original, and Flax and PyTorch, differ by (3e-6)',
};

const SCORES: Tolerance = {
  absolute: 5e-5,
  relative: 1e-5,
  reason: 'ten times what float32 and float64 runs of the original differ by (4e-6): a cosine times exp(2.7)',
};

/**
 * Makes the case of a model with recorded states, embeddings and scores, with the weights of one of
 * its files.
 */
export function modelCase(folder: GoldenFolder, file: string): Case {
  return {
    name: file,
    async run(checks) {
      const configFile = folder.file('config.json');
      const clip = new Clip(parseClipConfig(readJson(configFile), configFile));
      try {
        const source = await openCheckpoint(folder.file(file));
        try {
          const reading = clipReading(source.entries.keys());
          const weights = clip.namedWeights();
          await loadWeights(weights, source, reading.rules(weights.keys()), { ignore: reading.ignore });
        } finally {
          await source.close();
        }
        await compare(checks, new GoldenArrays(folder.file('io.safetensors')), clip);
      } finally {
        clip.dispose();
      }
    },
  };
}

async function compare(checks: Checks, golden: GoldenArrays, clip: Clip): Promise<void> {
  const made = tf.tidy(() => results(golden, clip));
  try {
    for (const [name, tensor] of Object.entries(made)) {
      if (!golden.has(name)) continue;
      const [group, tolerance] = groupOf(name);
      checks.equal('shapes', name, tensor.shape, golden.shape(name));
      checks.close(group, name, await tensor.data(), golden.floats(name), tolerance);
    }
    const inputs = ['pixel_values', 'input_ids', 'attention_mask'];
    const unknown = golden.names.filter((name) => !(name in made) && !inputs.includes(name));
    checks.holds('arrays', 'all', unknown.length > 0 ? `not compared: ${unknown.join(', ')}` : undefined);
  } finally {
    tf.dispose(made);
  }
}

/** Computes all results of the model, under the names of the recorded arrays. */
function results(golden: GoldenArrays, clip: Clip): Record<string, tf.Tensor> {
  const inputIds = golden.tensor<tf.Rank.R2>('input_ids');
  const attentionMask = golden.tensor<tf.Rank.R2>('attention_mask');
  const pixels = tf.transpose(golden.tensor<tf.Rank.R4>('pixel_values'), [0, 2, 3, 1]); // stored as [I, C, S, S]
  const text = { inputIds, attentionMask };
  const hidden: Record<string, tf.Tensor> = {};
  const keep = (tower: string) => {
    let count = 0;
    return (state: tf.Tensor): void => {
      hidden[`${tower}_hidden_${count++}`] = tf.keep(tf.clone(state));
    };
  };
  const texts = clip.textStates(text, keep('text'));
  const images = clip.imageStates(pixels, keep('vision'));
  const scores = clip.call([pixels, inputIds, attentionMask]);
  return {
    ...hidden,
    text_last_hidden_state: texts.states,
    text_pooled: texts.pooled,
    vision_last_hidden_state: images.states,
    vision_pooled: images.pooled,
    text_features: clip.textFeatures(text),
    image_features: clip.imageFeatures(pixels),
    text_embeds: clip.embedTexts(text),
    image_embeds: clip.embedImages(pixels),
    text_embeds_no_mask: clip.embedTexts({ inputIds }),
    logits_per_image: scores,
    logits_per_text: tf.transpose(scores),
    logits_per_image_no_mask: clip.call([pixels, inputIds]),
  };
}

function groupOf(name: string): [string, Tolerance] {
  if (name.startsWith('logits_')) return ['logits', SCORES];
  return [/hidden|pooled/.test(name) ? 'states' : 'embeddings', STATES];
}
