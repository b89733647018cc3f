// By @easel/core's optimizers.
const update =
  (make) =>
  (given, { shapes }) => {
    const optimizer = make(given.core);
    const variables = new Map(shapes.map((shape, i) => [`p${i}`, given.tf.variable(given.random(shape))]));
    const gradients = new Map(shapes.map((shape, i) => [`p${i}`, given.random(shape, 1e-3)]));
    return () => optimizer.apply(variables, gradients);
  };

export const kinds = {
  adamw: update(
    ({ AdamW, constantSchedule }) =>
      new AdamW({ schedule: constantSchedule({ learningRate: 1e-3 }), weightDecay: 0.01 }),
  ),
  adafactor: update(
    ({ Adafactor, constantSchedule }) =>
      new Adafactor({ schedule: constantSchedule({ learningRate: 1e-3 }) }),
  ),
};
