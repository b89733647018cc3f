import type { TensorInfo } from '@tensorflow/tfjs';
import type { GpuBackend } from '../backend.js';
import type { Binding } from '../dispatcher.js';
import {
  fusedKernel,
  type KernelArguments,
  requireFloat32,
  requireInt32,
  requireShape,
  sizeOf,
} from './kernel.js';

/** Attributes of these kernels. */
export interface AttentionAttributes {
  readonly heads: number;
  readonly scale: number;
  /** How many keys count; by default all do. */
  readonly keyLength?: number;
  /** Whether query t looks only at keys 0 … firstQuery + t. */
  readonly causal?: boolean;
  readonly firstQuery?: number;
}

/** Attributes of the forward kernels. */
export interface ForwardAttributes extends AttentionAttributes {
  /** Whether to return `stats`, which the gradient needs. */
  readonly withStats?: boolean;
}

/** Inputs of the forward kernels. */
export interface ForwardInputs {
  readonly q: TensorInfo;
  readonly k: TensorInfo;
  readonly v: TensorInfo;
  readonly keyLengths?: TensorInfo | undefined;
  readonly firstQueries?: TensorInfo | undefined;
  readonly keyRows?: TensorInfo | undefined;
}

const LANES = 256;

interface Sizes {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  /** Keys that count. */
  readonly keyLength: number;
  readonly heads: number;
  /** Width of a head. */
  readonly size: number;
  readonly causal: boolean;
  readonly firstQuery: number;
  readonly scale: number;
}

function sizesOf(
  kernelName: string,
  { q, k, v }: Pick<ForwardInputs, 'q' | 'k' | 'v'>,
  attrs: AttentionAttributes,
  hasKeyRows: boolean,
): Sizes {
  requireFloat32(kernelName, { q, k, v });
  const { heads, scale, keyLength, causal = false, firstQuery = 0 } = attrs;
  const [batch, queries, width] = q.shape as [number, number, number];
  const keys = k.shape[1] as number;
  const fits =
    q.shape.length === 3 &&
    k.shape.length === 3 &&
    `${k.shape}` === `${v.shape}` &&
    k.shape[2] === width &&
    (hasKeyRows || k.shape[0] === batch);
  if (!fits)
    throw new Error(
      `${kernelName}: expected q [B, T, D], k and v [B, S, D], got [${q.shape}], [${k.shape}] and [${v.shape}].`,
    );
  if (!(Number.isInteger(heads) && heads > 0 && width % heads === 0))
    throw new Error(`${kernelName}: expected D (${width}) to be a multiple of heads, which is ${heads}.`);
  const used = keyLength ?? keys;
  if (!(Number.isInteger(used) && used >= 1 && used <= keys))
    throw new Error(`${kernelName}: expected keyLength from 1 to ${keys}, got ${used}.`);
  if (!(Number.isInteger(firstQuery) && firstQuery >= 0))
    throw new Error(`${kernelName}: expected firstQuery to be an integer from 0, got ${firstQuery}.`);
  return { batch, queries, keys, keyLength: used, heads, size: width / heads, causal, firstQuery, scale };
}

/** Steps of a bias [1|B, 1|N, 1|T, keyLength or more] along batch, heads and queries. */
function biasSteps(kernelName: string, bias: TensorInfo, sizes: Sizes): Record<string, number> {
  requireFloat32(kernelName, { bias });
  const { batch, heads, queries, keyLength } = sizes;
  const full = [batch, heads, queries];
  const [b, n, t, s] = bias.shape as [number, number, number, number];
  if (
    bias.shape.length !== 4 ||
    s < keyLength ||
    full.some((extent, axis) => bias.shape[axis] !== 1 && bias.shape[axis] !== extent)
  )
    throw new Error(
      `${kernelName}: expected bias [1 or ${batch}, 1 or ${heads}, 1 or ${queries}, ${keyLength} or more], got [${bias.shape}].`,
    );
  return {
    bias_b: b === 1 ? 0 : n * t * s,
    bias_n: n === 1 ? 0 : t * s,
    bias_t: t === 1 ? 0 : s,
  };
}

