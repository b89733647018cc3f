import type { GanLoss } from '@easel/vqgan';
import { discriminatorLoss } from '@easel/vqgan';
import { discriminatorFactor } from '@easel/vqgan/internals';
import * as tf from '@tensorflow/tfjs';
import type { Tolerance } from '../../checks.js';
import { GoldenArrays } from '../../golden.js';
import type { Case } from '../../kind.js';
import { tidyAwaited } from '../../tidy-awaited.js';

const TOLERANCE: Tolerance = { absolute: 1e-7, relative: 1e-6, reason: 'float32: a mean of 50 numbers' };

/** Hinge and vanilla losses of logits, with gradients, and the table of the factor over steps. */
export function ganLossesCase(file: string, name: string): Case {
  return {
    name,
    async run(checks) {
      const arrays = new GoldenArrays(file);
      await tidyAwaited(async () => {
        const [real, fake] = [arrays.tensor('real'), arrays.tensor('fake')];
        for (const kind of ['hinge', 'vanilla'] as GanLoss[]) {
          if (!arrays.has(kind)) continue;
          const loss = (r: tf.Tensor, f: tf.Tensor): tf.Tensor => discriminatorLoss(r, f, kind);
          checks.close('loss', kind, await loss(real, fake).data(), arrays.floats(kind), TOLERANCE);
          for (const [i, gradient] of tf.grads(loss)([real, fake]).entries()) {
            const key = `${kind}_grad_${i === 0 ? 'real' : 'fake'}`;
            checks.close('gradients', key, await gradient.data(), arrays.floats(key), TOLERANCE);
          }
        }
      });
      const table = arrays.setting<[number, number, number, number][]>('adopt_weight_table') ?? [];
      for (const [factor, step, start, result] of table) {
        const ours = discriminatorFactor(factor, step, start);
        checks.equal('factor over steps', `${factor} at ${step}, from ${start}`, ours, result);
      }
    },
  };
}
