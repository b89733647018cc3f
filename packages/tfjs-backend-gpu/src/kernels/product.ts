import type { TensorInfo } from '@tensorflow/tfjs';
import type { GpuBackend } from '../backend.js';
import type { Binding } from '../dispatcher.js';
import { type Activation, activate } from './wgsl.js';

/** Steps of the inner size that are in workgroup memory at a time. */
const DEPTH = 16;

/** Rows from which on the tiled form is used. */
const TILED_ROWS = 9;

/**
 * A product of matrices C[batch] = activation(A·B + bias) + residual, whose elements are found by
 * WGSL. Convolutions are such products too.
 */
export interface Product {
  /** What decides `a` and `b`, for the cache of pipelines. */
  readonly name: string;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch?: number;
  /** The tensors that `a` and `b` read. */
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  /**
   * The body of a function of `row`, `k` and `block` (in the batch) that returns A's element. It is
   * called for elements that are there.
   */
  readonly a: string;
  /** The same for B, of `k`, `column` and `block`. */
  readonly b: string;
  /** Parameters of both. */
  readonly words?: Readonly<Record<string, number>>;
  /** Numbers [n] that are added to each row. */
  readonly bias?: TensorInfo | undefined;
  readonly activation?: Activation;
  /** Numbers of the shape of the result that are added at the end. */
  readonly residual?: TensorInfo | undefined;
  /** The shape of the result, of batch·m·n elements. */
  readonly shape: number[];
}

/** Computes a product. The order of its sums follows from m, n and k alone. */
export function product(backend: GpuBackend, all: Product): TensorInfo {
  const { m, n, k, batch = 1, inputs, words = {}, bias, residual, activation = 'linear', shape } = all;
  const c = backend.allocate(shape);
  if (m * n * batch === 0) return c;
  const extra: Binding[] = [
    ...Object.entries(inputs).map(([name, tensor]) => ({ name, tensor, access: 'in' }) as const),
    ...(bias === undefined ? [] : [{ name: 'bias', tensor: bias, access: 'in' } as const]),
    ...(residual === undefined ? [] : [{ name: 'residual', tensor: residual, access: 'in' } as const]),
    { name: 'c', tensor: c, access: 'out' },
  ];
  const finish = `
fn finish(row: u32, column: u32, block: u32, sum: f32) {
  let at = (block * p.m + row) * p.n + column;
  c[at] = activate(sum ${bias === undefined ? '' : '+ bias[column]'}) ${residual === undefined ? '' : '+ residual[at]'};
}`;
  const declarations = () => `
fn element_a(row: u32, k: u32, block: u32) -> f32 { ${all.a} }
fn element_b(k: u32, column: u32, block: u32) -> f32 { ${all.b} }
${activate(activation)}${finish}`;
  const variant = `${all.name} ${bias !== undefined} ${residual !== undefined} ${activation}`;
  const common = { bindings: extra, words: { m, n, k, ...words } };
  if (m < TILED_ROWS) {
    backend.dispatch({
      ...common,
      ...fewRows(variant, m, declarations),
      workgroups: [Math.ceil(n / 32), 1, batch],
    });
    return c;
  }
  // Small results take small tiles, so that more workgroups share the work.
  const tile = Math.ceil(m / 64) * Math.ceil(n / 64) * batch >= 64 ? 4 : 2;
  const side = 16 * tile;
  backend.dispatch({
    ...common,
    ...tiled(variant, tile, declarations),
    workgroups: [Math.ceil(n / side), Math.ceil(m / side), batch],
  });
  return c;
}

/**
 * A workgroup of 16×16 lanes makes a square of C; each lane has tile × tile elements of it in
 * registers. K goes through workgroup memory in slices.
 */
