import type { TensorInfo } from '@tensorflow/tfjs';
import type { Binding } from '../dispatcher.js';
import { columnSums } from './column-sums.js';
import { fusedKernel, type KernelArguments, requireFloat32, requireShape, sizeOf } from './kernel.js';
import { workgroupSum } from './wgsl.js';

const LANES = 128;

/** Rows up to which the gradients of scale and bias are computed beside that of x. */
const FEW_ROWS = 128;

const input = (name: string, tensor: TensorInfo | undefined): Binding[] =>
  tensor === undefined || tensor === null ? [] : [{ name, tensor, access: 'in' }];
const output = (name: string, tensor: TensorInfo): Binding => ({ name, tensor, access: 'out' });

function rowsOf(kernelName: string, x: TensorInfo): { readonly width: number; readonly rows: number } {
  const width = x.shape[x.shape.length - 1];
  if (width === undefined) throw new Error(`${kernelName}: expected x [.., D], got a scalar.`);
  return { width, rows: sizeOf(x.shape.slice(0, -1)) };
}

type LayerNormArguments = KernelArguments<
  {
    readonly x: TensorInfo;
    readonly scale?: TensorInfo | undefined;
    readonly bias?: TensorInfo | undefined;
  },
  { readonly epsilon: number; readonly rms?: boolean }
>;

/**
 * Layer norm of each row, or with rms RMS norm: y, mean [rows] and rstd [rows] of x [.., D]. A
 * workgroup has a row. The variance is taken from differences.
 */
export const layerNorm = fusedKernel('LayerNorm', ({ inputs, backend, attrs }: LayerNormArguments) => {
  const { x, scale, bias } = inputs;
  const { epsilon, rms = false } = attrs;
  requireFloat32('LayerNorm', { x }, { scale, bias });
  const { width, rows } = rowsOf('LayerNorm', x);
  requireShape('LayerNorm', 'scale', scale, [width]);
  requireShape('LayerNorm', 'bias', bias, [width]);
  const y = backend.allocate(x.shape);
  const [mean, rstd] = [backend.allocate([rows]), backend.allocate([rows])];
  const outputs = [y, mean, rstd] as const;
  if (rows === 0) return outputs;
  const [hasScale, hasBias] = [scale != null, bias != null];
  backend.dispatch({
    name: `LayerNorm ${hasScale} ${hasBias} ${rms}`,
    bindings: [
      ...input('x', x),
      ...input('scale', scale),
      ...input('bias', bias),
      output('y', y),
      output('means', mean),
      output('rstds', rstd),
    ],
    words: { rows, width },
    floats: { epsilon },
    lanes: LANES,
    declarations: () => workgroupSum(LANES),
    body: () => `
      let row = index;
      if (row >= p.rows) { return; }
      let first = row * p.width;
      var mean = 0.0;
      ${
        rms
          ? ''
          : `for (var i = lane; i < p.width; i += ${LANES}u) { mean += x[first + i]; }
      mean = total(lane, mean) / f32(p.width);`
      }
      var squares = 0.0;
      for (var i = lane; i < p.width; i += ${LANES}u) {
        let centred = x[first + i] - mean;
        squares = fma(centred, centred, squares);
      }
      let rstd = 1.0 / sqrt(total(lane, squares) / f32(p.width) + p.epsilon);
      for (var i = lane; i < p.width; i += ${LANES}u) {
        y[first + i] = (x[first + i] - mean) * rstd ${hasScale ? '* scale[i]' : ''} ${hasBias ? '+ bias[i]' : ''};
      }
      if (lane == 0u) { means[row] = mean; rstds[row] = rstd; }`,
    workgroups: rows,
  });
  return outputs;
});

type LayerNormGradArguments = KernelArguments<
  Readonly<Record<'dy' | 'x' | 'mean' | 'rstd', TensorInfo>> & { readonly scale?: TensorInfo | undefined },
  { readonly rms?: boolean; readonly hasBias: boolean }
>;

