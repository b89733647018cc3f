import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdamW, constantSchedule } from '@easel/core';
import { type HeldTensors, saveSafetensors } from '@easel/core/node';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import 'tfjs-backend-native';
import { CheckpointSaver } from './checkpoint-saver.js';
import { type CheckpointState, readCheckpointPart } from './checkpoint-store.js';
import { RunFolder } from './run-folder.js';

let root: string;
let run: RunFolder;
let weights: Map<string, tf.Variable>;
let optimizer: AdamW;
beforeEach(async () => {
  await tf.setBackend('native');
  root = mkdtempSync(join(tmpdir(), 'easel-saver-'));
  const settings = { values: { steps: 9 }, free: [], length: '9' };
  run = await RunFolder.open(join(root, 'run'), settings, { resume: false, tensorboard: false });
  weights = new Map(['a', 'b'].map((name) => [name, tf.tidy(() => tf.variable(tf.zeros([5000])))]));
  optimizer = new AdamW({ schedule: constantSchedule({ learningRate: 1 }) });
});
afterEach(async () => {
  await run.close();
  tf.dispose([...weights.values()]);
  optimizer.dispose();
  rmSync(root, { recursive: true, force: true });
  await tf.setBackend('native');
});

/** One update: each weight goes down by 1, but for the first, whose learning rate is 0. */
async function update(): Promise<void> {
  const grads = new Map([...weights.keys()].map((name) => [name, tf.ones([5000])]));
  await optimizer.apply(weights, grads);
  tf.dispose([...grads.values()]);
}

const state = (step: number): CheckpointState => ({
  version: 1,
  step,
  samples: step,
  seconds: 1,
  key: [0, 1],
  position: { epoch: 0, batch: step },
  data: 'd',
  lossSum: 0,
  lossSteps: 0,
});

/** A saver of this training; `saved` gets the steps whose files are there. */
function saver(background: boolean, { fails = false, pause = false } = {}) {
  const saved: number[] = [];
  const made = new CheckpointSaver(
    run,
    {
      exportNeedsPause: pause,
      checkpointParts: () => ({ model: weights, optimizer: optimizer.state() }),
      exportModel: async (folder: string, held?: HeldTensors) => {
        if (fails) throw new Error('no room');
        await saveSafetensors(join(folder, 'model.safetensors'), held ?? weights);
      },
    },
    { keep: 2, background, onSaved: ({ step }) => saved.push(step) },
  );
  return { made, saved };
}

const checkpoint = (step: number) => join(root, 'run', 'checkpoints', `step-0000000${step}`);

/** The first value of each tensor of a checkpoint. */
async function firstValues(step: number): Promise<Record<string, number>> {
  const values: Record<string, number> = {};
  for (const part of ['model', 'optimizer'])
    for (const [name, tensor] of await readCheckpointPart(checkpoint(step), part))
      values[name] = Number((tensor.data[0] as number).toFixed(3));
  return values;
}

describe.each([
  ['in the background', true, 'native', false],
  ['with a pause, as told', false, 'native', false],
  ['with a pause, for what the model folder needs', true, 'native', true],
  ['with a pause, on a backend that writes no files', true, 'cpu', false],
])('%s', (_, background, backend, pause) => {
  test('each checkpoint and model is of the step that it was saved at', async () => {
    await tf.setBackend(backend);
    const { made, saved } = saver(background, { pause });
    const inBackground = background && backend === 'native' && !pause;
    for (let step = 1; step <= 4; step++) {
      await update();
      await made.save(state(step));
      expect(made.isSaving).toBe(inBackground);
    }
    await update();
    await made.finish();
    expect(made.isSaving).toBe(false);
    expect(saved).toEqual([1, 2, 3, 4]);
    for (const step of [3, 4])
      expect(await firstValues(step)).toEqual({
        a: 1 - step,
        b: 1 - step,
        step,
        'm.a': Number((1 - 0.9 ** step).toFixed(3)),
        'm.b': Number((1 - 0.9 ** step).toFixed(3)),
        'v.a': Number((1 - 0.999 ** step).toFixed(3)),
        'v.b': Number((1 - 0.999 ** step).toFixed(3)),
      });
    expect(readdirSync(join(root, 'run', 'checkpoints')).sort()).toEqual(['step-00000003', 'step-00000004']);
    const model = readFileSync(join(root, 'run', 'model', 'model.safetensors'));
    expect(Buffer.compare(model, readFileSync(join(checkpoint(4), 'model.safetensors')))).toBe(0);
  });
});

test('what fails in the background is thrown at the next occasion, and the checkpoint before stays', async () => {
  await update();
  const good = saver(true).made;
  await good.save(state(1));
  await good.finish();
  const bad = saver(true, { fails: true }).made;
  await update();
  await bad.save(state(2));
  await expect(bad.finish()).rejects.toThrow(/Model .*can't be written \(no room\)/);
  bad.check(); // told once
  expect((await firstValues(1)).step).toBe(1);
  rmSync(join(root, 'run', 'checkpoints'), { recursive: true });
  await update();
  await bad.save(state(3)).catch(() => {});
  await expect(bad.finish()).rejects.toThrow(/Checkpoint of step 3: can't be written/);
  expect(readdirSync(join(root, 'run')).filter((name) => name.endsWith('.partial'))).toEqual([]);
});
