import type { Chance } from './chance.js';
import { type Family, oneKernel, seedOf } from './pointwise.js';

/** Gathers and scatters by indices; now and then an index is outside its axis. */
export const gathered: Family = (chance) => {
  const rank = chance.int(1, 4);
  const shape = chance.shape(rank).map((extent) => Math.max(1, extent));
  const x = chance.yes(0.7) ? chance.floats(shape) : chance.any(shape);
  const isFloat = x.dtype === 'float32';
  const outside = chance.yes(0.06) ? 1 : 0;
  const kernel = chance.pick([
    'GatherV2',
    'GatherV2',
    'GatherNd',
    'ScatterNd',
    'TensorScatterUpdate',
    'SparseToDense',
  ]);
  if (kernel === 'GatherV2') {
    const axis = chance.int(0, rank - 1);
    const batchDims = chance.yes(0.3) ? chance.int(0, axis) : 0;
    const more = chance.shape(chance.int(batchDims === 0 ? 0 : 1, 2));
    const indicesShape = batchDims === 0 ? more : [...shape.slice(0, batchDims), ...more];
    const indices = chance.ints(indicesShape, -outside, (shape[axis] as number) - 1 + outside);
    // tfjs's gradient of a gather knows no batches.
    const hasGradient = isFloat && batchDims === 0 && outside === 0;
    return oneKernel(
      kernel,
      { x, indices },
      { axis, batchDims },
      hasGradient ? { seed: seedOf(chance), linear: [0] } : {},
    );
  }
  const depth = chance.int(1, rank);
  const count = chance.int(1, 5);
  const rows = Array.from({ length: count }, () =>
    Array.from({ length: depth }, (_, i) => chance.int(-outside, (shape[i] as number) - 1 + outside)),
  );
  const indices = { shape: [count, depth], dtype: 'int32' as const, values: rows.flat() };
  const updates = chance.floats([count, ...shape.slice(depth)]);
  if (kernel === 'GatherNd') return oneKernel(kernel, { params: x, indices }, {});
  if (kernel === 'ScatterNd') return oneKernel(kernel, { indices, updates }, { shape });
  // Of two updates of one place either may win.
  const keys = new Set(rows.map((row) => `${row}`));
  if (keys.size < count) return oneKernel('ScatterNd', { indices, updates }, { shape });
  if (kernel === 'TensorScatterUpdate')
    return oneKernel(kernel, { tensor: chance.floats(shape), indices, updates }, {});
  const places = {
    shape: [count, rank],
    dtype: 'int32' as const,
    values: rows.flatMap((row) => [...row, ...shape.slice(depth).map(() => 0)]),
  };
  const sparse = {
    sparseIndices: places,
    sparseValues: chance.floats([count]),
    defaultValue: chance.floats([]),
  };
  return oneKernel(kernel, sparse, { outputShape: shape });
};

