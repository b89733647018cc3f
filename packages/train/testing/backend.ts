import * as tf from '@tensorflow/tfjs';
import { nativeStatus } from 'tfjs-backend-native';

/** Runs a test file's tensors natively where the addon is built, else on tfjs's own 'cpu', which takes many times longer. */
export async function startTestBackend(): Promise<void> {
  await tf.setBackend(nativeStatus().available ? 'native' : 'cpu');
}