/** Gradients of LayerNorm: dx, dscale ([0] without scale) and dbias ([0] without a bias). */
export const layerNormGrad = fusedKernel(
  'LayerNormGrad',
  ({ inputs, backend, attrs }: LayerNormGradArguments) => {
    const { dy, x, mean, rstd, scale } = inputs;
    const { rms = false, hasBias } = attrs;
    requireFloat32('LayerNormGrad', { dy, x, mean, rstd }, { scale });
    const { width, rows } = rowsOf('LayerNormGrad', x);
    requireShape('LayerNormGrad', 'dy', dy, x.shape);
    for (const [name, info] of Object.entries({ mean, rstd }))
      requireShape('LayerNormGrad', name, info, [rows]);
    requireShape('LayerNormGrad', 'scale', scale, [width]);
    const hasScale = scale != null;
    const dx = backend.allocate(x.shape);
    const none = () => backend.makeTensorInfo([0], 'float32', new Float32Array(0));
    // A few rows are added up by more workgroups of the same dispatch, many by dispatches of their own.
    const few = rows > 0 && rows <= FEW_ROWS;
    const together = few && width > 0 ? { scale: hasScale, bias: hasBias } : { scale: false, bias: false };
    const dscaleHere = together.scale ? backend.allocate([width]) : undefined;
    const dbiasHere = together.bias ? backend.allocate([width]) : undefined;
    const columnGroups = together.scale || together.bias ? Math.ceil(width / LANES) : 0;
    if (rows > 0)
      backend.dispatch({
        name: `LayerNormGrad ${hasScale} ${rms} ${together.scale} ${together.bias}`,
        bindings: [
          ...input('dy', dy),
          ...input('x', x),
          ...input('means', mean),
          ...input('rstds', rstd),
          ...input('scale', scale),
          output('dx', dx),
          ...(dscaleHere === undefined ? [] : [output('dscale', dscaleHere)]),
          ...(dbiasHere === undefined ? [] : [output('dbias', dbiasHere)]),
        ],
        words: { rows, width },
        lanes: LANES,
        declarations: () => workgroupSum(LANES),
        body: () => `
          let row = index;
          if (row >= p.rows) {
            ${
              columnGroups === 0
                ? ''
                : `let column = (index - p.rows) * ${LANES}u + lane;
            if (column < p.width) {
              var of_scale = 0.0;
              var of_bias = 0.0;
              for (var r = 0u; r < p.rows; r++) {
                let at = r * p.width + column;
                of_bias += dy[at];
                of_scale += dy[at] * (x[at] - means[r]) * rstds[r];
              }
              ${together.scale ? 'dscale[column] = of_scale;' : ''}
              ${together.bias ? 'dbias[column] = of_bias;' : ''}
            }`
            }
            return;
          }
          let first = row * p.width;
          let mean = means[row];
          let rstd = rstds[row];
          var along = 0.0;
          var sum = 0.0;
          for (var i = lane; i < p.width; i += ${LANES}u) {
            let g = dy[first + i] ${hasScale ? '* scale[i]' : ''};
            along = fma(g, (x[first + i] - mean) * rstd, along);
            sum += g;
          }
          along = total(lane, along) / f32(p.width);
          ${rms ? 'let shift = 0.0;' : 'let shift = total(lane, sum) / f32(p.width);'}
          for (var i = lane; i < p.width; i += ${LANES}u) {
            let g = dy[first + i] ${hasScale ? '* scale[i]' : ''};
            dx[first + i] = (g - shift - (x[first + i] - mean) * rstd * along) * rstd;
          }`,
        workgroups: rows + columnGroups,
      });
    const sums: Record<string, string> = {};
    if (hasScale && !together.scale) sums.scale = 'dy[at] * (x[at] - means[row]) * rstds[row]';
    if (hasBias && !together.bias) sums.bias = 'dy[at]';
    const made = columnSums(backend, {
      name: `LayerNormGrad ${Object.keys(sums)}`,
      rows,
      columns: Object.keys(sums).length === 0 ? 0 : width,
      inputs: sums.scale === undefined ? { dy } : { dy, x, means: mean, rstds: rstd },
      values: sums,
      shape: [width],
    });
    const dscale = hasScale ? (dscaleHere ?? (made.shift() as TensorInfo)) : none();
    const dbias = hasBias ? (dbiasHere ?? (made.shift() as TensorInfo)) : none();
    return [dx, dscale, dbias] as const;
  },
);

