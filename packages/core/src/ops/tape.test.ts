import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { disposeSaved, insideGradient, record, tapeIsOn } from './tape.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

// tfjs's types hide all of this. If a new tfjs changes it, these tests say what to look at.
test('the engine has the private members that the tape is read through', () => {
  const engine = tf.engine() as unknown as Record<string, unknown>;
  expect(typeof engine.startTape).toBe('function');
  expect(typeof engine.endTape).toBe('function');
  const state = engine.state as Record<string, unknown>;
  expect([state.gradientDepth, state.kernelDepth]).toEqual([0, 0]);
  expect(Array.isArray(state.activeTape) || state.activeTape == null).toBe(true);
});

test('a recorded node has name, inputs, outputs, saved tensors and a gradient', async () => {
  const x = tf.tensor1d([3]);
  const { result, tape } = record(() => tf.square(x));
  const node = tape.find((entry) => entry.kernelName === 'Square');
  expect(node?.inputs.x?.id).toBe(x.id);
  expect(node?.outputs[0]?.id).toBe(result.id);
  expect(node?.saved).toHaveLength(1);
  const gradient = node?.gradient?.([tf.tensor1d([10])]).x?.();
  expect(await gradient?.data()).toEqual(Float32Array.of(60));
});

test('the tape is on inside tf.grad, off inside kernels and outside', () => {
  const seen: boolean[] = [];
  const look = tf.customGrad((x) => {
    seen.push(tapeIsOn(), insideGradient());
    return { value: tf.clone(x as tf.Tensor), gradFunc: (dy: tf.Tensor) => dy };
  });
  tf.grad((x) => {
    seen.push(tapeIsOn(), insideGradient());
    return look(x);
  })(tf.scalar(1));
  expect(seen).toEqual([true, true, false, true]);
  expect([tapeIsOn(), insideGradient()]).toEqual([false, false]);
});

test('an error inside record frees what was saved and leaves the tape off', () => {
  const x = tf.ones([2]);
  const before = tf.memory();
  expect(() =>
    record(() => {
      tf.square(x);
      throw new Error('inside');
    }),
  ).toThrow('inside');
  expect([tf.memory().numTensors, tf.memory().numDataBuffers]).toEqual([
    before.numTensors,
    before.numDataBuffers,
  ]);
  expect(insideGradient()).toBe(false);
  const { result, tape } = record(() => tf.square(x));
  for (const node of tape) disposeSaved(node);
  result.dispose();
  expect(tf.memory().numTensors).toBe(before.numTensors);
});
