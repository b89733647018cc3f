import type { TensorInfo } from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { ATTENTION, lengthOf } from '../addon-numbers.js';
import { requireFloat32 } from './activation.js';
import { type FusedArguments, fusedKernel, requireShape, sizeOf } from './kernel.js';

const sizes = new Int32Array(lengthOf(ATTENTION));

/** The places of the bias's steps along batch, heads and queries. */
const BIAS_STEPS = [ATTENTION.biasBatch, ATTENTION.biasHead, ATTENTION.biasQuery];

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

export interface ForwardAttributes extends AttentionAttributes {
  /** Whether to return `stats`, which the gradient needs. */
  readonly withStats?: boolean;
}

/** Inputs of attention. The int32 [B] inputs give each row of the batch its own number. */
export interface ForwardInputs {
  readonly q: TensorInfo;
  readonly k: TensorInfo;
  readonly v: TensorInfo;
  /** Takes the place of keyLength. */
  readonly keyLengths?: TensorInfo | undefined;
  /** Takes the place of firstQuery. */
  readonly firstQueries?: TensorInfo | undefined;
  /** The row of k and v that each row of q looks at. */
  readonly keyRows?: TensorInfo | undefined;
}

type ForwardArguments = FusedArguments<ForwardInputs, ForwardAttributes>;

/**
 * softmax(scale·q·kᵀ + bias)·v for each head. Returns y, and with `withStats` also stats, float32
 * [B, N, 2, T]: the maximum of each query's scores and 1 / Σ exp(score − maximum). The matrix of
 * scores is never stored. Vaswani et al. 2017, arXiv:1706.03762 §3.2.
 *
 * q and y are float32 [B, T, D]; k and v are [B, S, D], with heads side by side: column n·K + k
 * belongs to head n. The first `keyLength` rows of k and v count. bias is [1 or B, 1 or N, 1 or T,
 * keyLength or more].
 *
 * keyLengths, firstQueries and keyRows are int32 [B]. With keyRows, k and v are [E, S, D]. A row's
 * result then depends on its own numbers alone, to the last bit. The gradient kernels don't take
 * these inputs.
 */
function attend(
  name: string,
  args: ForwardArguments,
  bias?: TensorInfo,
): [TensorInfo] | [TensorInfo, TensorInfo] {
  const { inputs, backend, attrs } = args;
  const { q, k, v, keyLengths, firstQueries, keyRows } = inputs;
  const { heads, scale, withStats = false } = attrs;
  requireFloat32(name, { q, k, v, bias });
  const rows = { keyLengths, firstQueries, keyRows };
  for (const input in rows) requireRows(name, input, rows[input as keyof typeof rows], q.shape[0] as number);
  const { keyLength: _, ...unlimited } = attrs;
  setSizes(name, q, k, v, bias, keyLengths === undefined ? attrs : unlimited, keyRows !== undefined);
  const y = backend.allocate(q.shape, 'float32');
  const [batch, queries] = q.shape as [number, number, number];
  const stats = withStats ? backend.allocate([batch, heads, 2, queries], 'float32') : undefined;
  if (y.values.length > 0)
    addon().attention(
      y.values,
      stats ? stats.values : null,
      backend.float32(q),
      backend.float32(k),
      backend.float32(v),
      bias ? backend.float32(bias) : null,
      keyLengths ? backend.int32(keyLengths) : null,
      firstQueries ? backend.int32(firstQueries) : null,
      keyRows ? backend.int32(keyRows) : null,
      scale,
      sizes,
    );
  return stats ? [y.info, stats.info] : [y.info];
}

/** Attention without a bias. */
export const attention = fusedKernel('Attention', (args: ForwardArguments) => attend('Attention', args));

/**
 * Attention with a bias. It is a kernel of its own because a registered gradient cannot save an
 * input that may be missing.
 */
export const biasedAttention = fusedKernel(
  'BiasedAttention',
  (args: FusedArguments<ForwardInputs & { readonly bias: TensorInfo }, ForwardAttributes>) => {
    const { bias } = args.inputs;
    if (bias === undefined) throw new Error('BiasedAttention: expected a bias, found none.');
    return attend('BiasedAttention', args, bias);
  },
);

type GradientArguments<Bias = { bias?: TensorInfo | undefined }> = FusedArguments<
  Record<'dy' | 'q' | 'k' | 'v' | 'y' | 'stats', TensorInfo> & Bias,
  AttentionAttributes
>;

/** The gradients of q, k and v. Inputs: dy, q, k, v, bias (if there was one), y, stats. */
export const attentionGrad = fusedKernel('AttentionGrad', ({ inputs, backend, attrs }: GradientArguments) => {
  const { q, k, v } = inputs;
  const dq = backend.allocate(q.shape, 'float32');
  const dk = backend.allocate(k.shape, 'float32');
  const dv = backend.allocate(v.shape, 'float32');
  runGradient('AttentionGrad', { inputs, backend, attrs }, [dq.values, dk.values, dv.values, null]);
  return [dq.info, dk.info, dv.info];
});

