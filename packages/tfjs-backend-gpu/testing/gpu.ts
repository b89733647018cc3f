import { afterAll, beforeAll, describe } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { type GpuBackend, gpuStatus } from 'tfjs-backend-gpu';

const status = await gpuStatus();

/**
 * `describe` on the gpu backend. It is skipped, with the reason in its name, where WebGPU finds no
 * adapter. tfjs is on cpu again afterwards.
 */
export function describeGpu(name: string, body: () => void): void {
  if (!status.available) describe.skip(`${name} (skipped: ${status.reason})`, body);
  else
    describe(name, () => {
      beforeAll(async () => {
        await tf.setBackend('gpu');
      });
      afterAll(async () => {
        await tf.setBackend('cpu');
      });
      body();
    });
}

/** The gpu backend, which must have been started. */
export const gpuBackend = (): GpuBackend => tf.findBackend('gpu') as unknown as GpuBackend;
