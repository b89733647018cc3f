// node bench/checkpoint.mjs [--parameters N] [--rounds N] [--folder DIR] Saves the weights and
// AdamW's state of N million parameters (400) as a training run does. For comparison it writes and
// syncs as many bytes from one buffer. Rounds alternate. It prints a table on stdout; `paused` is
// the time during which the program may not change its tensors.
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { holdTensors, saveSafetensors } from '@easel/core/node';
import * as tf from '@tensorflow/tfjs';
import 'tfjs-backend-native';
import { median } from './median.mjs';

const { values: options } = parseArgs({
  options: {
    parameters: { type: 'string', default: '400' },
    rounds: { type: 'string', default: '3' },
    folder: { type: 'string', default: tmpdir() },
  },
});
if (!(await tf.setBackend('native')))
  throw new Error('the native backend did not start: run `npx easel doctor`');

const SIDE = 1000;
const PIECE = 64 * 2 ** 20;
const tensors = (kind) =>
  new Map(
    Array.from({ length: Number(options.parameters) }, (_, i) => [
      `${kind}.${i}`,
      tf.tidy(() => tf.variable(tf.reshape(tf.range(i, i + SIDE * SIDE), [SIDE, SIDE]))),
    ]),
  );
const parts = { model: tensors('weight'), m: tensors('m'), v: tensors('v') };
const bytes = Object.keys(parts).length * Number(options.parameters) * SIDE * SIDE * 4;
const folder = await mkdtemp(join(options.folder, 'easel-bench-'));
const buffer = new Uint8Array(PIECE).map((_, i) => i * 31);

const times = { disk: [], easel: [], paused: [] };

/** Writes as many bytes from one buffer, for the speed of the disk alone. */
async function writeBytes() {
  const file = await open(join(folder, 'bytes'), 'w');
  for (let left = bytes; left > 0; left -= PIECE) await file.write(buffer, 0, Math.min(PIECE, left));
  await file.sync();
  await file.close();
}

async function saveParts() {
  const start = performance.now();
  const held = Object.entries(parts).map(([part, named]) => ({ part, tensors: holdTensors(named) }));
  const saved = held.map(({ part, tensors }) =>
    saveSafetensors(join(folder, `${part}.safetensors`), tensors),
  );
  await Promise.all(held.map(({ tensors }) => tensors.begun));
  times.paused.push((performance.now() - start) / 1000);
  await Promise.all(saved);
  for (const { tensors } of held) tensors.release();
}

async function secondsOf(work) {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

try {
  for (let round = 0; round < Number(options.rounds); round++) {
    times.disk.push(await secondsOf(writeBytes));
    times.easel.push(await secondsOf(saveParts));
    console.error(
      `round ${round + 1}: disk ${times.disk.at(-1).toFixed(2)} s, easel ${times.easel.at(-1).toFixed(2)} s`,
    );
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
const [disk, easel] = [median(times.disk), median(times.easel)];
const rate = (seconds) => (bytes / seconds / 1e9).toFixed(2);
console.log('| bytes | disk alone, GB/s | checkpoint, GB/s | share | paused, ms |');
console.log('|--:|--:|--:|--:|--:|');
console.log(
  `| ${(bytes / 1e9).toFixed(2)} GB | ${rate(disk)} | ${rate(easel)} | ${Math.round((100 * disk) / easel)} % | ${(1000 * median(times.paused)).toFixed(0)} |`,
);
