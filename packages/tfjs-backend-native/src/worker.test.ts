import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { addon } from './addon.js';
import './index.js';

const packageUrl = new URL('../', import.meta.url);

/** A worker thread with a tfjs and a native backend of its own, running `body` with tf in scope. */
function startWorker(body: string): { worker: Worker; answer: Promise<unknown> } {
  const tfjs = pathToFileURL(createRequire(import.meta.url).resolve('@tensorflow/tfjs')).href;
  const code = `
    import { parentPort } from 'node:worker_threads';
    import tf from ${JSON.stringify(tfjs)};
    import ${JSON.stringify(new URL('src/index.ts', packageUrl).href)};
    await tf.ready();
    ${body}`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
    execArgv: ['--no-warnings', '--import', new URL('scripts/typescript-hooks.mjs', packageUrl).href],
  });
  const answer = new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (status) => reject(new Error(`the worker ended with ${status}`)));
  });
  return { worker, answer };
}

const TRAIN = `
  const w = tf.variable(tf.zeros([40, 30]));
  const x = tf.linspace(-1, 1, 50 * 40).reshape([50, 40]);
  const y = tf.ones([50, 30]);
  const optimizer = tf.train.adam(0.05);
  const loss = () => x.matMul(w).sub(y).square().mean();
  for (let i = 0; i < 60; i++) optimizer.minimize(loss);
  const values = await w.data();
  parentPort.postMessage({ backend: tf.getBackend(), values, tensors: tf.memory().numTensors });`;

describe('worker threads', () => {
  test('two train at once, and this thread too; each gets the same numbers', async () => {
    const others = [startWorker(TRAIN), startWorker(TRAIN)];
    await tf.setBackend('native');
    const w = tf.variable(tf.zeros([40, 30]));
    const x = tf.linspace(-1, 1, 50 * 40).reshape([50, 40]) as tf.Tensor2D;
    const y = tf.ones([50, 30]);
    const optimizer = tf.train.adam(0.05);
    for (let i = 0; i < 60; i++) optimizer.minimize(() => x.matMul(w).sub(y).square().mean() as tf.Scalar);
    const mine = Array.from(w.dataSync());
    const answers = (await Promise.all(others.map(({ answer }) => answer))) as {
      backend: string;
      values: Float32Array;
    }[];
    await Promise.all(others.map(({ worker }) => worker.terminate()));
    for (const answer of answers) {
      expect(answer.backend).toBe('native');
      expect(Array.from(answer.values)).toEqual(mine);
    }
    optimizer.dispose();
    tf.dispose([w, x, y]);
  }, 240_000);

  test('one that is ended in the middle of its work gives its memory back and leaves the pool usable', async () => {
    const before = addon().status().liveBytes; // it falls when blocks of this thread are collected meanwhile
    const { worker, answer } = startWorker(`
      const kept = Array.from({ length: 20 }, () => tf.ones([512, 512]));
      parentPort.postMessage('started');
      for (;;) tf.matMul(kept[0], kept[1]).dispose();`);
    expect(await answer).toBe('started');
    expect(addon().status().liveBytes).toBeGreaterThan(before + 15 * 512 * 512 * 4);
    await worker.terminate();
    expect(addon().status().liveBytes).toBeLessThanOrEqual(before);
    const product = tf.tidy(
      () =>
        tf
          .matMul(tf.ones([300, 300]), tf.ones([300, 300]))
          .sum()
          .dataSync()[0],
    );
    expect(product).toBe(300 ** 3);
  }, 240_000);
});

test('a worker that ends while it writes a file takes nothing with it', async () => {
  const { worker, answer } = startWorker(`
    import { openSync } from 'node:fs';
    const big = tf.zeros([64, 1024, 1024]);
    const held = tf.backend().hold([big], 1);
    held.writeTo(openSync('/dev/null', 'w'), Array(1000).fill(0), 'BF16');
    parentPort.postMessage('begun');`);
  expect(await answer).toBe('begun');
  expect(await worker.terminate()).toBe(1);
});