function tiled(variant: string, tile: number, declarations: () => string) {
  const side = 16 * tile;
  const each = (text: (i: number) => string) => Array.from({ length: tile }, (_, i) => text(i)).join(' ');
  return {
    name: `product ${tile} ${variant}`,
    lanes: [16, 16, 1] as const,
    declarations: () => `
var<workgroup> slice_a: array<array<f32, ${side + 1}>, ${DEPTH}>;
var<workgroup> slice_b: array<array<f32, ${side + 1}>, ${DEPTH}>;
${declarations()}`,
    body: () => `
      let row0 = group.y * ${side}u;
      let column0 = group.x * ${side}u;
      var acc: array<array<f32, ${tile}>, ${tile}>;
      for (var k0 = 0u; k0 < p.k; k0 += ${DEPTH}u) {
        for (var i = lane; i < ${side * DEPTH}u; i += 256u) {
          let k = k0 + i % ${DEPTH}u;
          let r = i / ${DEPTH}u;
          var value = 0.0;
          if (row0 + r < p.m && k < p.k) { value = element_a(row0 + r, k, group.z); }
          slice_a[i % ${DEPTH}u][r] = value;
        }
        for (var i = lane; i < ${side * DEPTH}u; i += 256u) {
          let r = i % ${side}u;
          let k = k0 + i / ${side}u;
          var value = 0.0;
          if (column0 + r < p.n && k < p.k) { value = element_b(k, column0 + r, group.z); }
          slice_b[i / ${side}u][r] = value;
        }
        workgroupBarrier();
        for (var k = 0u; k < ${DEPTH}u; k++) {
          ${each((i) => `let a${i} = slice_a[k][local.y * ${tile}u + ${i}u];`)}
          ${each((j) => `let b${j} = slice_b[k][local.x + ${16 * j}u];`)}
          ${each((i) => each((j) => `acc[${i}][${j}] = fma(a${i}, b${j}, acc[${i}][${j}]);`))}
        }
        workgroupBarrier();
      }
      for (var i = 0u; i < ${tile}u; i++) {
        let row = row0 + local.y * ${tile}u + i;
        for (var j = 0u; j < ${tile}u; j++) {
          let column = column0 + local.x + 16u * j;
          if (row < p.m && column < p.n) { finish(row, column, group.z, acc[i][j]); }
        }
      }`,
  };
}

/** For up to 8 rows: a workgroup has 32 columns, and 8 lanes share the inner size of each. */
function fewRows(variant: string, rows: number, declarations: () => string) {
  const held = rows === 1 ? 1 : rows <= 2 ? 2 : rows <= 4 ? 4 : 8;
  return {
    name: `product of ${held} rows ${variant}`,
    lanes: [32, 8, 1] as const,
    declarations: () => `
var<workgroup> parts: array<array<f32, 256>, ${held}>;
${declarations()}`,
    body: () => `
      let column = group.x * 32u + local.x;
      var acc: array<f32, ${held}>;
      if (column < p.n) {
        for (var k = local.y; k < p.k; k += 8u) {
          let b = element_b(k, column, group.z);
          for (var r = 0u; r < ${held}u; r++) {
            if (r < p.m) { acc[r] = fma(element_a(r, k, group.z), b, acc[r]); }
          }
        }
      }
      for (var r = 0u; r < ${held}u; r++) { parts[r][lane] = acc[r]; }
      workgroupBarrier();
      if (local.y < p.m && column < p.n) {
        var sum = 0.0;
        for (var other = 0u; other < 8u; other++) { sum += parts[local.y][other * 32u + local.x]; }
        finish(local.y, column, group.z, sum);
      }`,
  };
}

/** The element of a matrix [rows, columns] that may be transposed, for blocks of `step` elements. */
export function elementOf(
  matrix: string,
  [row, column]: readonly [string, string],
  [rows, columns]: readonly [string, string],
  transposed: boolean,
  block = '',
): string {
  const at = transposed ? `${column} * p.${rows} + ${row}` : `${row} * p.${columns} + ${column}`;
  return `return ${matrix}[${block}${at}];`;
}
