import * as tf from '@tensorflow/tfjs';
import { isNativeDtype, stepsOf, stridedCopy } from '../strided-copy.js';
import { type KernelArguments, type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';

/** x mirrored along some of its axes. x has elements. */
function mirrored({ backend }: KernelArguments, x: tf.TensorInfo, axes: readonly number[]): tf.TensorInfo {
  const { dtype } = x;
  if (!isNativeDtype(dtype)) throw new Error(`mirrored: expected numbers or bool, got ${dtype}`);
  const steps = stepsOf(x.shape);
  let offset = 0;
  const xSteps = steps.map((step, axis) => {
    if (!axes.includes(axis)) return step;
    offset += ((x.shape[axis] as number) - 1) * step;
    return -step;
  });
  const y = backend.allocate(x.shape, dtype);
  stridedCopy(y.values, 0, steps, backend.values(x), offset, xSteps, x.shape);
  return y.info;
}

/** x mirrored along `dims`. */
const reverse = nativeKernel(tf.Reverse, (args) => {
  const { x } = args.inputs as { x: tf.TensorInfo };
  if (!isNativeDtype(x.dtype) || x.shape.length === 0 || sizeOf(x.shape) === 0)
    return runOnCpu(tf.Reverse, args);
  return mirrored(args, x, tf.util.parseAxisParam(args.attrs.dims as number | number[], x.shape));
});

/** Images [batch, rows, columns, channels] with left and right exchanged. */
const flipLeftRight = nativeKernel(tf.FlipLeftRight, (args) => {
  const { image } = args.inputs as { image: tf.TensorInfo };
  if (!isNativeDtype(image.dtype) || sizeOf(image.shape) === 0) return runOnCpu(tf.FlipLeftRight, args);
  return mirrored(args, image, [2]);
});

/** A run of places along an axis of y, and where in x it begins: x goes on by `step`. */
interface Run {
  readonly to: number;
  readonly extent: number;
  readonly from: number;
  readonly step: 1 | -1;
}

/** What an axis of `extent` places is made of, mirrored at both ends. */
function runsOf(extent: number, [before, after]: readonly [number, number], edge: 0 | 1): Run[] {
  const runs: Run[] = [
    { to: 0, extent: before, from: before - edge, step: -1 },
    { to: before, extent, from: 0, step: 1 },
    { to: before + extent, extent: after, from: extent - 2 + edge, step: -1 },
  ];
  return runs.filter((run) => run.extent > 0);
}

/** Every choice of one run an axis. */
function choices(axes: readonly Run[][]): Run[][] {
  return axes.reduce<Run[][]>(
    (all, runs) => all.flatMap((chosen) => runs.map((run) => [...chosen, run])),
    [[]],
  );
}

/** x continued beyond its ends by its own mirror image, without the last place ("reflect") or with it. */
const mirrorPad = nativeKernel(tf.MirrorPad, (args) => {
  const { backend } = args;
  const { x } = args.inputs as { x: tf.TensorInfo };
  const { paddings, mode } = args.attrs as { paddings: [number, number][]; mode: 'reflect' | 'symmetric' };
  if (!isNativeDtype(x.dtype) || sizeOf(x.shape) === 0) return runOnCpu(tf.MirrorPad, args);
  const padded = (axis: number) => paddings[axis] as [number, number];
  const shape = x.shape.map((extent, axis) => padded(axis)[0] + extent + padded(axis)[1]);
  const y = backend.allocate(shape, x.dtype);
  const values = backend.values(x);
  const [ySteps, xSteps] = [stepsOf(shape), stepsOf(x.shape)];
  const edge = mode === 'reflect' ? 0 : 1;
  for (const runs of choices(x.shape.map((extent, axis) => runsOf(extent, padded(axis), edge)))) {
    const at = (steps: readonly number[], place: 'to' | 'from') =>
      runs.reduce((sum, run, axis) => sum + run[place] * (steps[axis] as number), 0);
    const turned = runs.map((run, axis) => run.step * (xSteps[axis] as number));
    const extents = runs.map((run) => run.extent);
    stridedCopy(y.values, at(ySteps, 'to'), ySteps, values, at(xSteps, 'from'), turned, extents);
  }
  return y.info;
});

/** Kernels that mirror. */
export const mirrorKernels: readonly NativeKernel[] = [reverse, flipLeftRight, mirrorPad];
