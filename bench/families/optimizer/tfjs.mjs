// tfjs's own Adam. tfjs has neither AdamW nor Adafactor.
export const kinds = {
  adamw({ tf, random }, { shapes }) {
    const optimizer = tf.train.adam(1e-3);
    const names = shapes.map((shape, i) => tf.variable(random(shape), true, `parameter${i}`).name);
    const gradients = Object.fromEntries(shapes.map((shape, i) => [names[i], random(shape, 1e-3)]));
    return () => tf.tidy(() => optimizer.applyGradients(gradients));
  },
};
