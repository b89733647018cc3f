// node bench/memory.mjs [--steps N] [--every N] [--json FILE] Trains a conv net and a transformer,
// which are plain tfjs programs, on the native backend and prints their memory: resident megabytes
// of the process, JavaScript's heap in it, megabytes that tensors hold and the pool keeps, and the
// number of tensors. The lines should be flat. V8 lets its heap grow by some megabytes before it
// collects.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import 'tfjs-backend-native';
import { kinds } from './families/training/tfjs.mjs';
import { inputsOf } from './peers/tfjs_inputs.mjs';

const { values: options } = parseArgs({
  options: {
    steps: { type: 'string', default: '2000' },
    every: { type: 'string', default: '100' },
    json: { type: 'string' },
  },
});
const [steps, every] = [Number(options.steps), Number(options.every)];
if (!(await tf.setBackend('native')))
  throw new Error('the native backend did not start: run `npx easel doctor`');

const programs = {
  convnet: { batch: 32, size: 32, classes: 10 },
  transformer: { batch: 2, length: 64, width: 128, heads: 4, inner: 512, vocabulary: 500, layers: 2 },
};
const rows = [];
console.log(
  '| program | step | loss | resident MB | JS heap MB | live MB | pool MB | high water MB | tensors |',
);
console.log('|---|--:|--:|--:|--:|--:|--:|--:|--:|');
for (const [program, args] of Object.entries(programs)) {
  tf.engine().startScope();
  const train = kinds[program]({ tf, ...inputsOf(tf) }, args);
  for (let step = 1; step <= steps; step++) {
    const loss = train();
    const value = (await loss.data())[0];
    loss.dispose();
    if (step !== 1 && step % every !== 0) continue;
    const { native, numTensors: tensors } = tf.memory();
    const megabytes = (bytes) => Number((bytes / 2 ** 20).toFixed(1));
    const row = {
      program,
      step,
      loss: value,
      resident: megabytes(process.memoryUsage.rss()),
      heap: megabytes(process.memoryUsage().heapTotal),
      live: megabytes(native.liveBytes),
      pool: megabytes(native.poolBytes),
      highWater: megabytes(native.highWaterBytes),
      tensors,
    };
    rows.push(row);
    console.log(`| ${Object.values({ ...row, loss: value.toFixed(4) }).join(' | ')} |`);
  }
  tf.engine().endScope();
  tf.disposeVariables();
}
if (options.json) writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
