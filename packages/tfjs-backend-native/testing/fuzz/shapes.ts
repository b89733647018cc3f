import type { Chance } from './chance.js';
import { type Family, oneKernel, seedOf } from './pointwise.js';
import type { FuzzTensor } from './program.js';

/** A gradient wherever the tensor is of floats; a kernel that only moves is linear. */
const moved = (x: FuzzTensor, chance: Chance) =>
  x.dtype === 'float32' ? { seed: seedOf(chance), linear: [0] } : {};

/** Kernels that move, cut, repeat and put together. */
export const movement: Family = (chance) => {
  const rank = chance.int(1, 5);
  const shape = chance.shape(rank);
  const x = chance.any(shape);
  const axis = chance.int(0, rank - 1);
  switch (chance.int(0, 9)) {
    case 0:
      return oneKernel('Transpose', { x }, { perm: chance.order(rank) }, moved(x, chance));
    case 1: {
      const begin = shape.map((extent) => chance.int(0, extent));
      const size = shape.map((extent, i) => chance.int(0, extent - (begin[i] as number)));
      return oneKernel('Slice', { x }, { begin, size }, moved(x, chance));
    }
    case 2:
      return oneKernel('Reverse', { x }, { dims: chance.some(rank) }, moved(x, chance));
    case 3: {
      const paddings = shape.map(() => (chance.yes(0.4) ? [0, 0] : [chance.int(0, 3), chance.int(0, 3)]));
      const constantValue = x.dtype === 'bool' ? 0 : chance.pick([0, 0, 2, -1]);
      return oneKernel(
        'PadV2',
        { x },
        { paddings, constantValue },
        constantValue === 0 ? moved(x, chance) : {},
      );
    }
    case 4:
      return oneKernel(
        'Tile',
        { x },
        { reps: shape.map(() => chance.pick([1, 1, 2, 3, 0])) },
        moved(x, chance),
      );
    case 5: {
      const parts = Array.from({ length: chance.int(1, 4) }, () => {
        const part = shape.map((extent, i) => (i === axis ? chance.int(0, 4) : extent));
        return x.dtype === 'float32'
          ? chance.floats(part)
          : x.dtype === 'int32'
            ? chance.ints(part)
            : chance.bools(part);
      });
      const gradients = x.dtype === 'float32' ? { seed: seedOf(chance), by: parts.map((_, i) => i) } : {};
      return oneKernel('Concat', parts, { axis }, gradients);
    }
    case 6: {
      const draw = () =>
        x.dtype === 'float32'
          ? chance.floats(shape)
          : x.dtype === 'int32'
            ? chance.ints(shape)
            : chance.bools(shape);
      const parts = Array.from({ length: chance.int(1, 4) }, draw);
      const gradients = x.dtype === 'float32' ? { seed: seedOf(chance), by: parts.map((_, i) => i) } : {};
      return oneKernel('Pack', parts, { axis: chance.int(0, rank) }, gradients);
    }
    case 7: {
      const isEmpty = (shape[axis] as number) === 0;
      if (isEmpty) return oneKernel('SplitV', { x }, { numOrSizeSplits: [0, 0], axis });
      return oneKernel('Unpack', { value: x }, { axis }, moved(x, chance));
    }
    case 8: {
      const sizes: number[] = [];
      for (let left = shape[axis] as number; left > 0; ) {
        const size = chance.int(0, left);
        sizes.push(size);
        left -= size;
      }
      if (sizes.length === 0) sizes.push(0);
      return oneKernel('SplitV', { x }, { numOrSizeSplits: sizes, axis }, moved(x, chance));
    }
    default: {
      const mode = chance.pick(['reflect', 'symmetric']);
      const most = (extent: number) => Math.min(3, Math.max(0, mode === 'reflect' ? extent - 1 : extent));
      const filled = shape.map((extent) => Math.max(1, extent));
      const paddings = filled.map((extent) => [chance.int(0, most(extent)), chance.int(0, most(extent))]);
      const values = chance.floats(filled);
      return oneKernel('MirrorPad', { x: values }, { paddings, mode });
    }
  }
};

/** Slices with strides and every mask. */
export const stridedSlice: Family = (chance) => {
  const rank = chance.int(1, 4);
  const shape = chance.shape(rank).map((extent) => Math.max(1, extent));
  const begin: number[] = [];
  const end: number[] = [];
  const strides: number[] = [];
  const masks = { beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 };
  const specified = chance.int(1, rank);
  const ellipsisAt = specified < rank || chance.yes(0.2) ? chance.int(0, specified) : -1;
  let axis = 0;
  let bit = 0;
  const add = (first: number, last: number, stride: number) => {
    begin.push(first);
    end.push(last);
    strides.push(stride);
    bit += 1;
  };
  for (let i = 0; i < specified; i++) {
    if (i === ellipsisAt && chance.yes(0.7)) {
      masks.ellipsisMask |= 1 << bit;
      add(0, 0, 1);
      axis = rank - (specified - i);
    }
    if (chance.yes(0.15)) {
      masks.newAxisMask |= 1 << bit;
      add(0, 1, 1);
    }
    const extent = shape[axis] as number;
    axis += 1;
    if (chance.yes(0.25)) {
      masks.shrinkAxisMask |= 1 << bit;
      const at = chance.int(-extent, extent - 1);
      add(at, at + 1, 1);
      continue;
    }
    if (chance.yes(0.25)) masks.beginMask |= 1 << bit;
    if (chance.yes(0.25)) masks.endMask |= 1 << bit;
    add(
      chance.int(-extent - 2, extent + 2),
      chance.int(-extent - 2, extent + 2),
      chance.pick([1, 1, 2, 3, -1, -2, -3]),
    );
  }
  const x = chance.any(shape);
  return oneKernel('StridedSlice', { x }, { begin, end, strides, ...masks }, moved(x, chance));
};

