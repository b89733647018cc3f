import { type TensorInfo, util } from '@tensorflow/tfjs';
import { columnSums } from './column-sums.js';
import { fusedKernel, gpuKernel, type KernelArguments, requireFloat32, sizeOf } from './kernel.js';
import { workgroupSum } from './wgsl.js';

type Otherwise = (args: KernelArguments) => TensorInfo | TensorInfo[];

const LANES = 128;
/** Elements that one workgroup adds up, where a row has more. */
const CHUNK = 8192;

/**
 * tfjs's sum or mean. Axes that lie beside one another are added by this package; others are left to
 * tfjs.
 */
const total = (kernelName: 'Sum' | 'Mean') => (otherwise: Otherwise) =>
  gpuKernel(kernelName, (args) => {
    const { backend } = args;
    const x = args.inputs.x as TensorInfo;
    const { axis, keepDims } = args.attrs as { axis: number | number[]; keepDims: boolean };
    const { shape } = x;
    const axes = util.parseAxisParam(axis, shape).sort((a, b) => a - b);
    // Axes of extent 1 stand anywhere.
    const counted = axes.filter((place) => shape[place] !== 1);
    const [first = 0] = counted;
    const last = counted[counted.length - 1] ?? first - 1;
    const beside = shape
      .slice(first, last + 1)
      .every((extent, i) => extent === 1 || counted.includes(first + i));
    if (x.dtype !== 'float32' || !beside || sizeOf(shape) === 0) return otherwise(args);
    const result = shape.flatMap((extent, place) =>
      axes.includes(place) ? (keepDims ? [1] : []) : [extent],
    );
    const outer = sizeOf(shape.slice(0, first));
    const rows = sizeOf(shape.slice(first, last + 1));
    const columns = sizeOf(shape.slice(last + 1));
    const factor = kernelName === 'Mean' ? 1 / rows : 1;
    if (columns > 1) {
      const [sum] = columnSums(backend, {
        name: 'Sum',
        outer,
        rows,
        columns,
        inputs: { x },
        values: { x: 'x[at]' },
        factor,
        shape: result,
      });
      return sum as TensorInfo;
    }
    const blocks = Math.min(256, Math.ceil(rows / CHUNK));
    if (blocks === 1) return rowSums(args, x, outer, rows, factor, result);
    // The last block of a row may be shorter: rows that do not divide evenly are one block.
    if (rows % blocks !== 0) return rowSums(args, x, outer, rows, factor, result);
    const parts = rowSums(args, x, outer * blocks, rows / blocks, 1, [outer, blocks]);
    const sum = rowSums(args, parts, outer, blocks, factor, result);
    backend.disposeData(parts.dataId);
    return sum;
  });

function rowSums(
  { backend }: KernelArguments,
  x: TensorInfo,
  rows: number,
  width: number,
  factor: number,
  shape: number[],
): TensorInfo {
  const y = backend.allocate(shape);
  backend.dispatch({
    name: 'row sums',
    bindings: [
      { name: 'x', tensor: x, access: 'in' },
      { name: 'y', tensor: y, access: 'out' },
    ],
    words: { rows, width },
    floats: { factor },
    lanes: LANES,
    declarations: () => workgroupSum(LANES),
    body: () => `
      if (index >= p.rows) { return; }
      var sum = 0.0;
      for (var i = lane; i < p.width; i += ${LANES}u) { sum += x[index * p.width + i]; }
      sum = total(lane, sum);
      if (lane == 0u) { y[index] = sum * p.factor; }`,
    workgroups: rows,
  });
  return y;
}

/** tfjs's sum. */
export const sum = total('Sum');

/** tfjs's mean. */
export const mean = total('Mean');

type SumGradArguments = KernelArguments<
  { readonly dy: TensorInfo },
  { readonly shape: number[]; readonly divisor: number }
>;

/** Gradient of Sum and Mean: dy, of x's rank with extents of 1, spread to x's shape and divided. */
export const sumGrad = fusedKernel('SumGrad', ({ inputs: { dy }, backend, attrs }: SumGradArguments) => {
  const { shape, divisor } = attrs;
  requireFloat32('SumGrad', { dy });
  if (dy.shape.length !== shape.length || shape.length > 6)
    throw new Error(`SumGrad: expected dy of the rank of [${shape}], 6 at most, got [${dy.shape}].`);
  const dx = backend.allocate(shape);
  const size = sizeOf(shape);
  if (size === 0) return dx;
  const words: Record<string, number> = { size };
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    words[`extent${axis}`] = shape[axis] as number;
    words[`step${axis}`] = dy.shape[axis] === 1 ? 0 : step;
    step *= dy.shape[axis] as number;
  }
  const axes = shape.map((_, axis) => axis).reverse();
  backend.dispatch({
    name: `SumGrad ${shape.length}`,
    bindings: [
      { name: 'dy', tensor: dy, access: 'in' },
      { name: 'dx', tensor: dx, access: 'out' },
    ],
    words,
    floats: { factor: 1 / divisor },
    body: () => `
      let i = index * 256u + lane;
      if (i >= p.size) { return; }
      var rest = i;
      var at = 0u;
      ${axes.map((axis) => `at += (rest % p.extent${axis}) * p.step${axis}; rest /= p.extent${axis};`).join('\n      ')}
      dx[i] = dy[at] * p.factor;`,
    workgroups: Math.ceil(size / 256),
  });
  return dx;
});
