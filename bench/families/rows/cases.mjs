// Operations on rows: norms, softmax, GELU, cross-entropy. Bytes count every operand once: forward
// x → y, backward x (or y), dy → dx.
const SIZES = [
  [8192, 1024],
  [2048, 16385],
];
const pair = (name, kind, args, elements, { forward, backward }) => {
  const bytes = ([read, write]) => ({ read: 4 * elements * read, write: 4 * elements * write });
  return [
    { name, kind, args, bytes: bytes(forward) },
    {
      name: `${name}_fwd+bwd`,
      kind: `${kind}_gradients`,
      args,
      bytes: bytes([forward[0] + backward[0], forward[1] + backward[1]]),
    },
  ];
};
const rowwise = (kind, traffic) =>
  SIZES.flatMap(([rows, width]) =>
    pair(`${kind}_${rows}x${width}`, kind, { rows, width }, rows * width, traffic),
  );
const MAP = { forward: [1, 1], backward: [2, 1] };

export const cases = [
  ...rowwise('layer_norm', MAP),
  ...rowwise('rms_norm', MAP),
  ...rowwise('softmax', MAP),
  ...rowwise('gelu', MAP),
  ...rowwise('cross_entropy', { forward: [1, 0], backward: [1, 1] }),
  // VQGAN: 128 channels of 256², with silu
  ...pair('group_norm_256sq_128ch', 'group_norm', { size: 256, channels: 128 }, 256 * 256 * 128, MAP),
  ...pair('group_norm_16sq_512ch', 'group_norm', { size: 16, channels: 512 }, 16 * 16 * 512, MAP),
  // The same tfjs program on every backend.
  {
    name: 'softmax_1024x1024',
    kind: 'softmax',
    args: { rows: 1024, width: 1024 },
    bytes: { read: 2 ** 22, write: 2 ** 22 },
  },
  {
    name: 'layernorm_composed_1024x1024',
    kind: 'layer_norm_composed',
    args: { rows: 1024, width: 1024 },
    bytes: { read: 2 ** 22, write: 2 ** 22 },
  },
];
