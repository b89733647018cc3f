import type { TensorInfo } from '@tensorflow/tfjs';
import type { GpuBackend } from '../backend.js';
import type { Binding } from '../dispatcher.js';

/** A workgroup's columns and the lanes that share each. */
const [COLUMNS, LANES] = [32, 8];
/** Rows that one workgroup adds up, where there are enough of them for several. */
const ROWS = 128;

/** Sums down columns: out[outer, column] = Σ over rows of a value. */
export interface ColumnSums {
  /** Name for the cache of pipelines. */
  readonly name: string;
  readonly outer?: number;
  readonly rows: number;
  readonly columns: number;
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  /**
   * The value of each sum in WGSL, from `row` (counted over all outer blocks), `column` and `at` (the
   * element of a tensor [outer, rows, columns]), by the sum's name.
   */
  readonly values: Readonly<Record<string, string>>;
  readonly declarations?: string;
  readonly words?: Readonly<Record<string, number>>;
  /** The factor of all sums; default 1. */
  readonly factor?: number;
  readonly shape: number[];
}

/**
 * The sums by name, each of `shape`. The order in which a column's values are added follows from the
 * numbers of rows and columns alone.
 */
export function columnSums(backend: GpuBackend, sums: ColumnSums): TensorInfo[] {
  const { outer = 1, rows, columns, shape, values, factor = 1 } = sums;
  const names = Object.keys(values);
  const made = names.map(() => backend.allocate(shape));
  if (outer * columns === 0) return made;
  const blocks = Math.max(1, Math.min(64, Math.ceil(rows / ROWS)));
  if (blocks === 1) {
    pass(backend, sums, made, 1, factor);
    return made;
  }
  const parts = names.map(() => backend.allocate([outer, blocks, columns]));
  pass(backend, sums, parts, blocks, 1);
  const part = (i: number) => parts[i] as TensorInfo;
  pass(
    backend,
    {
      ...sums,
      name: `${names.length} sums of parts`,
      rows: blocks,
      inputs: Object.fromEntries(names.map((_, i) => [`part${i}`, part(i)])),
      values: Object.fromEntries(names.map((name, i) => [name, `part${i}[at]`])),
      declarations: '',
      words: {},
    },
    made,
    1,
    factor,
  );
  for (const { dataId } of parts) backend.disposeData(dataId);
  return made;
}

function pass(
  backend: GpuBackend,
  { name, outer = 1, rows, columns, inputs, values, declarations = '', words = {} }: ColumnSums,
  outputs: readonly TensorInfo[],
  blocks: number,
  factor: number,
): void {
  const names = Object.keys(values);
  const bindings: Binding[] = [
    ...Object.entries(inputs).map(([name, tensor]) => ({ name, tensor, access: 'in' }) as const),
    ...names.map((_, i) => ({ name: `sum${i}`, tensor: outputs[i] as TensorInfo, access: 'out' }) as const),
  ];
  backend.dispatch({
    name: `columns: ${name}`,
    bindings,
    words: { rows, columns, blocks, chunk: Math.ceil(rows / blocks), ...words },
    floats: { factor },
    lanes: [COLUMNS, LANES, 1],
    declarations: () =>
      `${declarations}\n${names.map((_, i) => `var<workgroup> shared${i}: array<f32, ${COLUMNS * LANES}>;`).join('\n')}`,
    body: () => `
      let column = group.x * ${COLUMNS}u + local.x;
      let first = group.y * p.chunk;
      let last = min(p.rows, first + p.chunk);
      ${names.map((_, i) => `var total${i} = 0.0;`).join(' ')}
      if (column < p.columns) {
        for (var r = first + local.y; r < last; r += ${LANES}u) {
          let row = group.z * p.rows + r;
          let at = row * p.columns + column;
          ${names.map((name, i) => `total${i} += ${values[name]};`).join('\n          ')}
        }
      }
      ${names.map((_, i) => `shared${i}[lane] = total${i};`).join(' ')}
      workgroupBarrier();
      if (local.y == 0u && column < p.columns) {
        for (var other = 1u; other < ${LANES}u; other++) {
          ${names.map((_, i) => `total${i} += shared${i}[other * ${COLUMNS}u + local.x];`).join(' ')}
        }
        let to = (group.z * p.blocks + group.y) * p.columns + column;
        ${names.map((_, i) => `sum${i}[to] = total${i} * p.factor;`).join(' ')}
      }`,
    workgroups: [Math.ceil(columns / COLUMNS), blocks, outer],
  });
}
