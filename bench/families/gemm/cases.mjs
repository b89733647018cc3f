// c[m,n] = op(a)·op(b). `transpose` is 'n' or 't' for a and for b; `batch` products of that size.
const product = (name, m, k, n, { transpose = 'nn', batch = 1 } = {}) => ({
  name,
  kind: 'matmul',
  args: { m, k, n, transpose, batch },
  flop: 2 * batch * m * k * n,
  bytes: { read: 4 * batch * (m * k + k * n), write: 4 * batch * m * n },
});
const square = (size) => product(`matmul_${size}`, size, size, size);
const plain = (m, k, n) => product(`matmul_${m}x${k}x${n}`, m, k, n);

/**
 * A dense layer in training, `rows` tokens × inner → outer: forward, and the gradients by input and
 * by weights.
 */
const layer = (rows, inner, outer) => [
  product(`dense_${rows}x${inner}x${outer}`, rows, inner, outer),
  product(`dense_${rows}x${inner}x${outer}_dx`, rows, outer, inner, { transpose: 'nt' }),
  product(`dense_${rows}x${inner}x${outer}_dw`, inner, rows, outer, { transpose: 'tn' }),
];

const DALLE_MINI = { width: 1024, outputs: [1024, 2730, 16385] }; // attention, GLU, logits

export const cases = [
  ...[256, 512, 1024, 2048].map(square),
  ...[512, 2048].flatMap((rows) =>
    DALLE_MINI.outputs.flatMap((outer) => layer(rows, DALLE_MINI.width, outer)),
  ),
  ...[1, 2, 3, 4].flatMap((rows) => [2816, 4096, 16385].map((outer) => plain(rows, 1024, outer))),
  plain(64, 1024, 2816),
  plain(2, 1024, 1024),
  plain(2, 2816, 1024),
  plain(16, 1024, 1024),
  plain(2048, 256, 684), // GLU of the embedded model, 32 × 64 tokens
  product('bmm_qk_32x64x64', 64, 64, 64, { transpose: 'nt', batch: 32 }),
];
