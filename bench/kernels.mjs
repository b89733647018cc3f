// node bench/kernels.mjs CASE [--runs N] [--shapes N] Prints where a row of Easel spends its time:
// mean milliseconds of a run by kernel, then by kernel and shapes. The time outside of kernels is
// JavaScript: the engine, the tape, the row itself. CASE as `npm run bench -- --list` names it.
import { parseArgs } from 'node:util';
import * as publicCore from '@easel/core';
import * as internals from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';
import 'tfjs-backend-native';
import { cases } from './cases.mjs';
import { kindsOf } from './kinds.mjs';
import { inputsOf } from './peers/tfjs_inputs.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '5' }, shapes: { type: 'string', default: '25' } },
});
const test = cases.find(({ name }) => name === positionals[0]);
if (test === undefined) throw new Error(`no case ${positionals[0]}; npm run bench -- --list names them`);
if (!(await tf.setBackend('native')))
  throw new Error('the native backend did not start: run `npx easel doctor`');

const kinds = await kindsOf(test.family, ['tfjs.mjs', 'easel.mjs']);
const make = kinds[test.kind];
if (make === undefined) throw new Error(`${test.name}: Easel has no ${test.kind}`);

/** Time and count by kernel and shapes. */
const spent = new Map();
/** Time spent in kernels that the running kernel has called. */
let within = 0;
for (const kernel of tf.getKernelsForBackend('native')) {
  const run = kernel.kernelFunc;
  kernel.kernelFunc = (params) => {
    const start = performance.now();
    const before = within;
    within = 0;
    const result = run(params);
    const ms = performance.now() - start;
    const shapes = Object.values(params.inputs).flat();
    const key = `${shapes.map((x) => `[${x?.shape}]`).join(' ')}${params.attrs?.transposeKernel ? ' transposed' : ''}`;
    const entry = spent.get(`${kernel.kernelName} ${key}`) ?? { kernel: kernel.kernelName, ms: 0, count: 0 };
    entry.ms += ms - within;
    entry.count += 1;
    spent.set(`${kernel.kernelName} ${key}`, entry);
    within = before + ms;
    return result;
  };
}

const core = { ...publicCore, ...internals };
const run = make({ tf, core, ...inputsOf(tf) }, test.args ?? {});
const once = async () => {
  const result = await run();
  if (result !== undefined) tf.dispose(result);
};
for (let i = 0; i < 2; i++) await once();
spent.clear();
const runs = Number(options.runs);
const start = performance.now();
for (let i = 0; i < runs; i++) await once();
const whole = (performance.now() - start) / runs;

const byKernel = new Map();
for (const { kernel, ms, count } of spent.values()) {
  const sum = byKernel.get(kernel) ?? { ms: 0, count: 0 };
  byKernel.set(kernel, { ms: sum.ms + ms, count: sum.count + count });
}
const inKernels = [...byKernel.values()].reduce((sum, { ms }) => sum + ms, 0) / runs;
byKernel.set('(JavaScript)', { ms: (whole - inKernels) * runs, count: runs });
console.log(`${test.name}: ${whole.toFixed(1)} ms a run\n`);
print('kernel', byKernel);
console.log();
print('kernel and shapes', new Map([...sorted(spent)].slice(0, Number(options.shapes))));

function sorted(entries) {
  return [...entries].sort(([, a], [, b]) => b.ms - a.ms);
}

function print(title, entries) {
  console.log(`| ${title} | ms | share | times |\n|---|--:|--:|--:|`);
  for (const [name, { ms, count }] of sorted(entries)) {
    const share = `${((100 * ms) / runs / whole).toFixed(1)} %`;
    console.log(`| ${name} | ${(ms / runs).toFixed(2)} | ${share} | ${count / runs} |`);
  }
}
