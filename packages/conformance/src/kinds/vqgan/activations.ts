import { silu } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { GoldenArrays } from '../../golden.js';
import type { Case, GoldenFolder } from '../../kind.js';
import { outputsOfLayers } from './layers.js';
import { flaxPath, withVqgan } from './open-model.js';
import { outputTolerance } from './tolerance.js';

/**
 * `activations.safetensors`: the output of every module in the order of the calls, so that the
 * first wrong module is reported first.
 */
export function activationsCase(folder: GoldenFolder, file: string): Case {
  return {
    name: 'activations',
    run: (checks) =>
      withVqgan(folder, async (model) => {
        const expected = new GoldenArrays(folder.file(file));
        const io = new GoldenArrays(folder.file('io.safetensors'));
        const pixels = io.tensor('pixels') as tf.Tensor4D;
        const found = outputsOfLayers(model, () => model.call(pixels));
        pixels.dispose();
        const missing = new Set(expected.names);
        for (const [name, output] of found) {
          const path = flaxPath(name);
          const values = await output.data();
          output.dispose();
          if (!missing.delete(path)) continue;
          // In Easel a norm also applies the swish that follows it.
          const target = tf.tidy(() => {
            const theirs = expected.tensor(path);
            return path.endsWith('norm_out') ? silu(theirs) : theirs;
          });
          checks.close('activations', name, values, await target.data(), outputTolerance(io, 'decoded'));
          target.dispose();
        }
        if (io.has('encoder')) {
          checks.equal('modules', 'the encoder is one of them', expected.has('encoder'), true);
        }
        checks.equal('modules', 'without a layer of ours', [...missing], []);
      }),
  };
}
