// The cost of an operation besides its arithmetic, in µs: 8 elements, 200 runs timed together.
const tiny = (name, kind) => ({ name, kind, inner: 200 });

export const cases = [
  tiny('add_tiny_8', 'add'), // one op, its result disposed
  tiny('exp_tiny_8', 'exp'),
  tiny('matmul_tiny_8x8', 'matmul'),
  tiny('add_bcast_tiny_8', 'add_row'),
  tiny('readback_1', 'readback'), // clone, then its value in JavaScript or Python
  { name: 'chain_100_tiny', kind: 'chain', inner: 4 },
];
