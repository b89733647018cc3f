import type { Vqgan } from '@easel/vqgan';
import * as tf from '@tensorflow/tfjs';
import type { PictureShape } from '../decoded/decode-picture.js';
import { decodeBatches } from '../decoded/picture-batches.js';
import { pixelsToTensor } from '../encoding/encode.js';
import type { PictureSource } from '../sources/picture-source.js';

/** Pictures that go through the VQGAN at a time. */
const PASS_SIZE = 16;

/**
 * Computes the peak signal-to-noise ratio in dB of drawn pixels, clipped to 0 … 1, against bytes.
 */
export function psnr(drawn: Float32Array, original: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < drawn.length; i++) {
    const difference = Math.min(1, Math.max(0, drawn[i] as number)) - (original[i] as number) / 255;
    sum += difference * difference;
  }
  return -10 * Math.log10(Math.max(sum / drawn.length, 1e-10));
}

/**
 * The mean PSNR in dB of the pictures of a source as the VQGAN draws them from their tokens.
 * Pictures that can't be decoded are passed over; NaN if none can be. Throws the signal's reason if
 * it is aborted.
 */
export async function reconstructionPsnr(
  vqgan: Vqgan,
  source: PictureSource,
  shape: PictureShape,
  signal?: AbortSignal,
): Promise<number> {
  let [sum, count] = [0, 0];
  const batches = decodeBatches(source.read({ captions: false }), {
    batchSize: PASS_SIZE,
    shape,
    onSkip: () => {},
  });
  for await (const { pixels, pictures } of batches) {
    signal?.throwIfAborted();
    if (pictures.length === 0) continue;
    const drawn = tf.tidy(() => vqgan.decodeCode(vqgan.encode(pixelsToTensor(pixels, shape.size))));
    const values = (await drawn.data()) as Float32Array;
    drawn.dispose();
    const length = values.length / pictures.length;
    for (let from = 0; from < values.length; from += length)
      sum += psnr(values.subarray(from, from + length), pixels.subarray(from, from + length));
    count += pictures.length;
  }
  return sum / count;
}