/**
 * The gradient of the bias. Inputs are those of AttentionGrad. It is a kernel of its own because
 * masks need no gradient.
 */
export const attentionBiasGrad = fusedKernel(
  'AttentionBiasGrad',
  ({ inputs, backend, attrs }: GradientArguments<{ bias: TensorInfo }>) => {
    const dbias = backend.allocate(inputs.bias.shape, 'float32');
    runGradient('AttentionBiasGrad', { inputs, backend, attrs }, [null, null, null, dbias.values]);
    return dbias.info;
  },
);

type Gradients = [Float32Array | null, Float32Array | null, Float32Array | null, Float32Array | null];

function runGradient(name: string, { inputs, backend, attrs }: GradientArguments, outputs: Gradients): void {
  const { dy, q, k, v, bias, y, stats } = inputs;
  const { scale } = attrs;
  requireFloat32(name, { dy, q, k, v, bias, y, stats });
  setSizes(name, q, k, v, bias, attrs);
  const [batch, queries] = q.shape as [number, number, number];
  requireShape(name, 'dy', dy, q.shape);
  requireShape(name, 'y', y, q.shape);
  requireShape(name, 'stats', stats, [batch, attrs.heads, 2, queries]);
  if (sizeOf(q.shape) === 0) {
    for (const output of outputs) output?.fill(0);
    return;
  }
  addon().attentionGrad(
    ...outputs,
    backend.float32(dy),
    backend.float32(q),
    backend.float32(k),
    backend.float32(v),
    bias ? backend.float32(bias) : null,
    backend.float32(y),
    backend.float32(stats),
    scale,
    sizes,
  );
}

/** Throws Error unless `rows` is int32 [batch] or missing. */
function requireRows(name: string, input: string, rows: TensorInfo | undefined, batch: number): void {
  if (rows === undefined || (rows.dtype === 'int32' && `${rows.shape}` === `${batch}`)) return;
  throw new Error(`${name}: expected ${input} int32 [${batch}], got ${rows.dtype} [${rows.shape}].`);
}

/** Checks shapes and attributes and fills `sizes`. */
function setSizes(
  name: string,
  q: TensorInfo,
  k: TensorInfo,
  v: TensorInfo,
  bias: TensorInfo | undefined,
  { heads, keyLength, causal = false, firstQuery = 0 }: AttentionAttributes,
  ownRows = false,
): void {
  const [batch, queries, width] = q.shape as [number, number, number];
  const [keyRows, capacity] = k.shape as [number, number];
  const keys = keyLength ?? capacity;
  const rows = ownRows ? keyRows : batch;
  if (q.shape.length !== 3 || `${k.shape}` !== `${[rows, capacity, width]}` || `${v.shape}` !== `${k.shape}`)
    throw new Error(
      `${name}: expected q [B, T, D] and k, v [${ownRows ? 'E' : 'B'}, S, D], got [${q.shape}], [${k.shape}] and [${v.shape}].`,
    );
  if (!(Number.isInteger(heads) && heads > 0) || width % heads !== 0)
    throw new Error(`${name}: heads (${heads}) must divide the width ${width}.`);
  if (!(Number.isInteger(keys) && keys > 0 && keys <= capacity))
    throw new Error(`${name}: keyLength must be 1 to ${capacity}, got ${keys}.`);
  if (!(Number.isInteger(firstQuery) && firstQuery >= 0 && firstQuery < 2 ** 31))
    throw new Error(`${name}: firstQuery must be an integer from 0, got ${firstQuery}.`);
  sizes.fill(0);
  if (bias) {
    const extents = [batch, heads, queries];
    const fits = bias.shape.length === 4 && (bias.shape[3] as number) >= keys;
    if (!fits || extents.some((extent, axis) => bias.shape[axis] !== 1 && bias.shape[axis] !== extent))
      throw new Error(
        `${name}: expected a bias that broadcasts to [${extents}, ${keys}], got [${bias.shape}].`,
      );
    for (let axis = 0; axis < 3; axis++)
      sizes[BIAS_STEPS[axis] as number] = bias.shape[axis] === 1 ? 0 : sizeOf(bias.shape.slice(axis + 1));
  }
  sizes[ATTENTION.batch] = batch;
  sizes[ATTENTION.queries] = queries;
  sizes[ATTENTION.capacity] = capacity;
  sizes[ATTENTION.keys] = keys;
  sizes[ATTENTION.heads] = heads;
  sizes[ATTENTION.width] = width / heads;
  sizes[ATTENTION.causal] = causal ? 1 : 0;
  sizes[ATTENTION.firstQuery] = firstQuery;
  sizes[ATTENTION.keyRows] = rows;
}
