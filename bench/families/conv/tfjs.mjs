const operands = ({ random }, { batch, size, channels }) => ({
  x: random([batch, size, size, channels]),
  filter: random([3, 3, channels, channels], 0.05),
  dy: random([batch, size, size, channels]),
});

export const kinds = {
  conv(given, args) {
    const { x, filter } = operands(given, args);
    return () => given.tf.conv2d(x, filter, 1, 'same');
  },
  conv_gradients(given, args) {
    const { x, filter, dy } = operands(given, args);
    const gradients = given.tf.grads((input, weights) => given.tf.conv2d(input, weights, 1, 'same'));
    return () => gradients([x, filter], dy);
  },
};
