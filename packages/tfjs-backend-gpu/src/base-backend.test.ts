import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { describeGpu, gpuBackend } from '../testing/gpu.js';
import { TfjsBackend } from './base-backend.js';

// tfjs-backend-webgpu is pinned to ~4.22.0. These are its private parts that this package uses.

test("tfjs's class has the methods that are called or replaced", () => {
  const prototype = TfjsBackend.prototype as unknown as Record<string, unknown>;
  for (const name of [
    'nextDataId',
    'submitQueue',
    'ensureCommandEncoderReady',
    'endComputePassEncoder',
    'uploadToGPU',
    'makeTensorInfo',
    'runWebGPUProgram',
    'recordAndSubmit',
    'releaseResource',
    'refCount',
    'incRef',
    'disposeData',
    'write',
    'move',
    'read',
    'readSync',
    'memory',
    'time',
    'dispose',
  ])
    expect([name, typeof prototype[name]]).toEqual([name, 'function']);
  expect(TfjsBackend.prototype.runWebGPUProgram).toHaveLength(5);
  expect(TfjsBackend.prototype.recordAndSubmit).toHaveLength(4);
});

describeGpu('on a GPU', () => {
  test('its objects have the fields that are used', async () => {
    const device = gpuBackend().device;
    // tfjs's class alone, as it makes itself.
    const plain = new TfjsBackend(device) as unknown as Record<string, unknown>;
    expect(plain).toMatchObject({
      commandEncoder: null,
      computePassEncoder: null,
      dispatchCountInPass: 0,
      pipelineCache: {},
      queue: device.queue,
    });
    for (const name of ['bufferManager', 'tensorMap', 'commandQueueOwnedIds', 'textureManager'])
      expect(plain[name]).toBeDefined();
    for (const name of [
      'acquireBuffer',
      'releaseBuffer',
      'getNumUsedBuffers',
      'getNumFreeBuffers',
      'dispose',
    ])
      expect(typeof (plain.bufferManager as Record<string, unknown>)[name]).toBe('function');
  });

  test("tfjs's programs go through this package's dispatcher, with its layouts", async () => {
    const { counts } = gpuBackend().dispatcher;
    const before = { ...counts };
    const x = tf.tensor(
      Float32Array.from({ length: 2000 }, (_, i) => i),
      [2, 10, 4, 25],
    );
    const y = tf.add(x, tf.tensor1d(Float32Array.from({ length: 25 }, (_, i) => 100 * i)));
    const values = await y.data();
    expect([...values].every((value, i) => value === i + 100 * (i % 25))).toBe(true);
    expect(counts.tfjsDispatches).toBeGreaterThan(before.tfjsDispatches);
    expect(gpuBackend().failure).toBeUndefined();
    tf.dispose([x, y]);
  });
});
