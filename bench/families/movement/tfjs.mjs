export const kinds = {
  transpose({ tf, random }) {
    const x = random([2048, 2048]);
    return () => tf.transpose(x);
  },
  transpose_heads({ tf, random }) {
    const x = random([16, 64, 16, 64]);
    return () => tf.transpose(x, [0, 2, 1, 3]);
  },
  concat({ tf, random }) {
    const parts = [random([1024, 2048]), random([1024, 2048])];
    return () => tf.concat(parts, 0);
  },
  concat_columns({ tf, random }) {
    const parts = [random([2048, 1024]), random([2048, 1024])];
    return () => tf.concat(parts, 1);
  },
  slice({ tf, random }) {
    const x = random([2048, 2048]);
    return () => tf.slice(x, [0, 512], [2048, 1024]);
  },
  gather({ tf, random, indices }) {
    const x = random([16384, 1024]);
    const ids = indices(1024, 16384);
    return () => tf.gather(x, ids);
  },
  scatter({ tf, random, indices }) {
    const rows = random([1024, 1024]);
    const ids = tf.reshape(indices(1024, 4096), [1024, 1]);
    return () => tf.scatterND(ids, rows, [4096, 1024]);
  },
  pad({ tf, random }) {
    const x = random([1, 128, 128, 128]);
    const by = [[0, 0], [1, 1], [1, 1], [0, 0]]; // biome-ignore format: one line
    return () => tf.pad(x, by);
  },
  resize({ tf, random }) {
    const x = random([1, 64, 64, 256]);
    return () => tf.image.resizeNearestNeighbor(x, [128, 128]);
  },
  upload({ tf }) {
    const values = new Float32Array(2 ** 22).fill(1);
    // One element is read back, because tfjs-node delays the copy until the tensor is used.
    return () =>
      tf.tidy(() => {
        tf.slice(tf.tensor(values, [2048, 2048]), [2047, 2047], [1, 1]).dataSync();
      });
  },
  download({ tf, random }) {
    const x = random([2048, 2048]);
    return () => {
      const y = tf.add(x, 1);
      y.dataSync();
      return y;
    };
  },
};
