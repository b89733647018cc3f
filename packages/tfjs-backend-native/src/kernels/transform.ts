import * as tf from '@tensorflow/tfjs';
import type { NumericArray } from '../numeric-array.js';
import { isNativeDtype } from '../strided-copy.js';
import { nativeKernel, runOnCpu, sizeOf } from './kernel.js';

/**
 * A projective transform of each picture of [B,H,W,C], by the cpu kernel one picture at a time:
 * given several, that one returns when the first is done, and leaves the others at the fill value.
 */
export const transform = nativeKernel(tf.Transform, (args) => {
  const { backend, attrs } = args;
  const { image, transforms } = args.inputs as { image: tf.TensorInfo; transforms: tf.TensorInfo };
  const [batch, height, width, channels] = image.shape as [number, number, number, number];
  if (batch === 1 || !isNativeDtype(image.dtype)) return runOnCpu(tf.Transform, args);
  const size = (attrs.outputShape as [number, number] | null | undefined) ?? [height, width];
  const y = backend.allocate([batch, ...size, channels], image.dtype);
  const each = sizeOf([...size, channels]);
  const pixels = backend.values(image);
  const rows = backend.float32(transforms);
  const from = pixels.length / Math.max(1, batch);
  for (let b = 0; b < batch; b++) {
    const row = transforms.shape[0] === 1 ? 0 : 8 * b;
    const inputs = {
      image: backend.makeTensorInfo(
        [1, height, width, channels],
        image.dtype,
        pixels.subarray(b * from, (b + 1) * from),
      ),
      transforms: backend.makeTensorInfo([1, 8], 'float32', rows.subarray(row, row + 8)),
    };
    const one = runOnCpu(tf.Transform, { ...args, inputs });
    (y.values as Float32Array).set(backend.values(one) as NumericArray, b * each);
    for (const info of [inputs.image, inputs.transforms, one]) backend.disposeData(info.dataId);
  }
  return y.info;
});
