import { valueAndGrads, type WeightRule } from '@easel/core';
import { PatchDiscriminator } from '@easel/vqgan';
import { discriminatorRules } from '@easel/vqgan/internals';
import * as tf from '@tensorflow/tfjs';
import { elementCount } from 'safetensors-ts';
import type { Tolerance } from '../../checks.js';
import { GoldenArrays } from '../../golden.js';
import { hashedUniform } from '../../hashed-uniform.js';
import type { Case } from '../../kind.js';
import { tidyAwaited } from '../../tidy-awaited.js';
import { fillPlain, GAIN, theirLayout, thinned } from './weights.js';

const VALUES: Tolerance = {
  absolute: 1e-5,
  relative: 1e-5,
  reason: 'float32 beside float64: 1e-6 of the largest',
};

/** The order of axes with channels first, as in PyTorch's pictures and logits. */
const CHANNELS_FIRST = [0, 2, 3, 1];

/** Compares logits before, in and after training, gradients, and the statistics of norms. */
export function discriminatorCase(file: string, name: string): Case {
  return {
    name,
    async run(checks) {
      const arrays = new GoldenArrays(file);
      const setting = <T>(key: string): T => arrays.setting<T>(key) as T;
      const seed = setting<number>('seed');
      const model = new PatchDiscriminator({
        width: setting<number>('ndf'),
        layers: setting<number>('n_layers'),
        actNorm: setting<boolean>('use_actnorm'),
      });
      const weights = model.namedWeights();
      const rules = discriminatorRules(weights.keys());
      fillPlain(weights, rules, seed, GAIN.discriminator);
      const close = (group: string, key: string, ours: Float32Array): void => {
        const want = arrays.floats(key);
        checks.close(group, key, thinned(ours, want.length), want, VALUES);
      };
      const nchw = (x: tf.Tensor): Promise<Float32Array> => theirLayout(x, CHANNELS_FIRST);
      const nhwc = (x: tf.Tensor4D): tf.Tensor4D => tf.transpose(x, CHANNELS_FIRST);
      // Large inputs are not stored. The formula gives them under these names, in the size that has
      // the recorded number of logits.
      const input = (key: string, formulaName: string): tf.Tensor4D => {
        if (arrays.has(key)) return nhwc(arrays.tensor<tf.Rank.R4>(key));
        const shape = inputShape(arrays.shape('train_logits'), setting<number>('n_layers'));
        const size = elementCount(shape);
        const values = Float32Array.from(hashedUniform(formulaName, size, seed));
        return nhwc(tf.tensor4d(values, shape));
      };
      const x = tf.tidy(() => tf.variable(input('input', 'disc_x'))) as unknown as tf.Tensor4D;
      try {
        await tidyAwaited(async () => {
          close('logits', 'eval_logits_before', await nchw(model.judge(x, false)));
        });
        await model.start(() => x);
        await tidyAwaited(async () => {
          const cotangent = nhwc(arrays.tensor<tf.Rank.R4>('cotangent'));
          const { outputs, grads } = valueAndGrads(
            () => {
              const logits = model.judge(x, true);
              return { loss: tf.sum(tf.mul(logits, cotangent)) as tf.Scalar, logits };
            },
            new Map([...model.parameters(), ['input', x as unknown as tf.Variable]]),
          );
          close('logits', 'train_logits', await nchw(outputs.logits as tf.Tensor));
          for (const [weight, gradient] of grads) {
            if (weight === 'input') {
              close('gradients', 'grad_input', await nchw(gradient));
              continue;
            }
            const { source, transpose } = rules.get(weight) as WeightRule;
            close('gradients', `grad/${source}`, await theirLayout(gradient, transpose));
          }
          close('logits', 'train_logits2', await nchw(model.judge(input('input2', 'disc_x2'), true)));
          for (const [weight, variable] of weights) {
            const { source, transpose } = rules.get(weight) as WeightRule;
            const key = `after/${source}`;
            if (arrays.has(key)) close('gathered', key, await theirLayout(variable, transpose));
          }
          close('logits', 'eval_logits_after', await nchw(model.judge(x, false)));
        });
      } finally {
        x.dispose();
        model.dispose();
      }
    },
  };
}

/**
 * Returns the shape [B, 3, H, W] of the smallest input, in steps of 32, that has logits [B, 1, h,
 * w].
 */
function inputShape([batch, , h, w]: number[], layers: number): [number, number, number, number] {
  const logitsOf = (side: number): number => {
    let out = side;
    for (let n = 0; n < layers + 2; n++) out = Math.floor((out + 2 - 4) / (n < layers ? 2 : 1)) + 1;
    return out;
  };
  const sideOf = (logits: number | undefined): number => {
    for (let side = 32; side <= 4096; side += 32) if (logitsOf(side) === logits) return side;
    throw new Error(`no input of a multiple of 32 has ${logits} logits`);
  };
  return [batch as number, 3, sideOf(h), sideOf(w)];
}