/** Blocks of a picture's pixels to its batch or channels, and back. */
export const blocks: Family = (chance) => {
  const block = [chance.int(1, 3), chance.int(1, 3)];
  const [b0, b1] = block as [number, number];
  const channels = chance.int(1, 5);
  const kind = chance.int(0, 2);
  if (kind === 0) {
    const shape = [chance.int(1, 3), chance.int(1, 4), chance.int(1, 4), channels];
    const pad = (extent: number, size: number) => {
      const before = chance.int(0, 2);
      const rest = (size - ((extent + before) % size)) % size;
      return [before, rest + size * chance.int(0, 1)];
    };
    const paddings = [pad(shape[1] as number, b0), pad(shape[2] as number, b1)];
    const x = chance.floats(shape);
    return oneKernel(
      'SpaceToBatchND',
      { x },
      { blockShape: block, paddings },
      { seed: seedOf(chance), linear: [0] },
    );
  }
  if (kind === 1) {
    const shape = [b0 * b1 * chance.int(1, 2), chance.int(1, 4), chance.int(1, 4), channels];
    const crop = (extent: number) => {
      const before = chance.int(0, Math.min(2, extent - 1));
      return [before, chance.int(0, Math.min(2, extent - 1 - before))];
    };
    const crops = [crop((shape[1] as number) * b0), crop((shape[2] as number) * b1)];
    const x = chance.floats(shape);
    return oneKernel(
      'BatchToSpaceND',
      { x },
      { blockShape: block, crops },
      { seed: seedOf(chance), linear: [0] },
    );
  }
  const blockSize = chance.int(2, 3);
  const shape = [
    chance.int(1, 3),
    chance.int(1, 4),
    chance.int(1, 4),
    blockSize * blockSize * chance.int(1, 3),
  ];
  return oneKernel('DepthToSpace', { x: chance.floats(shape) }, { blockSize, dataFormat: 'NHWC' });
};

/** Tensors of given contents. */
export const made: Family = (chance) => {
  switch (chance.int(0, 5)) {
    case 0: {
      const dtype = chance.pick(['float32', 'int32', 'bool']);
      return oneKernel(
        'Fill',
        {},
        { shape: chance.shape(chance.int(0, 4)), value: dtype === 'float32' ? 2.5 : 1, dtype },
      );
    }
    case 1: {
      const step = chance.pick([1, 2, -1, -3]);
      const start = chance.int(-5, 5);
      return oneKernel(
        'Range',
        {},
        {
          start,
          stop: start + step * chance.int(0, 4) + Math.sign(step) * chance.int(0, 1),
          step,
          dtype: chance.pick(['float32', 'int32']),
        },
      );
    }
    case 2:
      return oneKernel(
        'LinSpace',
        {},
        { start: chance.int(-4, 4), stop: chance.int(-4, 4), num: chance.int(1, 9) },
      );
    case 3: {
      const [s0, s1] = [chance.shape(chance.int(0, 3)), chance.shape(chance.int(0, 3))].map((extents) => ({
        shape: [extents.length],
        dtype: 'int32' as const,
        values: extents.map((extent) => (chance.yes(0.6) ? 1 : extent)),
      })) as unknown as [FuzzTensor, FuzzTensor];
      return oneKernel('BroadcastArgs', { s0, s1 }, {});
    }
    case 4: {
      const normalized = chance.yes();
      const classes = chance.int(2, 6);
      const logits = chance.floats([chance.int(1, 3), classes], normalized ? 'positive' : 'unit');
      const rows = (logits.values as number[]).map((value, i) => {
        const first = i - (i % classes);
        const total = (logits.values as number[]).slice(first, first + classes).reduce((a, b) => a + b, 0);
        return Math.fround(value / total);
      });
      const numSamples = 4000;
      const program = oneKernel(
        'shares:Multinomial',
        { logits: normalized ? { ...logits, values: rows } : logits },
        { numSamples, seed: seedOf(chance), normalized },
      );
      // Five standard deviations of a share of so many draws.
      return { ...program, absolute: 2.5 / Math.sqrt(numSamples) };
    }
    default:
      return oneKernel('Diag', { x: chance.floats(chance.shape(chance.int(1, 2))) }, {});
  }
};
