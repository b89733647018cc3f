import type { Vqgan } from '@easel/vqgan';
import * as tf from '@tensorflow/tfjs';
import type { Checks } from '../../checks.js';
import { GoldenArrays } from '../../golden.js';
import type { Case, GoldenFolder } from '../../kind.js';
import { withVqgan } from './open-model.js';
import { outputTolerance } from './tolerance.js';

/** `io*.safetensors`: latents, tokens, codes and pixels of one input. */
export function outputsCase(folder: GoldenFolder, file: string): Case {
  return {
    name: file.replace('.safetensors', ''),
    run: (checks) =>
      withVqgan(folder, (model) =>
        checkOutputs(checks, model, new GoldenArrays(folder.file(file)), identity),
      ),
  };
}

/**
 * `io_torch.safetensors`: the same from taming's own forward pass, with channels before rows and
 * columns.
 */
export function torchOutputsCase(folder: GoldenFolder, file: string): Case {
  return {
    name: file.replace('.safetensors', ''),
    run: (checks) =>
      withVqgan(folder, (model) =>
        checkOutputs(checks, model, new GoldenArrays(folder.file(file)), (x) =>
          x.rank === 4 ? tf.transpose(x, [0, 2, 3, 1]) : x,
        ),
      ),
  };
}

const identity = (x: tf.Tensor): tf.Tensor => x;

async function checkOutputs(
  checks: Checks,
  model: Vqgan,
  io: GoldenArrays,
  toOurs: (x: tf.Tensor) => tf.Tensor,
): Promise<void> {
  const found = tf.tidy(() => {
    const pixels = toOurs(io.tensor('pixels')) as tf.Tensor4D;
    const latents = model.encodeToLatent(pixels);
    const codes = model.quantizer.call(latents) as tf.Tensor4D;
    return {
      z: latents,
      z_q: codes,
      indices: model.encode(pixels),
      decoded: model.decodeLatent(codes),
      'decoded, in one call': model.call(pixels),
      ...(io.has('code') && { decode_code: model.decodeCode(io.tensor('code') as tf.Tensor2D) }),
    };
  });
  for (const [name, tensor] of Object.entries(found)) {
    const [array] = name.split(',') as [string];
    const values = await tensor.data();
    const { shape } = tensor;
    tensor.dispose();
    if (array === 'indices') {
      checks.equal('ids', name, values, io.ints(array));
      continue;
    }
    const theirs = tf.tidy(() => toOurs(io.tensor(array)));
    const expected = await theirs.data();
    checks.equal('shapes', name, shape, theirs.shape);
    theirs.dispose();
    const group = /^dec/.test(array) ? 'pixels' : 'latents';
    checks.close(group, name, values, expected, outputTolerance(io, array));
  }
}
