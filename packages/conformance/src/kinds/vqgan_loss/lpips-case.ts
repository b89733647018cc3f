import { valueAndGrads } from '@easel/core';
import { Lpips } from '@easel/vqgan';
import { lpipsRules, VGG16_WIDTHS } from '@easel/vqgan/internals';
import * as tf from '@tensorflow/tfjs';
import type { Tolerance } from '../../checks.js';
import { GoldenArrays } from '../../golden.js';
import type { Case } from '../../kind.js';
import { tidyAwaited } from '../../tidy-awaited.js';
import { fillPlain, GAIN } from './weights.js';

const GRADIENTS: Tolerance = { absolute: 1e-6, reason: 'float32 beside float64: up to 4e-8' };

/**
 * Of a mean over a map of `pixels` values of about 1. The original sums in pairs and is 4e-8 off. A
 * backend that sums in order, as tfjs's wasm does, takes a rounding for each value, and the
 * roundings add up as the root of their number.
 */
const meanOver = (pixels: number): Tolerance => ({
  absolute: 4e-8 + Math.sqrt(pixels) * 2 ** -24,
  reason: 'float32 beside float64: up to 4e-8 with sums in pairs; sums in order: a rounding a pixel',
});

const FEATURES: Tolerance = {
  absolute: 3e-5,
  reason: 'float32 beside float64: 5e-6 in features of some units',
};

/** The layer from which each level's features come. The first level is not recorded. */
const TAPS = ['relu1_2', 'relu2_2', 'relu3_3', 'relu4_3', 'relu5_3'];

/**
 * Compares distances, their parts and gradients, and features, with the recorded dropout if there
 * is one.
 */
export function lpipsCase(file: string, name: string): Case {
  return {
    name,
    async run(checks) {
      const arrays = new GoldenArrays(file);
      const divide = 64 / (arrays.setting<number>('first_width') ?? 64);
      const lpips = new Lpips(VGG16_WIDTHS.map((width) => width / divide));
      const weights = lpips.namedWeights();
      fillPlain(
        weights,
        lpipsRules(weights.keys(), 'taming'),
        arrays.setting<number>('seed') ?? 0,
        GAIN.lpips,
      );
      try {
        await tidyAwaited(async () => {
          const nhwc = (key: string): tf.Tensor4D =>
            tf.transpose(arrays.tensor<tf.Rank.R4>(key), [0, 2, 3, 1]);
          const [x, y] = [nhwc('input'), nhwc('target')];
          const means = meanOver(x.shape[1] * x.shape[2]);
          const keep = arrays.has('mask0') ? TAPS.map((_, k) => nhwc(`mask${k}`)) : undefined;
          const options = keep ? { keep } : {};
          checks.close(
            'distance',
            'value',
            await lpips.distance(x, y, options).data(),
            arrays.floats('value'),
            means,
          );
          for (const [k, part] of lpips.parts(x, y, options).entries()) {
            if (!arrays.has(`layer${k}`)) continue;
            checks.close('parts', `layer${k}`, await part.data(), arrays.floats(`layer${k}`), means);
          }
          for (const [k, features] of lpips.features(x).entries()) {
            const tap = TAPS[k] as string;
            if (arrays.has(tap))
              checks.close('features', tap, await features.data(), await nhwc(tap).data(), FEATURES);
          }
          if (arrays.has('value_of_equal_images')) {
            const equal = arrays.floats('value_of_equal_images');
            checks.close('distance', 'equal pictures', await lpips.distance(x, x).data(), equal, means);
          }
          if (!arrays.has('grad_input')) return;
          const pictures = new Map([
            ['input', tf.variable(x) as tf.Variable],
            ['target', tf.variable(y) as tf.Variable],
          ]);
          const [a, b] = [...pictures.values()] as unknown as [tf.Tensor4D, tf.Tensor4D];
          const { grads } = valueAndGrads(() => tf.sum(lpips.distance(a, b)) as tf.Scalar, pictures);
          for (const [side, gradient] of grads) {
            const want = await nhwc(`grad_${side}`).data();
            checks.close('gradients', side, await gradient.data(), want, GRADIENTS);
          }
          tf.dispose([...pictures.values()]);
        });
      } finally {
        lpips.dispose();
      }
    },
  };
}
