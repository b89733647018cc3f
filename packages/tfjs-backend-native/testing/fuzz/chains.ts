import { type Family, seedOf } from './pointwise.js';
import type { FuzzStep, FuzzTensor } from './program.js';

/**
 * Two to five kernels, each on what the one before gave: views of views, steps on slices,
 * reductions of what was spread, and their gradients back through all of it.
 */
export const chains: Family = (chance) => {
  let shape = chance.shape(chance.int(1, 4)).map((extent) => Math.max(1, extent));
  const leaves: FuzzTensor[] = [chance.floats(shape, 'unit')];
  const kinds: ((at: number) => FuzzStep | undefined)[] = [
    (at) => ({
      kernel: chance.pick(['Sigmoid', 'Tanh', 'Neg', 'Square', 'Exp', 'Sin']),
      inputs: { x: at },
      attrs: {},
    }),
    (at) => {
      const perm = chance.order(shape.length);
      shape = perm.map((axis) => shape[axis] as number);
      return { kernel: 'Transpose', inputs: { x: at }, attrs: { perm } };
    },
    (at) => {
      const begin = shape.map((extent) => chance.int(0, extent - 1));
      const size = shape.map((extent, i) => chance.int(1, extent - (begin[i] as number)));
      shape = size;
      return { kernel: 'Slice', inputs: { x: at }, attrs: { begin, size } };
    },
    (at) => {
      const strides = shape.map(() => chance.pick([1, 2, -1, -2]));
      const begin = shape.map((extent, i) =>
        (strides[i] as number) > 0 ? chance.int(0, extent - 1) : extent - 1,
      );
      const all = (1 << shape.length) - 1;
      shape = shape.map((extent, i) => {
        const stride = strides[i] as number;
        return stride > 0 ? Math.ceil((extent - (begin[i] as number)) / stride) : Math.ceil(extent / -stride);
      });
      return {
        kernel: 'StridedSlice',
        inputs: { x: at },
        attrs: {
          begin,
          end: shape.map(() => 0),
          strides,
          beginMask: 0,
          endMask: all,
          ellipsisMask: 0,
          newAxisMask: 0,
          shrinkAxisMask: 0,
        },
      };
    },
    (at) => ({ kernel: 'Reverse', inputs: { x: at }, attrs: { dims: chance.some(shape.length) } }),
    (at) => {
      if (shape.reduce((a, b) => a * b, 1) > 200) return undefined;
      const reps = shape.map(() => chance.int(1, 2));
      shape = shape.map((extent, i) => extent * (reps[i] as number));
      return { kernel: 'Tile', inputs: { x: at }, attrs: { reps } };
    },
    (at) => {
      const paddings = shape.map(() => [chance.int(0, 2), chance.int(0, 2)]);
      shape = shape.map((extent, i) => extent + (paddings[i] as number[]).reduce((a, b) => a + b, 0));
      return { kernel: 'PadV2', inputs: { x: at }, attrs: { paddings, constantValue: 0 } };
    },
    (at) => {
      if (shape.length < 2) return undefined;
      const axis = chance.int(0, shape.length - 1);
      const keepDims = chance.yes();
      shape = keepDims
        ? shape.map((extent, i) => (i === axis ? 1 : extent))
        : shape.filter((_, i) => i !== axis);
      return { kernel: chance.pick(['Sum', 'Mean']), inputs: { x: at }, attrs: { axis: [axis], keepDims } };
    },
    (at) => ({
      kernel: chance.pick(['Add', 'Sub', 'Multiply']),
      inputs: chance.yes() ? { a: at, b: -1 } : { a: -1, b: at },
      attrs: {},
    }),
    (at) => {
      const axis = chance.int(0, shape.length - 1);
      shape = shape.map((extent, i) => (i === axis ? 2 * extent : extent));
      return { kernel: 'Concat', inputs: [at, at], attrs: { axis } };
    },
    (at) => ({ kernel: 'Softmax', inputs: { logits: at }, attrs: { dim: shape.length - 1 } }),
    (at) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const divisors = Array.from({ length: size }, (_, i) => i + 1).filter((d) => size % d === 0);
      const first = chance.pick(divisors);
      shape = [first, size / first];
      return { kernel: 'Reshape', inputs: { x: at }, attrs: { shape: [...shape] } };
    },
  ];
  const drawn: FuzzStep[] = [];
  // Places of steps are counted from 1000 until the number of leaves is known; -1 is a new leaf.
  const FIRST_STEP = 1000;
  for (let i = chance.int(2, 5); i > 0; i--) {
    const step = chance.pick(kinds)(drawn.length === 0 ? 0 : FIRST_STEP + drawn.length - 1);
    if (step === undefined) continue;
    drawn.push(step);
    if (!Array.isArray(step.inputs) && Object.values(step.inputs).includes(-1)) {
      const place =
        leaves.push(
          chance.floats(
            shape.map((extent) => (chance.yes(0.3) ? 1 : extent)),
            'unit',
          ),
        ) - 1;
      const inputs = Object.entries(step.inputs).map(([name, at]) => [name, at === -1 ? place : at]);
      drawn[drawn.length - 1] = { ...step, inputs: Object.fromEntries(inputs) };
    }
  }
  if (drawn.length === 0) drawn.push({ kernel: 'Neg', inputs: { x: 0 }, attrs: {} });
  const resolve = (at: number) => (at >= FIRST_STEP ? at - FIRST_STEP + leaves.length : at);
  const steps = drawn.map(({ kernel, inputs, attrs }) => ({
    kernel,
    attrs,
    inputs: Array.isArray(inputs)
      ? (inputs as number[]).map(resolve)
      : Object.fromEntries(Object.entries(inputs).map(([name, at]) => [name, resolve(at as number)])),
  }));
  return { leaves, steps, dySeed: seedOf(chance), by: leaves.map((_, i) => i) };
};