const tensor = (name: string, info: TensorInfo | undefined, type = 'f32'): Binding[] =>
  info == null ? [] : [{ name, tensor: info, access: 'in', type }];

interface Tile {
  readonly rows: number;
  readonly keys: number;
}

/**
 * Rows of queries and of keys in workgroup memory at a time, for `panels` rows of a head's width for
 * each: powers of two whose lanes share the work evenly.
 */
function tileOf(backend: GpuBackend, size: number, queries: number, panels: { q: number; k: number }): Tile {
  const floats = Math.min(backend.device.limits.maxComputeWorkgroupStorageSize, 32768) / 4 - 64;
  for (const rows of queries === 1 ? [1] : [16, 8, 4, 2, 1])
    for (const keys of [32, 16, 8, 4, 2, 1]) {
      const needed = rows * size * panels.q + keys * size * panels.k + 2 * rows * keys + 4 * rows;
      if (needed <= floats) return { rows, keys };
    }
  throw new Error(`a head of ${size} numbers is too wide for this GPU's workgroup memory.`);
}

/** The scaled and biased score of a query and a key, where the key is seen. */
const scoreOf = (hasBias: boolean) => `
fn with_bias(dot: f32, b: u32, n: u32, t: u32, s: u32) -> f32 {
  return dot * p.scale ${hasBias ? '+ bias[b * p.bias_b + n * p.bias_n + t * p.bias_t + s]' : ''};
}`;

/**
 * Parameters. The extents of loops are among them, although the code has them as constants too: a
 * compiler that unrolls such loops takes seconds.
 */
const wordsOf = (
  { batch, queries, keys, keyLength, heads, firstQuery, size }: Sizes,
  tile: Tile = { rows: 1, keys: 1 },
) => ({
  size,
  tile_rows: tile.rows,
  tile_keys: tile.keys,
  batch,
  queries,
  keys,
  key_length: keyLength,
  heads,
  first_query: firstQuery,
});

/**
 * softmax(scale·q·kᵀ + bias)·v for each head, without the matrix of scores (arXiv:2205.14135): a
 * workgroup has some queries of a head and walks over the keys with a running maximum and sum.
 */
