import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { describeGpu, gpuBackend } from '../testing/gpu.js';
import { GpuBackend } from './backend.js';
import { openDevice } from './device.js';

/** A backend on a device of its own, whose failure harms no other test. */
async function withOwnBackend(use: (backend: GpuBackend) => Promise<void>): Promise<void> {
  const { device, info } = await openDevice();
  const backend = new GpuBackend(device, info);
  try {
    await use(backend);
  } finally {
    backend.dispose();
  }
}

const SQUARE = (backend: GpuBackend, body = 'y[0] = x[0] * x[0];') => {
  const x = backend.makeTensorInfo([1], 'float32', Float32Array.of(3));
  const y = backend.allocate([1]);
  backend.named({ kernelName: 'Squared', inputs: { x } }, () =>
    backend.dispatch({
      name: `Squared ${body}`,
      bindings: [
        { name: 'x', tensor: x, access: 'in' },
        { name: 'y', tensor: y, access: 'out' },
      ],
      body: () => body,
      workgroups: 1,
      lanes: 1,
    }),
  );
  return y;
};

describeGpu('reads', () => {
  test('are copies and leave nothing behind', async () => {
    const backend = gpuBackend();
    const x = tf.tidy(() => tf.add(tf.ones([300, 300]), 1));
    await x.data();
    const { allocated } = backend.pool.usage();
    const first = await x.data();
    first[0] = 7;
    expect((await x.data())[0]).toBe(2);
    expect(backend.tensorMap.get(x.dataId).values ?? null).toBeNull();
    expect(backend.pool.usage().allocated).toBe(allocated);
    x.dispose();
  });

  test('what the caller does with an array after an upload changes nothing', async () => {
    const values = Float32Array.of(1, 2);
    const x = tf.tensor1d(values);
    values[0] = 9;
    const read = (await x.data()) as Float32Array;
    read[1] = 9;
    expect([...(await x.data())]).toEqual([1, 2]);
    x.dispose();
  });

  test('every dtype comes back as it was', async () => {
    for (const [values, dtype] of [
      [[1.5, -0], 'float32'],
      [[2147483647, -2147483648], 'int32'],
      [[1, 0], 'bool'],
    ] as const) {
      // A product makes the GPU hold the values.
      const x = tf.tensor1d([...values], dtype);
      gpuBackend().uploadToGPU(x.dataId);
      expect([dtype, [...(await x.data())]]).toEqual([dtype, values]);
      x.dispose();
    }
    const z = tf.tidy(() => tf.mul(tf.complex([1, 2], [3, 4]), tf.complex([1, 1], [1, 0])));
    expect([...(await z.data())]).toEqual([-2, 4, 2, 4]);
    z.dispose();
    expect([...(await tf.square(tf.tensor1d([])).data())]).toEqual([]);
  });

  test('dataSync of a tensor on the GPU says what to do', async () => {
    const x = tf.tidy(() => tf.add(tf.ones([40, 30]), 1));
    expect(() => x.dataSync()).toThrow(/cannot wait .* \(float32 \[40,30\]\).*await tensor\.data\(\)/);
    const onCpu = tf.tensor1d([1]);
    expect(onCpu.dataSync()[0]).toBe(1);
    tf.dispose([x, onCpu]);
  });
});