interface GroupSizes {
  readonly batch: number;
  readonly places: number;
  readonly channels: number;
  readonly groups: number;
}

function groupsOf(kernelName: string, x: TensorInfo, groups: number): GroupSizes {
  const channels = x.shape[x.shape.length - 1] ?? 0;
  if (x.shape.length < 2 || !(Number.isInteger(groups) && groups > 0 && channels % groups === 0))
    throw new Error(
      `${kernelName}: expected x [B, .., C] with C a multiple of groups, got [${x.shape}] and ${groups}.`,
    );
  const batch = x.shape[0] as number;
  return { batch, channels, groups, places: sizeOf(x.shape.slice(1, -1)) };
}

const GROUP_LANES = 256;

/** Where element i of a group lies: the group has `places` × `width` elements. */
const groupAt = `
fn element(b: u32, g: u32, i: u32) -> u32 {
  return (b * p.places + i / p.width) * p.channels + g * p.width + i % p.width;
}`;

const swishOf = (swish: boolean) =>
  swish
    ? `
fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(-clamp(x, -87.0, 87.0))); }
fn activate(x: f32) -> f32 { return x * sigmoid(x); }
fn slope(x: f32) -> f32 { let s = sigmoid(x); return s * (1.0 + x * (1.0 - s)); }`
    : `
fn activate(x: f32) -> f32 { return x; }
fn slope(x: f32) -> f32 { return 1.0; }`;

type GroupNormArguments = KernelArguments<
  Readonly<Record<'x' | 'scale' | 'bias', TensorInfo>>,
  { readonly groups: number; readonly epsilon: number; readonly swish?: boolean }
>;

/** Group norm of x [B, .., C], then with swish y·σ(y): y, mean [B, G] and rstd [B, G]. */
export const groupNorm = fusedKernel('GroupNorm', ({ inputs, backend, attrs }: GroupNormArguments) => {
  const { x, scale, bias } = inputs;
  const { groups, epsilon, swish = false } = attrs;
  requireFloat32('GroupNorm', { x, scale, bias });
  const { batch, places, channels } = groupsOf('GroupNorm', x, groups);
  requireShape('GroupNorm', 'scale', scale, [channels]);
  requireShape('GroupNorm', 'bias', bias, [channels]);
  const y = backend.allocate(x.shape);
  const [mean, rstd] = [backend.allocate([batch, groups]), backend.allocate([batch, groups])];
  const outputs = [y, mean, rstd] as const;
  if (sizeOf(x.shape) === 0) return outputs;
  backend.dispatch({
    name: `GroupNorm ${swish}`,
    bindings: [
      ...input('x', x),
      ...input('scale', scale),
      ...input('bias', bias),
      output('y', y),
      output('means', mean),
      output('rstds', rstd),
    ],
    words: { all: batch * groups, places, channels, groups, width: channels / groups },
    floats: { epsilon },
    lanes: GROUP_LANES,
    declarations: () => workgroupSum(GROUP_LANES) + groupAt + swishOf(swish),
    body: () => `
      if (index >= p.all) { return; }
      let b = index / p.groups;
      let g = index % p.groups;
      let size = p.places * p.width;
      var mean = 0.0;
      for (var i = lane; i < size; i += ${GROUP_LANES}u) { mean += x[element(b, g, i)]; }
      mean = total(lane, mean) / f32(size);
      var squares = 0.0;
      for (var i = lane; i < size; i += ${GROUP_LANES}u) {
        let centred = x[element(b, g, i)] - mean;
        squares = fma(centred, centred, squares);
      }
      let rstd = 1.0 / sqrt(total(lane, squares) / f32(size) + p.epsilon);
      for (var i = lane; i < size; i += ${GROUP_LANES}u) {
        let at = element(b, g, i);
        let c = g * p.width + i % p.width;
        y[at] = activate((x[at] - mean) * rstd * scale[c] + bias[c]);
      }
      if (lane == 0u) { means[index] = mean; rstds[index] = rstd; }`,
    workgroups: batch * groups,
  });
  return outputs;
});

