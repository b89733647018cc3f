import * as tf from '@tensorflow/tfjs';
import { nativeStatus } from 'tfjs-backend-native';

/** The name under which programs ask for tfjs-node's backend. */
const NAME = 'tensorflow';

/** Above the native backend's own, so that a program finds the name that it expects. */
const PRIORITY = 11;

/**
 * Makes the native backend answer to the name 'tensorflow', with all its kernels, and makes it the
 * current one; once a process.
 * Where its addon did not load, nothing is registered: tfjs's own backends serve, and
 * tfjs-backend-native has said why.
 */
export function registerTensorflowBackend(): void {
  if (!nativeStatus().available || tf.findBackendFactory(NAME) !== null) return;
  const factory = tf.findBackendFactory('native');
  for (const kernel of tf.getKernelsForBackend('native')) tf.registerKernel({ ...kernel, backendName: NAME });
  tf.registerBackend(NAME, factory, PRIORITY);
  void tf.setBackend(NAME); // at once, as tfjs-node does: it has nothing to wait for
}
