import { DalleBart, initializeDalleBart, parseDalleBartConfig } from '@easel/bart';
import { prngKey } from '@easel/core';
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { type GpuBackend, gpuStatus } from 'tfjs-backend-gpu';
import { tinyDalleBartJson } from '../testing/tiny-models.js';
import { parseSeq2SeqConfig } from './config/seq2seq-config.js';
import { seq2seqUpdate, updateSubject } from './seq2seq/seq2seq-update.js';

const STEPS = 5;

const config = parseSeq2SeqConfig({
  ...{ seed: 3, model: tinyDalleBartJson, tokenizer: '-', data: { train: '-' } },
  ...{ steps: STEPS, batchSize: 2, clipNorm: 0.5, schedule: { learningRate: 0.01 } },
});

/** Losses and norms of the first steps on a backend, and what `after` finds behind each. */
async function train<T>(backend: string, after: () => T) {
  await tf.setBackend(backend);
  const model = new DalleBart(parseDalleBartConfig(tinyDalleBartJson));
  initializeDalleBart(model, prngKey(0));
  const subject = updateSubject(config, model, STEPS);
  let state = 7;
  const next = (below: number) => {
    state = (state * 16807) % 2147483647;
    return state % below;
  };
  const ids = (shape: [number, number], below: number) =>
    tf.tensor2d(
      Int32Array.from({ length: shape[0] * shape[1] }, () => next(below)),
      shape,
      'int32',
    );
  const numbers: number[] = [];
  const found: T[] = [];
  for (let step = 0; step < STEPS; step++) {
    const batch = {
      inputIds: ids([2, 6], 300),
      attentionMask: tf.tensor2d([1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1], [2, 6], 'int32'),
      decoderInputIds: ids([2, 16], 18),
      labels: tf.tidy(() => tf.reshape(ids([2, 16], 18), [32]) as tf.Tensor1D),
    };
    const { loss, gradientNorm } = await seq2seqUpdate(
      subject,
      [{ batch, dropoutKey: prngKey(step) }],
      step,
      () => {},
    );
    numbers.push(loss, gradientNorm);
    found.push(after());
  }
  const weights = await Promise.all([...model.namedWeights().values()].map((weight) => weight.data()));
  subject.optimizer.dispose();
  tf.dispose([...model.namedWeights().values()]);
  return { numbers, found, weights };
}

const status = await gpuStatus();
const where = status.available ? describe : describe.skip;

where(`training on a GPU${status.available ? '' : ` (skipped: ${status.reason})`}`, () => {
  test('steps are those of the cpu backend, with one read each; a later one finds what it needs', async () => {
    const wanted = await train('cpu', () => 0);
    const got = await train('gpu', () => {
      const { dispatcher, pool, failure } = tf.backend() as unknown as GpuBackend;
      return { ...dispatcher.counts, ...pool.usage(), tensors: tf.memory().numTensors, failure };
    });
    for (const [i, number] of wanted.numbers.entries())
      expect(Math.abs((got.numbers[i] as number) - number)).toBeLessThan(2e-5 * Math.abs(number));
    for (const [i, values] of wanted.weights.entries())
      values.forEach((value, at) => {
        expect(Math.abs((got.weights[i]?.[at] as number) - value)).toBeLessThan(1e-3);
      });
    const [before, last] = got.found.slice(-2);
    if (before === undefined || last === undefined) throw new Error('a step is missing');
    expect(last.failure).toBeUndefined();
    expect(last.reads - before.reads).toBe(1);
    expect(last.pipelinesMade).toBe(before.pipelinesMade);
    const madeAnew = (last.bindGroupsMade - before.bindGroupsMade) / (last.dispatches - before.dispatches);
    expect(madeAnew).toBeLessThan(0.1);
    expect(last.allocated).toBe(before.allocated);
    expect(last.tensors).toBe(before.tensors);
    await tf.setBackend('cpu');
  });
});
