import type { Vqgan } from '@easel/vqgan';
import { isEncoderWeight } from '@easel/vqgan/internals';
import type * as tf from '@tensorflow/tfjs';
import type { VqganTrainingConfig } from '../config/vqgan-config.js';

/** Path of the codebook among a Vqgan's weights. */
const CODEBOOK_NAME = 'quantize.embedding.embedding';

/**
 * Returns the weights of a VQGAN that follow gradients. A codebook of moving averages does not. With
 * `trainable: "decoder"` neither codebook nor encoder does.
 */
export function trainedVqganWeights(
  vqgan: Vqgan,
  { trainable, codebook }: Pick<VqganTrainingConfig, 'trainable' | 'codebook'>,
): Map<string, tf.Variable> {
  const isTrained = (name: string) => {
    if (name === CODEBOOK_NAME) return trainable === 'all' && codebook.learning === 'gradient';
    return trainable === 'all' || !isEncoderWeight(name);
  };
  return new Map([...vqgan.namedWeights()].filter(([name]) => isTrained(name)));
}
