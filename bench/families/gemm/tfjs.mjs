export const kinds = {
  matmul({ tf, random }, { m, k, n, transpose, batch }) {
    const [ta, tb] = [...transpose].map((letter) => letter === 't');
    const lead = batch > 1 ? [batch] : [];
    const a = random([...lead, ...(ta ? [k, m] : [m, k])]);
    const b = random([...lead, ...(tb ? [n, k] : [k, n])]);
    return () => tf.matMul(a, b, ta, tb);
  },
};
