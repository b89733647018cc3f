import { createHash } from 'node:crypto';
import type * as tf from '@tensorflow/tfjs';

/** Returns SHA-256, in hex, of a model's config as JSON and of its weights with their names. */
export async function modelDigest(config: unknown, weights: ReadonlyMap<string, tf.Tensor>): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(config));
  for (const [name, weight] of weights) hash.update(name).update(await weight.data());
  return hash.digest('hex');
}
