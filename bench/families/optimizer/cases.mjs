// Updates of one [4096, 4096] parameter, and of the 64 tensors of a small model.
const N = 4096 * 4096;

export const cases = [
  {
    name: 'adamw_4096x4096',
    kind: 'adamw',
    args: { shapes: [[4096, 4096]] },
    bytes: { read: 4 * N, update: 12 * N }, // g; p, m and v in place
  },
  { name: 'adamw_64_tensors_256x256', kind: 'adamw', args: { shapes: Array(64).fill([256, 256]) } },
  // g for the statistics, g and p for the root mean squares, then p from g
  {
    name: 'adafactor_4096x4096',
    kind: 'adafactor',
    args: { shapes: [[4096, 4096]] },
    bytes: { read: 12 * N, update: 4 * N },
  },
];
