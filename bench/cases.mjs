// All cases: what each family's cases.mjs exports, in this order.
//   name     row of the table
//   kind     function of that name in the family's files (tfjs.mjs, easel.mjs, torch.py, jax.py, numpy.py); `args` are its arguments
//   flop     float32 operations of one run, if they may bound it
//   bytes    { read, write, update } of one run, if memory may bound it: every operand once; `update` is what changes in place;
//            a list of them for passes of which each needs all of the one before
//   inner    runs that are timed together, for what takes microseconds (default 1); unit of the row is then µs
import { readdirSync } from 'node:fs';

const ORDER = [
  'gemm',
  'conv',
  'attention',
  'rows',
  'elementwise',
  'reduce',
  'movement',
  'kernels',
  'decode',
  'dispatch',
  'optimizer',
  'training',
  'vqgan',
];

export const families = readdirSync(new URL('families/', import.meta.url)).sort(
  (a, b) => ORDER.indexOf(a) - ORDER.indexOf(b),
);

export const cases = [];
for (const family of families) {
  const module = await import(`./families/${family}/cases.mjs`);
  for (const test of module.cases) cases.push({ family, unit: test.inner ? 'us' : 'ms', inner: 1, ...test });
}
