import type { TensorInfo } from '@tensorflow/tfjs';
import type { Binding } from '../dispatcher.js';
import { fusedKernel, type KernelArguments, requireFloat32, requireInt32, sizeOf } from './kernel.js';

const given = (name: string, tensor: TensorInfo | undefined): Binding[] =>
  tensor == null ? [] : [{ name, tensor, access: 'in', type: 'i32' }];

type UpdateRowsArguments = KernelArguments<
  {
    readonly cache: TensorInfo;
    readonly rows: TensorInfo;
    readonly positions?: TensorInfo | undefined;
    readonly cacheRows?: TensorInfo | undefined;
  },
  { readonly position?: number }
>;

/**
 * Writes rows [B, T, D] into cache [C, L, D], from positions[b] on of the cache's row cacheRows[b].
 * A place outside the cache is not written.
 *
 * The cache is written in place where no other tensor has its data, else a copy is. In the first case
 * the result shares the cache's data: go on with the result, and do not read the argument again.
 */
export const updateRows = fusedKernel('UpdateRows', ({ inputs, backend, attrs }: UpdateRowsArguments) => {
  const { cache, rows, positions, cacheRows } = inputs;
  const { position = 0 } = attrs;
  requireFloat32('UpdateRows', { cache, rows });
  const [cached, length, width] = cache.shape as [number, number, number];
  const [batch, steps] = rows.shape as [number, number, number];
  const fits =
    cache.shape.length === 3 &&
    `${rows.shape}` === `${[batch, steps, width]}` &&
    (cacheRows != null || batch === cached);
  if (!fits)
    throw new Error(
      `UpdateRows: expected cache [C, L, D] and rows [B, T, D], B = C without cacheRows, got [${cache.shape}] and [${rows.shape}].`,
    );
  if (positions != null) requireInt32('UpdateRows', 'positions', positions, [batch]);
  if (cacheRows != null) requireInt32('UpdateRows', 'cacheRows', cacheRows, [batch]);
  if (!(Number.isInteger(position) && position >= 0 && position + steps <= length))
    throw new Error(`UpdateRows: expected a position from 0 to ${length - steps}, got ${position}.`);
  let result: TensorInfo;
  if (backend.refCount(cache.dataId) === 1) result = backend.alias(cache, cache.shape);
  else {
    result = backend.allocate(cache.shape);
    backend.copy(cache, result);
  }
  const size = sizeOf(rows.shape);
  if (size === 0) return result;
  backend.dispatch({
    name: `UpdateRows ${positions != null} ${cacheRows != null}`,
    bindings: [
      { name: 'rows', tensor: rows, access: 'in' },
      ...given('positions', positions),
      ...given('cache_rows', cacheRows),
      { name: 'cache', tensor: result, access: 'inout' },
    ],
    words: { size, cached, length, width, steps, position },
    body: () => `
      let i = index * 256u + lane;
      if (i >= p.size) { return; }
      let d = i % p.width;
      let t = (i / p.width) % p.steps;
      let b = i / (p.width * p.steps);
      let place = ${positions != null ? 'u32(positions[b])' : 'p.position'} + t;
      let row = ${cacheRows != null ? 'u32(cache_rows[b])' : 'b'};
      if (place < p.length && row < p.cached) { cache[(row * p.length + place) * p.width + d] = rows[i]; }`,
    workgroups: Math.ceil(size / 256),
  });
  return result;
});

type ScatterAddArguments = KernelArguments<
  { readonly rows: TensorInfo; readonly ids: TensorInfo },
  { readonly entries: number }
>;

/**
 * out[ids[r]] += rows[r] from zeros. A workgroup has an entry, looks for its rows and adds them in
 * their order, so that two runs give the same bits. An id outside 0 … entries − 1 adds nothing.
 */
export const scatterAdd = fusedKernel('ScatterAdd', ({ inputs, backend, attrs }: ScatterAddArguments) => {
  const { rows, ids } = inputs;
  const { entries } = attrs;
  requireFloat32('ScatterAdd', { rows });
  if (rows.shape.length === 0) throw new Error('ScatterAdd: expected rows [R, ..], got a scalar.');
  const count = rows.shape[0] as number;
  requireInt32('ScatterAdd', 'ids', ids, [count]);
  if (!(Number.isInteger(entries) && entries >= 0))
    throw new Error(`ScatterAdd: expected entries to be an integer from 0, got ${entries}.`);
  const out = backend.allocate([entries, ...rows.shape.slice(1)]);
  const width = sizeOf(rows.shape.slice(1));
  if (entries * width === 0) return out;
  backend.dispatch({
    name: 'ScatterAdd',
    bindings: [
      { name: 'rows', tensor: rows, access: 'in' },
      { name: 'ids', tensor: ids, access: 'in', type: 'i32' },
      { name: 'result', tensor: out, access: 'out' },
    ],
    words: { entries, count, width },
    lanes: 64,
    declarations: () => 'var<workgroup> hits: atomic<u32>;',
    body: () => `
      if (index >= p.entries) { return; }
      let entry = i32(index);
      // Bounds of the rows that have this entry, so that most workgroups read the ids once.
      var hit = false;
      for (var r = lane; r < p.count; r += 64u) { hit = hit || ids[r] == entry; }
      if (hit) { atomicOr(&hits, 1u); }
      workgroupBarrier();
      let any = atomicLoad(&hits) != 0u;
      for (var d = lane; d < p.width; d += 64u) {
        var sum = 0.0;
        if (any) {
          for (var r = 0u; r < p.count; r++) {
            if (ids[r] == entry) { sum += rows[r * p.width + d]; }
          }
        }
        result[index * p.width + d] = sum;
      }`,
    workgroups: entries,
  });
  return out;
});
