// What is timed. A case is a kind and its sizes; every peer implements the kinds it can (peers/*). `flop` is per run.
const matmul = (m, k, n) => ({
  name: `matmul_${m}x${k}x${n}`,
  kind: 'matmul',
  args: { m, k, n },
  flop: 2 * m * k * n,
});
const conv = (batch, size, channels, gradients) => ({
  name: `conv3x3_b${batch}_${size}sq_${channels}ch${gradients ? '_fwd+grads' : ''}`,
  kind: gradients ? 'conv_gradients' : 'conv',
  args: { batch, size, channels },
  flop: (gradients ? 3 : 1) * 2 * batch * size * size * 9 * channels * channels,
});

export const cases = [
  matmul(256, 256, 256),
  matmul(512, 512, 512),
  matmul(1024, 1024, 1024),
  matmul(2048, 2048, 2048),
  matmul(512, 1024, 2730), // GLU of DALL·E mini, 2 × 256 tokens
  matmul(2, 1024, 2730), // the same in one guided decode step
  matmul(2, 1024, 16385), // its logits
  matmul(2048, 256, 684), // GLU of the embedded model, 32 × 64 tokens
  conv(1, 64, 128, false),
  conv(1, 64, 128, true),
  conv(1, 32, 256, false),
  conv(1, 16, 512, false),
  conv(8, 64, 32, false), // the embedded VQGAN
  conv(8, 64, 32, true),
];