describeGpu('memory', () => {
  test('tf.memory() counts it, trim gives it back, and the next step makes it again', async () => {
    const backend = gpuBackend();
    backend.trim();
    const before = tf.memory() as unknown as ReturnType<GpuBackend['memory']>;
    const x = tf.tidy(() => tf.add(tf.ones([128, 128]), 1));
    const now = tf.memory() as unknown as ReturnType<GpuBackend['memory']>;
    expect(now.numBytesInGPU - before.numBytesInGPU).toBe(4 * 128 * 128);
    expect(now.gpu.allocated).toBeGreaterThanOrEqual(now.numBytesInGPU);
    x.dispose();
    expect(backend.trim()).toBeGreaterThanOrEqual(4 * 128 * 128);
    expect(backend.pool.usage().free).toBe(0);
    const y = tf.tidy(() => tf.sum(tf.add(tf.ones([128, 128]), 1)));
    expect((await y.data())[0]).toBe(2 * 128 * 128);
    y.dispose();
  });

  test('a step that is repeated makes no bind groups, pipelines or buffers', async () => {
    const { counts } = gpuBackend().dispatcher;
    const step = () =>
      tf.tidy(() => {
        const a = tf.softmax(tf.matMul(x, x));
        return tf.sum(tf.mul(tf.relu(tf.sub(a, tf.transpose(a))), 3));
      });
    const x = tf.tidy(() => tf.sin(tf.reshape(tf.range(0, 900), [30, 30])));
    const first = step();
    const value = (await first.data())[0];
    first.dispose();
    const [{ bindGroupsMade, pipelinesMade }, { allocated }] = [{ ...counts }, gpuBackend().pool.usage()];
    for (let i = 0; i < 3; i++) {
      const again = step();
      expect((await again.data())[0]).toBe(value);
      again.dispose();
    }
    expect(counts).toMatchObject({ bindGroupsMade, pipelinesMade });
    expect(gpuBackend().pool.usage().allocated).toBe(allocated);
    x.dispose();
  });
});

describeGpu('errors stop the program at the next read', () => {
  test('an invalid shader: kernel, shapes and bytes are named', async () => {
    await withOwnBackend(async (backend) => {
      const y = SQUARE(backend, 'y[0] = nonsense;');
      const expected = /^Squared of x float32 \[1\] \(4 bytes\): .*unresolved value 'nonsense'/s;
      await expect(backend.read(y.dataId)).rejects.toThrow(expected);
      // No later value can be trusted.
      await expect(backend.read(SQUARE(backend).dataId)).rejects.toMatchObject({ kind: 'validation' });
    });
  });

  test('no memory: a buffer that the device cannot make', async () => {
    await withOwnBackend(async (backend) => {
      const { maxBufferSize, maxStorageBufferBindingSize } = backend.device.limits;
      expect(() =>
        backend.named({ kernelName: 'Fill', inputs: {} }, () => backend.allocate([maxBufferSize / 4 + 4096])),
      ).toThrow(/^Fill: a buffer of .* is beyond what this device makes/);
      const x = backend.makeTensorInfo([maxStorageBufferBindingSize / 4 + 1], 'float32', null);
      const run = () =>
        backend.dispatch({
          name: 'Nothing',
          bindings: [{ name: 'x', tensor: x, access: 'out' }],
          body: () => 'x[0] = 1.0;',
          workgroups: 1,
        });
      expect(() => backend.named({ kernelName: 'Nothing', inputs: { x } }, run)).toThrow(
        /^Nothing of x float32 \[\d+\] \(.*\): a tensor .* binds .* at most \(maxStorageBufferBindingSize\)$/,
      );
    });
  });

  test('a device that is lost', async () => {
    await withOwnBackend(async (backend) => {
      const y = SQUARE(backend);
      expect([...((await backend.read(y.dataId)) as Float32Array)]).toEqual([9]);
      backend.device.destroy();
      await expect(backend.read(y.dataId)).rejects.toMatchObject({
        kind: 'lost',
        message: expect.stringContaining('goes on from its last checkpoint'),
      });
    });
  });

  test('too many tensors in one shader', async () => {
    const most = gpuBackend().device.limits.maxStorageBuffersPerShaderStage;
    await withOwnBackend(async (backend) => {
      const bindings = Array.from({ length: most + 1 }, (_, i) => ({
        name: `x${i}`,
        tensor: backend.allocate([2]),
        access: 'out' as const,
      }));
      const run = () => backend.dispatch({ name: 'Many', bindings, body: () => '', workgroups: 1 });
      expect(run).toThrow(`a shader binds ${most + 1} tensors, and this device takes ${most}`);
    });
  });
});
