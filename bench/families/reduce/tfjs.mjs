const reduction =
  (f) =>
  ({ tf, random }, { rows, width }) => {
    const x = random([rows, width]);
    return () => f(tf, x);
  };

export const kinds = {
  sum_all: reduction((tf, x) => tf.sum(x)),
  sum_columns: reduction((tf, x) => tf.sum(x, 0)),
  sum_rows: reduction((tf, x) => tf.sum(x, 1)),
  mean_rows: reduction((tf, x) => tf.mean(x, 1)),
  max_rows: reduction((tf, x) => tf.max(x, 1)),
  argmax: reduction((tf, x) => tf.argMax(x, -1)),
  topk: reduction((tf, x) => tf.topk(x, 50)),
};
