// 3×3 convolutions, stride 1, as many channels out as in, images in tfjs's layout
// [batch, size, size, channels]. The limit counts every multiplication of the definition:
// Winograd's forms need fewer, so a share above 100 % is possible.
const conv3x3 = (channels, size, { batch = 1, gradients = false } = {}) => ({
  name: `conv3x3_${batch > 1 ? `b${batch}_` : ''}${channels}ch_${size}sq${gradients ? '_fwd+grads' : ''}`,
  kind: gradients ? 'conv_gradients' : 'conv',
  args: { batch, size, channels },
  flop: (gradients ? 3 : 1) * 2 * batch * size * size * 9 * channels * channels,
});
const both = (channels, size, batch = 1) => [
  conv3x3(channels, size, { batch }),
  conv3x3(channels, size, { batch, gradients: true }),
];

export const cases = [
  ...both(128, 256), // VQGAN
  ...both(128, 128),
  ...both(256, 64),
  ...both(512, 16),
  ...both(128, 64),
  ...both(256, 32),
  ...both(32, 64, 8), // the embedded VQGAN
];