function attend(
  kernelName: string,
  { inputs, backend, attrs }: KernelArguments<ForwardInputs, ForwardAttributes>,
  bias?: TensorInfo,
): readonly [TensorInfo] | readonly [TensorInfo, TensorInfo] {
  const { q, k, v, keyLengths, firstQueries, keyRows } = inputs;
  const { withStats = false } = attrs;
  const { keyLength: _, ...unlimited } = attrs;
  const sizes = sizesOf(kernelName, inputs, keyLengths == null ? attrs : unlimited, keyRows != null);
  const { batch, queries, heads, size, causal } = sizes;
  for (const [name, info] of Object.entries({ keyLengths, firstQueries, keyRows }))
    if (info != null) requireInt32(kernelName, name, info, [batch]);
  const steps = bias === undefined ? {} : biasSteps(kernelName, bias, sizes);
  const y = backend.allocate(q.shape);
  const stats = withStats ? backend.allocate([batch, heads, 2, queries]) : undefined;
  const outputs = stats === undefined ? ([y] as const) : ([y, stats] as const);
  if (sizeOf(q.shape) === 0) return outputs;
  const tile = tileOf(backend, size, queries, { q: 1, k: 2 });
  const [rows, keys] = [tile.rows, tile.keys];
  const held = Math.ceil((rows * size) / LANES);
  const perRow = (info: TensorInfo | undefined) => info != null;
  backend.dispatch({
    name: `Attention ${size} ${rows} ${keys} ${causal} ${bias !== undefined} ${withStats} ${[keyLengths, firstQueries, keyRows].map(perRow)}`,
    bindings: [
      ...tensor('q', q),
      ...tensor('k', k),
      ...tensor('v', v),
      ...tensor('bias', bias),
      ...tensor('key_lengths', keyLengths, 'i32'),
      ...tensor('first_queries', firstQueries, 'i32'),
      ...tensor('key_rows', keyRows, 'i32'),
      { name: 'y', tensor: y, access: 'out' },
      ...(stats === undefined ? [] : [{ name: 'stats', tensor: stats, access: 'out' } as const]),
    ],
    words: { ...wordsOf(sizes, tile), ...steps },
    floats: { scale: sizes.scale },
    lanes: LANES,
    declarations: () => `
const SIZE = ${size}u;
var<workgroup> tile_q: array<f32, ${rows * size}>;
var<workgroup> tile_k: array<f32, ${keys * size}>;
var<workgroup> tile_v: array<f32, ${keys * size}>;
var<workgroup> scores: array<f32, ${rows * keys}>;
var<workgroup> most: array<f32, ${rows}>;
var<workgroup> sums: array<f32, ${rows}>;
var<workgroup> kept: array<f32, ${rows}>;
${scoreOf(bias !== undefined)}`,
    body: () => `
      let t0 = group.x * ${rows}u;
      let n = group.y;
      let b = group.z;
      let width = p.heads * SIZE;
      let row_of_keys = ${keyRows != null ? 'u32(key_rows[b])' : 'b'};
      let length = ${keyLengths != null ? 'min(u32(key_lengths[b]), p.keys)' : 'p.key_length'};
      let first = ${firstQueries != null ? 'u32(first_queries[b])' : 'p.first_query'};
      let first_k = row_of_keys * p.keys * width + n * SIZE;
      for (var i = lane; i < ${rows * size}u; i += ${LANES}u) {
        let t = t0 + i / SIZE;
        tile_q[i] = 0.0;
        if (t < p.queries) { tile_q[i] = q[(b * p.queries + t) * width + n * SIZE + i % SIZE]; }
      }
      if (lane < ${rows}u) { most[lane] = -3.4e38; sums[lane] = 0.0; }
      var acc: array<f32, ${held}>;
      let end = ${causal ? `min(length, first + min(t0 + ${rows}u, p.queries))` : 'length'};
      for (var s0 = 0u; s0 < end; s0 += ${keys}u) {
        workgroupBarrier();
        for (var i = lane; i < ${keys * size}u; i += ${LANES}u) {
          let s = s0 + i / SIZE;
          var key = 0.0;
          var value = 0.0;
          if (s < end) {
            let at = first_k + s * width + i % SIZE;
            key = k[at];
            value = v[at];
          }
          tile_k[i] = key;
          tile_v[i] = value;
        }
        workgroupBarrier();
        for (var i = lane; i < ${rows * keys}u; i += ${LANES}u) {
          let t = i / ${keys}u;
          let s = i % ${keys}u;
          var score = -3.4e38;
          if (s0 + s < end && t0 + t < p.queries ${causal ? '&& s0 + s <= first + t0 + t' : ''}) {
            var dot = 0.0;
            for (var d = 0u; d < p.size; d++) { dot = fma(tile_q[t * SIZE + d], tile_k[s * SIZE + d], dot); }
            score = with_bias(dot, b, n, t0 + t, s0 + s);
          }
          scores[i] = score;
        }
        workgroupBarrier();
        if (lane < ${rows}u) {
          var now = most[lane];
          for (var s = 0u; s < p.tile_keys; s++) { now = max(now, scores[lane * ${keys}u + s]); }
          let factor = exp(most[lane] - now);
          var sum = sums[lane] * factor;
          for (var s = 0u; s < p.tile_keys; s++) {
            let at = lane * ${keys}u + s;
            // A hidden key has no weight, even where no key has been seen yet.
            let weight = select(exp(scores[at] - now), 0.0, scores[at] <= -3.4e38);
            scores[at] = weight;
            sum += weight;
          }
          most[lane] = now;
          sums[lane] = sum;
          kept[lane] = factor;
        }
        workgroupBarrier();
        for (var h = 0u; h < ${held}u; h++) {
          let i = lane + h * ${LANES}u;
          if (i < ${rows * size}u) {
            let t = i / SIZE;
            var sum = acc[h] * kept[t];
            for (var s = 0u; s < p.tile_keys; s++) {
              sum = fma(scores[t * ${keys}u + s], tile_v[s * SIZE + i % SIZE], sum);
            }
            acc[h] = sum;
          }
        }
      }
      workgroupBarrier();
      for (var h = 0u; h < ${held}u; h++) {
        let i = lane + h * ${LANES}u;
        let t = t0 + i / SIZE;
        if (i < ${rows * size}u && t < p.queries) {
          y[(b * p.queries + t) * width + n * SIZE + i % SIZE] = acc[h] / sums[i / SIZE];
        }
      }
      ${
        withStats
          ? `if (lane < ${rows}u && t0 + lane < p.queries) {
        let at = (b * p.heads + n) * 2u * p.queries + t0 + lane;
        stats[at] = most[lane];
        stats[at + p.queries] = 1.0 / sums[lane];
      }`
          : ''
      }`,
    workgroups: [Math.ceil(queries / rows), heads, batch],
  });
  return outputs;
}

