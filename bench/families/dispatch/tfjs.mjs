export const kinds = {
  add({ tf, random }) {
    const [x, y] = [random([8]), random([8])];
    return () => tf.add(x, y);
  },
  exp({ tf, random }) {
    const x = random([8]);
    return () => tf.exp(x);
  },
  matmul({ tf, random }) {
    const [x, y] = [random([8, 8]), random([8, 8])];
    return () => tf.matMul(x, y);
  },
  add_row({ tf, random }) {
    const [x, y] = [random([2, 4]), random([4])];
    return () => tf.add(x, y);
  },
  readback({ tf, random }) {
    const x = random([1]);
    return () => {
      const y = tf.clone(x);
      y.dataSync();
      return y;
    };
  },
  chain({ tf, random }) {
    const [x, y] = [random([8]), random([8], 0.01)];
    return () =>
      tf.tidy(() => {
        let z = x;
        for (let i = 0; i < 100; i++) z = tf.add(z, y);
        return z;
      });
  },
};
