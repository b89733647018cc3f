import { type Family, oneKernel, seedOf } from './pointwise.js';

/** Sums, extremes, products, truth, over any axes. */
export const reductions: Family = (chance) => {
  const rank = chance.int(1, 5);
  const shape = chance.shape(rank);
  const axis = chance.some(rank, 0.5);
  if (axis.length === 0) axis.push(chance.int(0, rank - 1));
  const keepDims = chance.yes();
  const kernel = chance.pick(['Sum', 'Mean', 'Max', 'Min', 'Prod', 'All', 'Any', 'Sum', 'Mean']);
  const isEmpty = shape.includes(0);
  if (kernel === 'All' || kernel === 'Any')
    return oneKernel(kernel, { x: chance.bools(shape) }, { axis, keepDims });
  const attrs = kernel === 'Max' ? { reductionIndices: axis, keepDims } : { axis, keepDims };
  const floats = chance.yes(0.8) || kernel === 'Mean';
  const x = !floats
    ? chance.ints(shape, -3, 3)
    : chance.floats(shape, kernel === 'Prod' ? 'unit' : 'distinct');
  // tfjs's gradient of an extreme gives the whole of dy to each of equal elements, TensorFlow a
  // share.
  const hasGradient = floats && !isEmpty && kernel !== 'Prod';
  const isLinear = kernel === 'Sum' || kernel === 'Mean';
  return oneKernel(
    kernel,
    { x },
    attrs,
    hasGradient ? { seed: seedOf(chance), ...(isLinear ? { linear: [0] } : {}) } : {},
  );
};

/** What runs along one axis: running sums and products, the largest, softmax. */
export const alongAxis: Family = (chance) => {
  const rank = chance.int(1, 4);
  const shape = chance.shape(rank);
  const axis = chance.int(0, rank - 1);
  const kernel = chance.pick([
    'ArgMax',
    'ArgMin',
    'Cumsum',
    'Cumprod',
    'Softmax',
    'LogSoftmax',
    'TopK',
    'Unique',
  ]);
  const filled = shape.map((extent) => Math.max(1, extent));
  switch (kernel) {
    case 'ArgMax':
    case 'ArgMin':
      return oneKernel(
        kernel,
        { x: chance.yes(0.7) ? chance.floats(filled, 'distinct') : chance.ints(filled, -2, 2) },
        { axis },
      );
    case 'Cumsum':
    case 'Cumprod': {
      const attrs = { axis: rank - 1, exclusive: chance.yes(), reverse: chance.yes() };
      const x = chance.yes(0.8)
        ? chance.floats(shape, kernel === 'Cumprod' ? 'unit' : 'plain')
        : chance.ints(shape, -2, 2);
      const gradients =
        kernel === 'Cumsum' && x.dtype === 'float32' ? { seed: seedOf(chance), linear: [0] } : {};
      return oneKernel(kernel, { x }, attrs, gradients);
    }
    case 'Softmax':
      return oneKernel(kernel, { logits: chance.floats(shape) }, { dim: rank - 1 }, { seed: seedOf(chance) });
    case 'LogSoftmax':
      return oneKernel(
        kernel,
        { logits: chance.floats(shape) },
        { axis: rank - 1 },
        { seed: seedOf(chance) },
      );
    case 'TopK': {
      const x = chance.yes(0.6) ? chance.floats(filled, 'distinct') : chance.ints(filled, -3, 3);
      return oneKernel(kernel, { x }, { k: chance.int(0, filled[rank - 1] as number), sorted: true });
    }
    default:
      return oneKernel('Unique', { x: chance.ints([chance.int(1, 9)], -2, 2) }, { axis: 0 });
  }
};

/** Batch norm and local response norm. */
export const norms: Family = (chance) => {
  const shape = [chance.int(1, 3), chance.int(1, 4), chance.int(1, 4), chance.int(1, 9)];
  const x = chance.floats(shape);
  if (chance.yes(0.4)) {
    const attrs = {
      depthRadius: chance.int(0, 3),
      bias: 1,
      alpha: chance.pick([0.5, 1]),
      beta: chance.pick([0.5, 0.75]),
    };
    return oneKernel('LRN', { x }, attrs, { seed: seedOf(chance) });
  }
  const each = [shape[3] as number];
  const inputs = {
    x,
    scale: chance.floats(each),
    offset: chance.floats(each),
    mean: chance.floats(each),
    variance: chance.floats(each, 'positive'),
  };
  return oneKernel(
    'FusedBatchNorm',
    inputs,
    { varianceEpsilon: 0.0625 },
    { seed: seedOf(chance), by: [0, 1, 2, 3, 4] },
  );
};
