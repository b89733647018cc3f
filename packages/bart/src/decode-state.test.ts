import { fillByFormula } from '@easel/conformance/kinds/bart/formula-weights';
import { prngKey } from '@easel/core';
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { TINY_SIZES } from '../testing/tiny-sizes.js';
import { parseDalleBartConfig } from './config.js';
import { DecodeLoop, type DrawingRequest } from './decode-loop.js';
import { DalleBart } from './model.js';

const SIZES = { ...TINY_SIZES, image_vocab_size: 17, image_length: 5, max_text_length: 3 };

const requestOf = (seed: number): DrawingRequest => ({
  text: { ids: Int32Array.of(0, 5 + seed, 2), mask: Int32Array.of(1, 1, 1) },
  noText: { ids: Int32Array.of(0, 2, 1), mask: Int32Array.of(1, 1, 0) },
  conditionScale: 3,
  noise: { key: prngKey(seed) },
});

/** Runs `work` where the n-th tensor from now on gets no memory. Returns whether it was reached. */
async function withoutMemory(n: number, work: () => unknown): Promise<boolean> {
  const backend = tf.backend() as tf.KernelBackend & { write: (...args: unknown[]) => object };
  const { write } = backend;
  let left = n;
  let failed = false;
  backend.write = (...args: unknown[]) => {
    if (left-- === 0) {
      failed = true;
      throw new RangeError('Array buffer allocation failed');
    }
    return write.apply(backend, args);
  };
  try {
    await work();
    return false;
  } catch (error) {
    if (!failed) throw error;
    return true;
  } finally {
    backend.write = write;
  }
}

test('wherever memory ends while a picture joins or a step is taken, the others go on and nothing is left', async () => {
  await tf.setBackend('cpu');
  const model = new DalleBart(parseDalleBartConfig(SIZES));
  fillByFormula(model);
  const before = tf.memory().numTensors;
  const alone: Int32Array[] = [];
  for (const seed of [1, 2]) {
    const loop = new DecodeLoop(model, { rows: 2 });
    const drawing = loop.admit(requestOf(seed));
    while (!drawing.done) await loop.step();
    alone.push(drawing.tokens);
    loop.dispose();
  }
  const loop = new DecodeLoop(model, { rows: 8 });
  const first = loop.admit(requestOf(1));
  await loop.step();
  const during = tf.memory().numTensors;
  let places = 0;
  while (await withoutMemory(places, () => loop.admit(requestOf(2)))) {
    expect(tf.memory().numTensors).toBe(during);
    places++;
  }
  expect(places).toBeGreaterThan(20); // the encoder, the text's keys and values, the caches' growth
  const [, second] = loop.drawings;
  expect(second).toBeDefined();
  let steps = 0;
  while (await withoutMemory(steps, () => loop.step())) {
    expect(tf.memory().numTensors).toBe(during);
    steps++;
  }
  expect(steps).toBeGreaterThan(20);
  while (loop.drawings.length > 0) await loop.step();
  expect([first.tokens, second?.tokens]).toEqual(alone);
  loop.dispose();
  expect(tf.memory().numTensors).toBe(before);
  model.dispose();
});
