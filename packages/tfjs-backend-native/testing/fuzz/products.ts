import { type Family, offKinks, oneKernel, seedOf } from './pointwise.js';

/** Products of matrices in batches, fused ones, sums by Einstein's rule. */
export const products: Family = (chance) => {
  const [m, k, n] = [0, 0, 0].map(() => chance.pick([1, 2, 3, 5, 7, 17, 33])) as [number, number, number];
  const transposeA = chance.yes();
  const transposeB = chance.yes();
  const batch = chance.shape(chance.int(0, 2)).map((extent) => Math.min(extent, 5));
  const a = transposeA ? [k, m] : [m, k];
  const b = transposeB ? [n, k] : [k, n];
  const kind = chance.int(0, 4);
  if (kind <= 1) {
    const spread = (shape: number[]) => shape.map((extent) => (chance.yes(0.2) ? 1 : extent));
    const isSpread = chance.yes(0.3);
    const left = [...(isSpread ? spread(batch) : batch), ...a];
    const right = [...(isSpread ? spread(batch) : batch), ...b];
    // tfjs's gradient does not sum over spread batches.
    const hasGradient = !isSpread;
    const inputs = { a: chance.floats(left, 'unit'), b: chance.floats(right, 'unit') };
    return oneKernel(
      'BatchMatMul',
      inputs,
      { transposeA, transposeB },
      hasGradient ? { seed: seedOf(chance), by: [0, 1], linear: [0, 1] } : {},
    );
  }
  if (kind === 2 || kind === 3) {
    const activation = chance.pick(['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu']);
    const groups = chance.int(1, 3);
    const inputs = {
      a: chance.floats([groups, ...a], 'unit'),
      b: chance.floats([groups, ...b], 'unit'),
      bias: offKinks(chance.floats([n])),
      ...(activation === 'prelu' ? { preluActivationWeights: chance.floats([n], 'unit') } : {}),
    };
    const attrs = { transposeA, transposeB, activation, leakyreluAlpha: 0.25 };
    if (kind === 2) return oneKernel('_FusedMatMul', inputs, attrs);
    const by = Object.keys(inputs).map((_, i) => i);
    return oneKernel('fused:matMul', inputs, attrs, { seed: seedOf(chance), by });
  }
  const [i, j, l] = [chance.int(1, 5), chance.int(1, 6), chance.int(1, 4)];
  const [equation, left, right] = chance.pick([
    ['ij,jk->ik', [i, j], [j, l]],
    ['ij,kj->ki', [i, j], [l, j]],
    ['bij,bjk->bik', [l, i, j], [l, j, i]],
    ['ij,ij->', [i, j], [i, j]],
    ['ij,ij->j', [i, j], [i, j]],
    ['i,j->ij', [i], [j]],
    ['abc,cd->abd', [i, j, l], [l, i]],
    ['ab,cd->ac', [i, j], [l, i]],
    ['abc,bd->da', [i, j, l], [j, l]],
    ['bhid,bhjd->bhij', [2, l, i, j], [2, l, 3, j]],
  ] as [string, number[], number[]][]);
  return oneKernel(
    'Einsum',
    [chance.floats(left, 'unit'), chance.floats(right, 'unit')],
    { equation },
    { seed: seedOf(chance), by: [0, 1], linear: [0, 1] },
  );
};
