import { readdirSync } from 'node:fs';
import { superConditioned } from '@easel/bart/internals';
import * as tf from '@tensorflow/tfjs';
import { GoldenArrays } from '../../golden.js';
import { type Case, GoldenFolder } from '../../kind.js';
import { withModel } from './with-model.js';

/**
 * `logits.safetensors`: logits with and without the prompt, and mixed at several scales, by the
 * model of the folder `plain`.
 */
export function conditionedLogitsCase(folder: GoldenFolder): Case {
  return {
    name: 'super conditioning',
    async run(checks) {
      const expected = new GoldenArrays(folder.file('logits.safetensors'));
      const modelFolder = plainModel(folder);
      const io = new GoldenArrays(modelFolder.file('io.safetensors'));
      await withModel(modelFolder, async (model) => {
        const [c, u] = (await Promise.all(
          ['', '_uncond'].map(async (suffix) => {
            const logits = tf.tidy(() =>
              model.logits({
                inputIds: io.tensor<tf.Rank.R2>(`input_ids${suffix}`),
                attentionMask: io.tensor<tf.Rank.R2>(`attention_mask${suffix}`),
                decoderInputIds: expected.tensor<tf.Rank.R2>('decoder_input_ids'),
              }),
            );
            const values = await logits.data();
            logits.dispose();
            return values;
          }),
        )) as [Float32Array, Float32Array];
        const reason = 'float32 noise of logits, times the scale';
        checks.close('logits', 'cond', c, expected.floats('cond'), { absolute: 1e-4, reason });
        checks.close('logits', 'uncond', u, expected.floats('uncond'), { absolute: 1e-4, reason });
        for (const name of expected.names) {
          const scale = Number(/^mixed_(.*)$/.exec(name)?.[1] ?? Number.NaN);
          if (Number.isNaN(scale)) continue;
          const absolute = 1e-4 * Math.max(1, Math.abs(scale));
          checks.close('mixed logits', name, superConditioned(c, u, scale), expected.floats(name), {
            absolute,
            reason,
          });
        }
      });
    },
  };
}

/**
 * Returns the folder with the model that the arrays belong to: `plain`, else the first one with a
 * model.
 */
export function plainModel(folder: GoldenFolder): GoldenFolder {
  const names = readdirSync(folder.path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort((a, b) => Number(b === 'plain') - Number(a === 'plain'));
  for (const name of names) {
    const below = new GoldenFolder(folder.file(name));
    if (below.has('config.json', 'flax_model.msgpack')) return below;
  }
  throw new Error(`${folder.path}: no folder with a model`);
}
