import * as tf from '@tensorflow/tfjs';

/** The backends that a model's tests run on: cpu, and native where its addon is built. */
export const backends: readonly string[] = ['cpu', ...(await nativeIfBuilt())];

async function nativeIfBuilt(): Promise<string[]> {
  const { nativeStatus } = await import('tfjs-backend-native');
  return nativeStatus().available && (await tf.setBackend('native')) ? ['native'] : [];
}
