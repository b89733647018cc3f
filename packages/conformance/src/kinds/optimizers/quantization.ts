import { dequantizeMomentum, momentumBytes, quantizeMomentum } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';
import { GoldenArrays } from '../../golden.js';
import type { Case, GoldenFolder } from '../../kind.js';
import { tidyAwaited } from '../../tidy-awaited.js';

/**
 * `quantization`: signed bytes with a bucket for each column, and back. Momenta are stored in this
 * form. Nothing uses its forms with 16 bits or diagonals.
 */
export function quantizationCase(folder: GoldenFolder): Case {
  return {
    name: 'quantization',
    async run(checks, context) {
      const arrays = new GoldenArrays(folder.file('quantization.safetensors'));
      for (const key of arrays.names.filter((name) => name.endsWith('/value'))) {
        const name = key.slice(0, -'/value'.length);
        if (!arrays.has(`${name}/int8/quantized`)) continue;
        await tidyAwaited(async () => {
          const shape = arrays.shape(key);
          const quantized = quantizeMomentum(tf.tensor(arrays.floats(key), shape));
          const theirs = arrays.values(`${name}/int8/quantized`);
          const bytes = new Int8Array(theirs.buffer as ArrayBuffer, theirs.byteOffset, theirs.byteLength);
          const ours = [...(await momentumBytes(quantized.packed, shape).data())];
          checks.equal('bytes', name, ours, [...bytes]);
          const buckets = [...(await quantized.buckets.data())];
          checks.equal('buckets', name, buckets, [...arrays.floats(`${name}/int8/bucket_size`)]);
          const back = [...(await dequantizeMomentum(quantized, shape).data())];
          checks.equal('numbers', name, back, [...arrays.floats(`${name}/int8/float`)]);
        });
      }
      context.leftOut(
        'int16 and diagonals',
        'the trainer keeps momenta as int8 without diagonals, and so does Easel',
      );
    },
  };
}
