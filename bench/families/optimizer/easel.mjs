// @easel/core's optimizers.
const update =
  (make) =>
  (given, { shapes }) => {
    const optimizer = make(given.core);
    const variables = new Map(shapes.map((shape, i) => [`p${i}`, given.tf.variable(given.random(shape))]));
    const gradients = new Map(shapes.map((shape, i) => [`p${i}`, given.random(shape, 1e-3)]));
    return () => optimizer.apply(variables, gradients);
  };

const adamw = update(
  ({ AdamW, constantSchedule }) =>
    new AdamW({ schedule: constantSchedule({ learningRate: 1e-3 }), weightDecay: 0.01 }),
);
const adafactor = update(
  ({ Adafactor, constantSchedule }) => new Adafactor({ schedule: constantSchedule({ learningRate: 1e-3 }) }),
);

export const kinds = {
  adamw,
  adafactor,
  // A whole model. Only the memory limit is compared, since two programs with 7 GB each may not fit
  // beside each other.
  adamw_model: adamw,
  adafactor_model: adafactor,

  shampoo_statistics({ core, tf, random }, { size }) {
    const gradient = random([size, size], 1e-3);
    const sums = [0, 1].map(() => tf.variable(tf.mul(tf.eye(size), 1e-6)));
    return () => {
      for (const [axis, sum] of sums.entries())
        tf.tidy(() => sum.assign(core.plusGram(sum, gradient, axis, { old: 0.999, fresh: 1e-3 })));
    };
  },

  shampoo_root({ core, tf, random }, { size, p }) {
    const matrix = tf.tidy(() => {
      const gradient = random([size, size]);
      return tf.add(tf.mul(tf.matMul(gradient, gradient, false, true), 1e-3), tf.mul(tf.eye(size), 1e-6));
    });
    return async () => (await core.inversePthRoot(matrix, p)).root;
  },
};
