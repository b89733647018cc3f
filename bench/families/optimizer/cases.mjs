// Updates of one [4096, 4096] parameter, of the 64 tensors of a small model, and of a model of 400
// million; the parts of Distributed Shampoo.
const N = 4096 * 4096;

/**
 * 400 million parameters as DALL·E mini has them: 12 + 12 layers of width 1024, hidden 2816, and
 * three tables.
 */
const DALLE = [
  ...Array(12 * 4 + 12 * 8).fill([1024, 1024]),
  ...Array(24 * 2).fill([1024, 2816]),
  ...Array(24).fill([2816, 1024]),
  [50264, 1024],
  [16385, 1024],
  [1024, 16385],
];
const DALLE_N = DALLE.reduce((sum, [rows, columns]) => sum + rows * columns, 0);

/** Three passes: g for the statistics, g and p for the root mean squares, then p from g. */
const adafactorPasses = (n) => [{ read: 4 * n }, { read: 8 * n }, { read: 4 * n, update: 4 * n }];

export const cases = [
  {
    name: 'adamw_4096x4096',
    kind: 'adamw',
    args: { shapes: [[4096, 4096]] },
    bytes: { read: 4 * N, update: 12 * N }, // g; p, m and v in place
  },
  { name: 'adamw_64_tensors_256x256', kind: 'adamw', args: { shapes: Array(64).fill([256, 256]) } },
  {
    name: 'adafactor_4096x4096',
    kind: 'adafactor',
    args: { shapes: [[4096, 4096]] },
    bytes: adafactorPasses(N),
  },
  {
    name: 'adamw_444M',
    kind: 'adamw_model',
    args: { shapes: DALLE },
    bytes: { read: 4 * DALLE_N, update: 12 * DALLE_N },
  },
  {
    name: 'adafactor_444M',
    kind: 'adafactor_model',
    args: { shapes: DALLE },
    bytes: adafactorPasses(DALLE_N),
  },
  // S ← β₂·S + (1 − β₂)·G·Gᵀ of both sides of a block
  { name: 'shampoo_statistics_1024', kind: 'shampoo_statistics', args: { size: 1024 }, flop: 4 * 1024 ** 3 },
  // S^(−1/4). Both programs iterate until the error is 1e-6.
  { name: 'shampoo_root_1024', kind: 'shampoo_root', args: { size: 1024, p: 4 } },
];