/** Attention without a bias. */
export const attention = fusedKernel(
  'Attention',
  (args: KernelArguments<ForwardInputs, ForwardAttributes>) =>
    attend('Attention', args) as readonly [TensorInfo, TensorInfo?],
);

/** Attention with a bias: a kernel of its own, since a gradient cannot save an input that may lack. */
export const biasedAttention = fusedKernel(
  'BiasedAttention',
  (args: KernelArguments<ForwardInputs & { readonly bias: TensorInfo }, ForwardAttributes>) => {
    const { bias } = args.inputs;
    if (bias == null) throw new Error('BiasedAttention: expected a bias, found none.');
    return attend('BiasedAttention', args, bias) as readonly [TensorInfo, TensorInfo?];
  },
);

type GradientInputs = Readonly<Record<'dy' | 'q' | 'k' | 'v' | 'y' | 'stats', TensorInfo>>;

function gradientSizes(
  kernelName: string,
  inputs: GradientInputs,
  attrs: AttentionAttributes,
  bias: TensorInfo | undefined,
) {
  const { dy, q, y, stats } = inputs;
  const sizes = sizesOf(kernelName, inputs, attrs, false);
  requireFloat32(kernelName, { dy, y, stats });
  requireShape(kernelName, 'dy', dy, q.shape);
  requireShape(kernelName, 'y', y, q.shape);
  requireShape(kernelName, 'stats', stats, [sizes.batch, sizes.heads, 2, sizes.queries]);
  const steps = bias == null ? {} : biasSteps(kernelName, bias, sizes);
  return { sizes, words: { ...wordsOf(sizes), ...steps }, hasBias: bias != null };
}

/** Σ dy·y over the width of each head: [B, N, T]. */
function alongOf(backend: GpuBackend, { dy, y }: GradientInputs, { batch, heads, queries, size }: Sizes) {
  const along = backend.allocate([batch, heads, queries]);
  backend.dispatch({
    name: 'Attention dy·y',
    bindings: [...tensor('dy', dy), ...tensor('y', y), { name: 'along', tensor: along, access: 'out' }],
    words: { all: batch * heads * queries, heads, queries, size },
    lanes: 64,
    body: () => `
      let i = index * 64u + lane;
      if (i >= p.all) { return; }
      let t = i % p.queries;
      let n = (i / p.queries) % p.heads;
      let b = i / (p.queries * p.heads);
      let at = ((b * p.queries + t) * p.heads + n) * p.size;
      var sum = 0.0;
      for (var d = 0u; d < p.size; d++) { sum = fma(dy[at + d], y[at + d], sum); }
      along[i] = sum;`,
    workgroups: Math.ceil((batch * heads * queries) / 64),
  });
  return along;
}

/**
 * `weight_of`: the softmax weight of a query and a key from the product q·k. It computes again what
 * the forward pass did not keep. The gradient of the score is weight·(dy·v − Σ dy·y).
 */
