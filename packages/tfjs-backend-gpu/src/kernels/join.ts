import { backend_util, type TensorInfo } from '@tensorflow/tfjs';
import type { GpuBackend } from '../backend.js';
import { gpuKernel, type KernelArguments, sizeOf } from './kernel.js';

type Otherwise = (args: KernelArguments) => TensorInfo | TensorInfo[];

/** Inputs of one dispatch: one binding is the output. */
const inputsAtATime = (backend: GpuBackend) =>
  Math.min(16, backend.device.limits.maxStorageBuffersPerShaderStage) - 1;

const cut = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));

/**
 * Writes tensors [outer, width] beside one another into a tensor [outer, Σ width]. Every element is
 * a word, so that bits are kept.
 */
function joinColumns(
  backend: GpuBackend,
  inputs: readonly TensorInfo[],
  widths: readonly number[],
  outer: number,
  shape: number[],
): TensorInfo {
  const result = backend.allocate(shape, (inputs[0] as TensorInfo).dtype);
  const total = widths.reduce((sum, width) => sum + width, 0);
  let done = 0;
  const parts = inputs
    .map((tensor, i) => ({ tensor, width: widths[i] as number }))
    .filter(({ width }) => width > 0);
  for (const some of cut(parts, inputsAtATime(backend))) {
    const ends: Record<string, number> = {};
    let end = 0;
    for (const [i, { width }] of some.entries()) {
      end += width;
      ends[`end${i}`] = end;
    }
    if (outer * end > 0)
      backend.dispatch({
        name: `join ${some.length}`,
        bindings: [
          ...some.map(({ tensor }, i) => ({ name: `x${i}`, tensor, access: 'in', type: 'u32' }) as const),
          { name: 'y', tensor: result, access: 'inout', type: 'u32' },
        ],
        words: { size: outer * end, width: end, total, first: done, ...ends },
        body: () => `
          let i = index * 256u + lane;
          if (i >= p.size) { return; }
          let row = i / p.width;
          let column = i % p.width;
          var value = 0u;
          ${some
            .map((_, i) => {
              const start = i === 0 ? '0u' : `p.end${i - 1}`;
              const read = `value = x${i}[row * (p.end${i} - ${start}) + column - ${start}];`;
              return i === some.length - 1 ? `{ ${read} }` : `if (column < p.end${i}) { ${read} } else`;
            })
            .join(' ')}
          y[row * p.total + p.first + column] = value;`,
        workgroups: Math.ceil((outer * end) / 256),
      });
    done += end;
  }
  return result;
}

const isPlain = (inputs: readonly TensorInfo[]) =>
  inputs.length > 0 &&
  inputs.every(({ dtype }) => dtype !== 'string' && dtype !== 'complex64' && dtype === inputs[0]?.dtype);

const listOf = (inputs: unknown): TensorInfo[] => Object.values(inputs as Record<string, TensorInfo>);

/** tfjs's concat of any number of tensors. */
export const concat = (otherwise: Otherwise) =>
  gpuKernel('Concat', (args) => {
    const inputs = listOf(args.inputs);
    if (!isPlain(inputs)) return otherwise(args);
    const first = inputs[0] as TensorInfo;
    const axis = ((args.attrs.axis as number) + first.shape.length) % first.shape.length;
    const shapes = inputs.map(({ shape }) => shape);
    backend_util.assertParamsConsistent(shapes, axis);
    const widths = inputs.map(({ shape }) => sizeOf(shape.slice(axis)));
    const outer = sizeOf(first.shape.slice(0, axis));
    return joinColumns(args.backend, inputs, widths, outer, backend_util.computeOutShape(shapes, axis));
  });

/** tfjs's stack of any number of tensors. */
export const pack = (otherwise: Otherwise) =>
  gpuKernel('Pack', (args) => {
    const inputs = listOf(args.inputs);
    if (!isPlain(inputs)) return otherwise(args);
    const { shape } = inputs[0] as TensorInfo;
    if (inputs.some((input) => `${input.shape}` !== `${shape}`))
      throw new Error(
        `Pack: expected tensors of one shape, got ${inputs.map((x) => `[${x.shape}]`).join(', ')}.`,
      );
    const rank = shape.length + 1;
    const axis = ((args.attrs.axis as number) + rank) % rank;
    const widths = inputs.map(() => sizeOf(shape.slice(axis)));
    const result = [...shape.slice(0, axis), inputs.length, ...shape.slice(axis)];
    return joinColumns(args.backend, inputs, widths, sizeOf(shape.slice(0, axis)), result);
  });

/** tfjs's sum of any number of tensors of one shape, from the first to the last. */
export const addN = (otherwise: Otherwise) =>
  gpuKernel('AddN', (args) => {
    const { backend } = args;
    const inputs = listOf(args.inputs);
    const { shape, dtype } = inputs[0] as TensorInfo;
    const fits = inputs.every((input) => input.dtype === 'float32' && `${input.shape}` === `${shape}`);
    if (!fits) return otherwise(args);
    const size = sizeOf(shape);
    const result = backend.allocate(shape, dtype);
    if (size === 0) return result;
    for (const [turn, some] of cut(inputs, inputsAtATime(backend)).entries())
      backend.dispatch({
        name: `AddN ${some.length} ${turn > 0}`,
        bindings: [
          ...some.map((tensor, i) => ({ name: `x${i}`, tensor, access: 'in' }) as const),
          { name: 'y', tensor: result, access: 'inout' },
        ],
        words: { size },
        body: () => `
          let i = index * 256u + lane;
          if (i >= p.size) { return; }
          y[i] = ${turn > 0 ? 'y[i] + ' : ''}${some.map((_, i) => `x${i}[i]`).join(' + ')};`,
        workgroups: Math.ceil(size / 256),
      });
    return result;
  });
