// 2048 × 2048 float32: 16 MiB an operand.
const N = 2048 * 2048;
const map = (name, kind, operands, small = 0) => ({
  name,
  kind,
  bytes: { read: 4 * (N * operands + small), write: 4 * N },
});

export const cases = [
  map('add_4M', 'add', 2),
  map('add_bcast_4M', 'add_row', 1, 2048),
  map('add_column_4M', 'add_column', 1, 2048),
  map('mul_4M', 'mul', 2),
  map('exp_4M', 'exp', 1),
  map('tanh_4M', 'tanh', 1),
  map('gelu_4M', 'gelu', 1), // composed of tfjs's operations
];