const gradientFunctions = (hasBias: boolean) => `
${scoreOf(hasBias)}
fn weight_of(dot: f32, b: u32, n: u32, t: u32, s: u32) -> f32 {
  let at = (b * p.heads + n) * 2u * p.queries + t;
  return exp(with_bias(dot, b, n, t, s) - stats[at]) * stats[at + p.queries];
}`;

const isSeen = (causal: boolean, t: string, s: string) =>
  `${s} < p.key_length && ${t} < p.queries ${causal ? `&& ${s} <= p.first_query + ${t}` : ''}`;

type GradientArguments = KernelArguments<
  GradientInputs & { readonly bias?: TensorInfo | undefined },
  AttentionAttributes
>;

/** The gradients of q, k and v. */
export const attentionGrad = fusedKernel('AttentionGrad', ({ inputs, backend, attrs }: GradientArguments) => {
  const { dy, q, k, v, stats, bias } = inputs;
  const { sizes, words, hasBias } = gradientSizes('AttentionGrad', inputs, attrs, bias);
  const { batch, queries, heads, size, causal, keys: allKeys } = sizes;
  const [dq, dk, dv] = [backend.allocate(q.shape), backend.allocate(k.shape), backend.allocate(v.shape)];
  const outputs = [dq, dk, dv] as const;
  if (batch * size === 0) return outputs;
  // Written with dq and read with dk and dv.
  const along = backend.allocate([batch, heads, queries]);
  const { rows, keys } = tileOf(backend, size, Math.max(2, queries), { q: 2, k: 2 });
  const tiledWords = { ...words, tile_rows: rows, tile_keys: keys };
  const bindings = [
    ...tensor('q', q),
    ...tensor('k', k),
    ...tensor('v', v),
    ...tensor('dy', dy),
    ...tensor('stats', stats),
    ...tensor('bias', bias ?? undefined),
  ];
  const memory = `
const SIZE = ${size}u;
var<workgroup> tile_q: array<f32, ${rows * size}>;
var<workgroup> tile_dy: array<f32, ${rows * size}>;
var<workgroup> tile_k: array<f32, ${keys * size}>;
var<workgroup> tile_v: array<f32, ${keys * size}>;
var<workgroup> weights: array<f32, ${rows * keys}>;
var<workgroup> slopes: array<f32, ${rows * keys}>;
${gradientFunctions(hasBias)}`;
  const ofQueries = `
var<workgroup> along_tile: array<f32, ${rows}>;`;
  const loadQueries = `
        for (var i = lane; i < ${rows * size}u; i += ${LANES}u) {
          let t = t0 + i / SIZE;
          var query = 0.0;
          var gradient = 0.0;
          if (t < p.queries) {
            let at = (b * p.queries + t) * width + n * SIZE + i % SIZE;
            query = q[at];
            gradient = dy[at];
          }
          tile_q[i] = query;
          tile_dy[i] = gradient;
        }`;
  const loadKeys = `
        for (var i = lane; i < ${keys * size}u; i += ${LANES}u) {
          let s = s0 + i / SIZE;
          var key = 0.0;
          var value = 0.0;
          if (s < p.key_length) {
            let at = (b * p.keys + s) * width + n * SIZE + i % SIZE;
            key = k[at];
            value = v[at];
          }
          tile_k[i] = key;
          tile_v[i] = value;
        }`;
  const computeSlopes = (alongAt: string) => `
        for (var i = lane; i < ${rows * keys}u; i += ${LANES}u) {
          let t = i / ${keys}u;
          let s = i % ${keys}u;
          var weight = 0.0;
          var slope = 0.0;
          if (${isSeen(causal, 't0 + t', 's0 + s')}) {
            var dot = 0.0;
            var product = 0.0;
            for (var d = 0u; d < p.size; d++) {
              dot = fma(tile_q[t * SIZE + d], tile_k[s * SIZE + d], dot);
              product = fma(tile_dy[t * SIZE + d], tile_v[s * SIZE + d], product);
            }
            weight = weight_of(dot, b, n, t0 + t, s0 + s);
            slope = weight * (product - ${alongAt});
          }
          weights[i] = weight;
          slopes[i] = slope;
        }`;
  const variant = `${size} ${rows} ${keys} ${causal} ${hasBias}`;
  const held = Math.ceil((rows * size) / LANES);
  if (queries > 0)
    backend.dispatch({
      name: `AttentionGrad of q ${variant}`,
      bindings: [
        ...bindings,
        ...tensor('y', inputs.y),
        { name: 'dq', tensor: dq, access: 'out' },
        { name: 'along', tensor: along, access: 'out' },
      ],
      words: tiledWords,
      floats: { scale: sizes.scale },
      lanes: LANES,
      declarations: () => memory + ofQueries,
      body: () => `
      let t0 = group.x * ${rows}u;
      let n = group.y;
      let b = group.z;
      let width = p.heads * SIZE;
      ${loadQueries}
      if (lane < ${rows}u) {
        var sum = 0.0;
        if (t0 + lane < p.queries) {
          let at = (b * p.queries + t0 + lane) * width + n * SIZE;
          for (var d = 0u; d < p.size; d++) { sum = fma(dy[at + d], y[at + d], sum); }
          along[(b * p.heads + n) * p.queries + t0 + lane] = sum;
        }
        along_tile[lane] = sum;
      }
      var acc: array<f32, ${held}>;
      let end = ${causal ? `min(p.key_length, p.first_query + min(t0 + ${rows}u, p.queries))` : 'p.key_length'};
      for (var s0 = 0u; s0 < end; s0 += ${keys}u) {
        workgroupBarrier();
        ${loadKeys}
        workgroupBarrier();
        ${computeSlopes('along_tile[t]')}
        workgroupBarrier();
        for (var h = 0u; h < ${held}u; h++) {
          let i = lane + h * ${LANES}u;
          if (i < ${rows * size}u) {
            var sum = acc[h];
            for (var s = 0u; s < p.tile_keys; s++) {
              sum = fma(slopes[(i / SIZE) * ${keys}u + s], tile_k[s * SIZE + i % SIZE], sum);
            }
            acc[h] = sum;
          }
        }
      }
      for (var h = 0u; h < ${held}u; h++) {
        let i = lane + h * ${LANES}u;
        let t = t0 + i / SIZE;
        if (i < ${rows * size}u && t < p.queries) {
          dq[(b * p.queries + t) * width + n * SIZE + i % SIZE] = acc[h] * p.scale;
        }
      }`,
      workgroups: [Math.ceil(queries / rows), heads, batch],
    });
  const heldKeys = Math.ceil((keys * size) / LANES);
  if (allKeys > 0)
    backend.dispatch({
      name: `AttentionGrad of k and v ${variant}`,
      bindings: [
        ...bindings,
        ...tensor('along', along),
        { name: 'dk', tensor: dk, access: 'out' },
        { name: 'dv', tensor: dv, access: 'out' },
      ],
      words: tiledWords,
      floats: { scale: sizes.scale },
      lanes: LANES,
      declarations: () => memory,
      body: () => `
      let s0 = group.x * ${keys}u;
      let n = group.y;
      let b = group.z;
      let width = p.heads * SIZE;
      ${loadKeys}
      var acc_k: array<f32, ${heldKeys}>;
      var acc_v: array<f32, ${heldKeys}>;
      ${
        causal
          ? `// The first query that sees one of these keys.
      var t0 = 0u;
      if (s0 > p.first_query) { t0 = ((s0 - p.first_query) / ${rows}u) * ${rows}u; }`
          : 'var t0 = 0u;'
      }
      for (; t0 < p.queries; t0 += ${rows}u) {
        workgroupBarrier();
        ${loadQueries}
        workgroupBarrier();
        ${computeSlopes('along[(b * p.heads + n) * p.queries + t0 + t]')}
        workgroupBarrier();
        for (var h = 0u; h < ${heldKeys}u; h++) {
          let i = lane + h * ${LANES}u;
          if (i < ${keys * size}u) {
            var sum_k = acc_k[h];
            var sum_v = acc_v[h];
            for (var t = 0u; t < p.tile_rows; t++) {
              let at = t * ${keys}u + i / SIZE;
              sum_k = fma(slopes[at], tile_q[t * SIZE + i % SIZE], sum_k);
              sum_v = fma(weights[at], tile_dy[t * SIZE + i % SIZE], sum_v);
            }
            acc_k[h] = sum_k;
            acc_v[h] = sum_v;
          }
        }
      }
      for (var h = 0u; h < ${heldKeys}u; h++) {
        let i = lane + h * ${LANES}u;
        let s = s0 + i / SIZE;
        if (i < ${keys * size}u && s < p.keys) {
          let at = (b * p.keys + s) * width + n * SIZE + i % SIZE;
          dk[at] = acc_k[h] * p.scale;
          dv[at] = acc_v[h];
        }
      }`,
      workgroups: [Math.ceil(allKeys / keys), heads, batch],
    });
  backend.disposeData(along.dataId);
  return outputs;
});