type GroupNormGradArguments = KernelArguments<
  Readonly<Record<'dy' | 'x' | 'mean' | 'rstd' | 'scale' | 'bias', TensorInfo>>,
  { readonly groups: number; readonly swish?: boolean }
>;

/** Gradients of GroupNorm: dx, dscale [C] and dbias [C]. */
export const groupNormGrad = fusedKernel(
  'GroupNormGrad',
  ({ inputs, backend, attrs }: GroupNormGradArguments) => {
    const { dy, x, mean, rstd, scale, bias } = inputs;
    const { groups, swish = false } = attrs;
    requireFloat32('GroupNormGrad', { dy, x, mean, rstd, scale, bias });
    const { batch, places, channels } = groupsOf('GroupNormGrad', x, groups);
    requireShape('GroupNormGrad', 'dy', dy, x.shape);
    for (const [name, info] of Object.entries({ mean, rstd }))
      requireShape('GroupNormGrad', name, info, [batch, groups]);
    for (const [name, info] of Object.entries({ scale, bias }))
      requireShape('GroupNormGrad', name, info, [channels]);
    const dx = backend.allocate(x.shape);
    const words = { places, channels, groups, width: channels / groups };
    const inputs6 = { dy, x, means: mean, rstds: rstd, scale, bias };
    const bindings = Object.entries(inputs6).flatMap(([name, info]) => input(name, info));
    if (sizeOf(x.shape) > 0)
      backend.dispatch({
        name: `GroupNormGrad ${swish}`,
        bindings: [...bindings, output('dx', dx)],
        words: { all: batch * groups, ...words },
        lanes: GROUP_LANES,
        declarations: () => workgroupSum(GROUP_LANES) + groupAt + swishOf(swish),
        body: () => `
          if (index >= p.all) { return; }
          let b = index / p.groups;
          let g = index % p.groups;
          let size = p.places * p.width;
          let mean = means[index];
          let rstd = rstds[index];
          var along = 0.0;
          var sum = 0.0;
          for (var i = lane; i < size; i += ${GROUP_LANES}u) {
            let at = element(b, g, i);
            let c = g * p.width + i % p.width;
            let normal = (x[at] - mean) * rstd;
            let d = dy[at] * slope(normal * scale[c] + bias[c]) * scale[c];
            along = fma(d, normal, along);
            sum += d;
          }
          along = total(lane, along) / f32(size);
          sum = total(lane, sum) / f32(size);
          for (var i = lane; i < size; i += ${GROUP_LANES}u) {
            let at = element(b, g, i);
            let c = g * p.width + i % p.width;
            let normal = (x[at] - mean) * rstd;
            let d = dy[at] * slope(normal * scale[c] + bias[c]) * scale[c];
            dx[at] = (d - sum - normal * along) * rstd;
          }`,
        workgroups: batch * groups,
      });
    const declarations = `${swishOf(swish)}
fn group_of(row: u32, column: u32) -> u32 { return (row / p.places) * p.groups + column / p.width; }
fn normal(at: u32, row: u32, column: u32) -> f32 {
  let g = group_of(row, column);
  return (x[at] - means[g]) * rstds[g];
}
fn into(at: u32, row: u32, column: u32) -> f32 {
  return dy[at] * slope(normal(at, row, column) * scale[column] + bias[column]);
}`;
    const [dscale, dbias] = columnSums(backend, {
      name: `GroupNormGrad ${swish}`,
      rows: batch * places,
      columns: channels,
      inputs: inputs6,
      values: {
        scale: 'into(at, row, column) * normal(at, row, column)',
        bias: 'into(at, row, column)',
      },
      declarations,
      words: { places, groups, width: channels / groups },
      shape: [channels],
    });
    return [dx, dscale as TensorInfo, dbias as TensorInfo] as const;
  },
);
