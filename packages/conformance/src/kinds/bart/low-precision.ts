import * as tf from '@tensorflow/tfjs';
import type { Tolerance } from '../../checks.js';
import { GoldenArrays } from '../../golden.js';
import type { Case, GoldenFolder } from '../../kind.js';
import { openModel, planOf } from './open-model.js';
import { layersOf } from './tolerance.js';

/**
 * Number of roundings to the low precision that add up on the way to a logit, per layer.
 * `reference/noise/bart.py --low` measures the noise of the original's run in that type beside its
 * float64 run, as a part of the largest number and in units of EPSILON. The noisiest of ten seeds
 * has 20 with two layers, 33 with four, and 42 (bfloat16) and 130 (float16) with eight. Medians are
 * 3 to 8, 15 and 13.
 */
const ROUNDINGS_OF_A_LAYER = 11;

/** Seeds that were not measured may be noisier. Our run is in float32 and adds nothing. */
const NOISES = 2;

const EPSILON: Readonly<Record<string, number>> = { bfloat16: 2 ** -8, float16: 2 ** -11 };

/**
 * `lowprec.safetensors`: the original with bfloat16 or float16 as its type of computation. Easel
 * computes in float32. The difference must be within the error of rounding every step to that type.
 */
export function lowPrecisionCase(folder: GoldenFolder, file: string): Case {
  return {
    name: file.replace('.safetensors', ''),
    async run(checks) {
      const expected = new GoldenArrays(folder.file(file));
      const io = new GoldenArrays(folder.file('io.safetensors'));
      const plan = planOf(folder);
      const roundings = ROUNDINGS_OF_A_LAYER * Math.max(2, layersOf(plan));
      const model = await openModel(plan, folder);
      const results = tf.tidy(() => {
        const [inputIds, attentionMask] = ['input_ids', 'attention_mask'].map((name) =>
          io.tensor<tf.Rank.R2>(name),
        ) as [tf.Tensor2D, tf.Tensor2D];
        const decoderInputIds = io.tensor<tf.Rank.R2>('decoder_input_ids');
        return {
          encoder_last_hidden_state: model.encode(inputIds, attentionMask),
          logits: model.logits({ inputIds, attentionMask, decoderInputIds }),
        };
      });
      model.dispose();
      for (const [array, tensor] of Object.entries(results)) {
        const ours = await tensor.data();
        tensor.dispose();
        for (const name of expected.names) {
          const [, dtype] = new RegExp(`^${array}_(bfloat16|float16)`).exec(name) ?? [];
          if (dtype === undefined) continue;
          const tolerance: Tolerance = {
            relative: NOISES * roundings * (EPSILON[dtype] as number),
            reason: `ours is float32; the original rounds every step to ${dtype}: ${NOISES} × its noise`,
          };
          checks.close(`${dtype}, beside our float32`, name, ours, expected.floats(name), tolerance);
        }
      }
    },
  };
}