/** Sums by segments, counts, one-hot rows, sorted searches, ragged and sparse tensors. */
export const segments: Family = (chance) => {
  switch (chance.int(0, 12)) {
    case 0: {
      const shape = chance.shape(chance.int(1, 3));
      const numSegments = chance.int(0, 5);
      const x = chance.yes(0.7) ? chance.floats(shape) : chance.ints(shape);
      const segmentIds = chance.ints(
        [shape[0] as number],
        chance.yes(0.2) ? -1 : 0,
        numSegments - 1 + (chance.yes(0.1) ? 1 : 0),
      );
      const isFloat = x.dtype === 'float32' && numSegments > 0 && !shape.includes(0);
      return oneKernel(
        'UnsortedSegmentSum',
        { x, segmentIds },
        { numSegments },
        isFloat ? { seed: seedOf(chance), linear: [0] } : {},
      );
    }
    case 1:
    case 2: {
      const shape = [chance.int(1, 5), ...chance.shape(chance.int(1, 2))];
      const count = chance.int(0, 6);
      const outside = chance.yes(0.1) ? 1 : 0;
      const indices = chance.ints([count], -outside, (shape[0] as number) - 1 + outside);
      let id = chance.int(0, 1);
      const ids = Array.from({ length: count }, () => (id += chance.pick([0, 0, 1, 2])));
      if (chance.yes(0.1)) ids.reverse();
      const segmentIds = { shape: [count], dtype: 'int32' as const, values: ids };
      const data = chance.floats(shape);
      return oneKernel(
        chance.pick(['SparseSegmentSum', 'SparseSegmentMean']),
        { data, indices, segmentIds },
        {},
      );
    }
    case 3: {
      const size = chance.int(0, 6);
      const count = chance.int(0, 9);
      const x = chance.ints([count], 0, size + 1);
      const weights = chance.yes() ? chance.floats([count]) : chance.floats([0]);
      return oneKernel('Bincount', { x, weights }, { size });
    }
    case 4: {
      const size = chance.int(1, 6);
      const shape = chance.yes() ? [chance.int(0, 9)] : [chance.int(1, 4), chance.int(0, 6)];
      const binaryOutput = chance.yes(0.3);
      const weights = chance.yes() && !binaryOutput ? chance.floats(shape) : chance.floats([0]);
      return oneKernel(
        'DenseBincount',
        { x: chance.ints(shape, 0, size + 1), weights },
        { size, binaryOutput },
      );
    }
    case 5: {
      const depth = chance.int(0, 20);
      const indices = chance.ints(chance.shape(chance.int(0, 3)), -1, depth);
      return oneKernel(
        'OneHot',
        { indices },
        {
          depth,
          onValue: chance.pick([1, 3]),
          offValue: chance.pick([0, -1]),
          dtype: chance.pick(['float32', 'int32']),
        },
      );
    }
    case 6: {
      const batch = chance.int(1, 3);
      const count = chance.int(1, 7);
      const sorted = chance.ints([batch, count], -4, 4);
      const rows = Array.from({ length: batch }, (_, i) =>
        sorted.values.slice(i * count, (i + 1) * count).sort((a, b) => (a as number) - (b as number)),
      );
      const sortedSequence = { ...sorted, values: rows.flat() };
      return oneKernel(
        'SearchSorted',
        { sortedSequence, values: chance.ints([batch, chance.int(1, 5)], -5, 5) },
        { side: chance.pick(['left', 'right']) },
      );
    }
    case 7: {
      const shape = [chance.int(1, 3), chance.int(1, 4), chance.int(1, 4)];
      const total = shape.reduce((a, b) => a * b, 1);
      const first = chance.pick([1, shape[0] as number, total]);
      const newShape = chance.yes() ? [first, -1] : [first, total / first];
      const count = chance.int(0, 5);
      const rows = Array.from({ length: count }, () => shape.map((extent) => chance.int(0, extent - 1)));
      const inputs = {
        inputIndices: { shape: [count, 3], dtype: 'int32' as const, values: rows.flat() },
        inputShape: { shape: [3], dtype: 'int32' as const, values: shape },
        newShape: { shape: [newShape.length], dtype: 'int32' as const, values: newShape },
      };
      return oneKernel('SparseReshape', inputs, {});
    }
    case 8: {
      const denseShape = [chance.int(1, 6), chance.int(1, 5)];
      const rows: number[][] = [];
      for (let row = 0; row < (denseShape[0] as number); row++)
        for (let i = chance.int(0, 2); i > 0; i--)
          rows.push([row, chance.int(0, (denseShape[1] as number) - 1)]);
      const inputs = {
        indices: { shape: [rows.length, 2], dtype: 'int32' as const, values: rows.flat() },
        values: chance.floats([rows.length]),
        denseShape: { shape: [2], dtype: 'int32' as const, values: denseShape },
        defaultValue: chance.floats([]),
      };
      return oneKernel('SparseFillEmptyRows', inputs, {});
    }
    case 9: {
      const count = chance.int(1, 5);
      const deltas = chance.ints([count], 1, 3);
      return oneKernel(
        'RaggedRange',
        { starts: chance.ints([count], -3, 3), limits: chance.ints([count], -3, 6), deltas },
        {},
      );
    }
    case 10:
    case 11:
      return raggedToTensor(chance);
    default: {
      const splits = [0];
      for (let i = chance.int(1, 4); i > 0; i--) splits.push((splits.at(-1) as number) + chance.int(0, 3));
      const rows = splits.length - 1;
      const inputs = {
        splits: { shape: [splits.length], dtype: 'int32' as const, values: splits },
        values: chance.floats([splits.at(-1) as number]),
        indices: chance.ints(
          chance.yes() ? [chance.int(1, 4)] : [chance.int(1, 2), chance.int(1, 3)],
          0,
          rows - 1 + (chance.yes(0.08) ? 1 : 0),
        ),
      };
      return oneKernel('ragged:Gather', inputs, {});
    }
  }
};

/** Rows of different lengths, one or two levels deep, filled up to one shape or cut to it. */
function raggedToTensor(chance: Chance): ReturnType<Family> {
  const levels = chance.int(1, 2);
  const isBySplits = chance.yes();
  const firstRows = chance.int(1, 4);
  const partitions: number[][] = isBySplits ? [] : [[firstRows]];
  const types: string[] = isBySplits ? [] : ['FIRST_DIM_SIZE'];
  let rows = firstRows;
  let longest: number[] = [firstRows];
  for (let level = 0; level < levels; level++) {
    const lengths = Array.from({ length: rows }, () => chance.int(0, 3));
    rows = lengths.reduce((a, b) => a + b, 0);
    longest = [...longest, Math.max(0, ...lengths)];
    if (isBySplits) {
      const splits = [0];
      for (const length of lengths) splits.push((splits.at(-1) as number) + length);
      partitions.push(splits);
    } else partitions.push(lengths.flatMap((length, row) => Array.from({ length }, () => row)));
    types.push(isBySplits ? 'ROW_SPLITS' : 'VALUE_ROWIDS');
  }
  const inner = chance.yes() ? [] : [chance.int(1, 3)];
  const full = [...longest, ...inner];
  const shape = full.map((extent, i) =>
    i > levels || chance.yes(0.6) ? (chance.yes() ? -1 : extent) : Math.max(0, extent + chance.int(-1, 1)),
  );
  const isFloat = chance.yes(0.7);
  const draw = (extents: number[]) => (isFloat ? chance.floats(extents) : chance.ints(extents));
  const int32 = (values: number[], extents = [values.length]) => ({
    shape: extents,
    dtype: 'int32' as const,
    values,
  });
  const inputs = {
    shape: chance.yes(0.15) ? int32([-1], []) : int32(shape),
    values: draw([rows, ...inner]),
    defaultValue: draw(chance.yes() ? [] : inner),
    ...Object.fromEntries(
      partitions.map((values, i) => [
        `partition${i}`,
        types[i] === 'FIRST_DIM_SIZE' ? int32(values, []) : int32(values),
      ]),
    ),
  };
  return oneKernel('ragged:ToTensor', inputs, { types });
}
