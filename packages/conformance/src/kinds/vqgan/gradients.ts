import { valueAndGrads } from '@easel/core';
import type { Vqgan } from '@easel/vqgan';
import * as tf from '@tensorflow/tfjs';
import { GoldenArrays } from '../../golden.js';
import type { Case, GoldenFolder } from '../../kind.js';
import { flaxPath, withVqgan } from './open-model.js';
import { gradientTolerance } from './tolerance.js';

/**
 * `grads*.safetensors`: the loss, and some elements, the norm and the sum of every weight's
 * gradient.
 */
export function gradientsCase(folder: GoldenFolder, file: string): Case {
  return {
    name: file.replace('.safetensors', ''),
    run: (checks) =>
      withVqgan(folder, async (model) => {
        const io = new GoldenArrays(folder.file(file.replace('grads', 'io')));
        const expected = new GoldenArrays(folder.file(file));
        const steps = expected.setting<Record<string, number>>('steps') ?? {};
        const tolerance = gradientTolerance(expected);
        const pixels = io.tensor('pixels') as tf.Tensor4D;
        const found = tf.tidy(() => quantized(model, pixels));
        const { value, grads } = valueAndGrads(() => objective(model, pixels, found), model.namedWeights());
        checks.close('loss', 'loss', await value.data(), [io.scalar('loss')], {
          absolute: 1e-5,
          reason: tolerance.reason,
        });
        const missing = new Set(expected.names);
        for (const [name, grad] of grads) {
          const path = flaxPath(name);
          const values = await grad.data();
          if (missing.delete(path)) {
            const step = steps[path] ?? 1;
            const sampled = values.filter((_, i) => i % step === 0);
            checks.close('gradients', name, sampled, expected.floats(path), tolerance);
          }
          let [squares, sum] = [0, 0];
          for (const g of values) {
            squares += g * g;
            sum += g;
          }
          const norm = Math.sqrt(squares);
          if (missing.delete(`${path}#norm`)) {
            const want = expected.floats(`${path}#norm`);
            checks.close('norms', name, [norm], want, { ...tolerance, relative: 1e-4 });
          }
          if (missing.delete(`${path}#sum`)) {
            // Tolerance of a sum of n numbers, each of which may be as far off as its own
            // tolerance, plus a share of the norm.
            const absolute = (tolerance.absolute ?? 0) * Math.sqrt(values.length) + 1e-4 * norm;
            checks.close('sums', name, [sum], expected.floats(`${path}#sum`), { ...tolerance, absolute });
          }
        }
        checks.equal('gradient names', 'of weights that ours lacks', [...missing], []);
        tf.dispose([value, pixels, ...Object.values(found), ...grads.values()]);
      }),
  };
}

/** What the quantizer makes of pictures. The objective takes no gradient of it. */
type Quantized = Readonly<Record<'latents' | 'indices' | 'codes', tf.Tensor>>;

function quantized(model: Vqgan, pixels: tf.Tensor4D): Quantized {
  const latents = model.encodeToLatent(pixels);
  const indices = tf.reshape(model.encode(pixels), latents.shape.slice(0, 3));
  return { latents, indices, codes: model.quantizer.lookUp(indices) };
}

/**
 * Mean squared reconstruction and taming's legacy quantizer loss with beta 0.25, the objective
 * behind the recorded gradients.
 */
function objective(model: Vqgan, pixels: tf.Tensor4D, constant: Quantized): tf.Scalar {
  const latents = model.encodeToLatent(pixels);
  const codes = model.quantizer.lookUp(constant.indices);
  const quantizing = tf.add(
    tf.mean(tf.squaredDifference(constant.codes, latents)),
    tf.mul(tf.mean(tf.squaredDifference(codes, constant.latents)), 0.25),
  );
  const toCodes = tf.sub(constant.codes, constant.latents);
  const decoded = model.decodeLatent(tf.add(latents, toCodes) as tf.Tensor4D);
  // If the sides are not divisible, the drawn picture is smaller than the real one.
  const target = `${decoded.shape}` === `${pixels.shape}` ? pixels : tf.zerosLike(decoded);
  return tf.add(tf.mean(tf.squaredDifference(decoded, target)), quantizing) as tf.Scalar;
}