type BiasGradientArguments = KernelArguments<
  GradientInputs & { readonly bias: TensorInfo },
  AttentionAttributes
>;

/** The gradient of the bias: a lane adds up one element over the axes along which the bias is spread. */
export const attentionBiasGrad = fusedKernel(
  'AttentionBiasGrad',
  ({ inputs, backend, attrs }: BiasGradientArguments) => {
    const { dy, q, k, v, stats, bias } = inputs;
    if (bias == null) throw new Error('AttentionBiasGrad: expected a bias, found none.');
    const { sizes, words } = gradientSizes('AttentionBiasGrad', inputs, attrs, bias);
    const { size, causal } = sizes;
    const dbias = backend.allocate(bias.shape);
    const all = sizeOf(bias.shape);
    if (all === 0) return dbias;
    const along = alongOf(backend, inputs, sizes);
    const [ofBatch, ofHeads, ofQueries, width] = bias.shape as [number, number, number, number];
    backend.dispatch({
      name: `AttentionBiasGrad ${causal}`,
      bindings: [
        ...tensor('q', q),
        ...tensor('k', k),
        ...tensor('v', v),
        ...tensor('dy', dy),
        ...tensor('stats', stats),
        ...tensor('along', along),
        ...tensor('bias', bias),
        { name: 'dbias', tensor: dbias, access: 'out' },
      ],
      words: {
        ...words,
        size,
        all,
        of_batch: ofBatch,
        of_heads: ofHeads,
        of_queries: ofQueries,
        bias_width: width,
      },
      floats: { scale: sizes.scale },
      lanes: 64,
      declarations: () => gradientFunctions(true),
      body: () => `
      let i = index * 64u + lane;
      if (i >= p.all) { return; }
      let s = i % p.bias_width;
      let own_t = (i / p.bias_width) % p.of_queries;
      let own_n = (i / (p.bias_width * p.of_queries)) % p.of_heads;
      let own_b = i / (p.bias_width * p.of_queries * p.of_heads);
      let end_b = select(own_b + 1u, p.batch, p.of_batch == 1u);
      let end_n = select(own_n + 1u, p.heads, p.of_heads == 1u);
      let end_t = select(own_t + 1u, p.queries, p.of_queries == 1u);
      var sum = 0.0;
      for (var b = own_b; b < end_b; b++) {
        for (var n = own_n; n < end_n; n++) {
          for (var t = own_t; t < end_t; t++) {
            if (${isSeen(causal, 't', 's')}) {
              let at_q = ((b * p.queries + t) * p.heads + n) * p.size;
              let at_k = ((b * p.keys + s) * p.heads + n) * p.size;
              var dot = 0.0;
              var product = 0.0;
              for (var d = 0u; d < p.size; d++) {
                dot = fma(q[at_q + d], k[at_k + d], dot);
                product = fma(dy[at_q + d], v[at_k + d], product);
              }
              sum += weight_of(dot, b, n, t, s) * (product - along[(b * p.heads + n) * p.queries + t]);
            }
          }
        }
      }
      dbias[i] = sum;`,
      workgroups: Math.ceil(all / 64),
    });
    backend.disposeData(along.dataId);
    return dbias;
  },
);
