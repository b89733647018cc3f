import type { TensorInfo } from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { requireFloat32 } from './activation.js';
import { type KernelArguments, nativeKernel, sizeOf } from './kernel.js';

const sizes = new Int32Array(9);

/**
 * softmax(scale·q·kᵀ + bias)·v for each head; forward only.
 *
 * q and y: float32 [B, T, D]; k, v: [B, S, D], heads side by side (column n·K + k belongs to head n), of which the first `keyLength` rows
 * count; bias: [1 or B, 1 or N, 1 or T, keyLength or more]. Vaswani et al. 2017, arXiv:1706.03762 §3.2.
 */
export const attention = nativeKernel('Attention', ({ inputs, backend, attrs }: KernelArguments) => {
  const { q, k, v, bias } = inputs as Record<'q' | 'k' | 'v', TensorInfo> & { bias?: TensorInfo };
  const { heads, scale, keyLength } = attrs as { heads: number; scale: number; keyLength?: number };
  requireFloat32('Attention', { q, k, v, bias });
  const [batch, queries, width] = q.shape as [number, number, number];
  const capacity = k.shape[1] as number;
  const keys = keyLength ?? capacity;
  if (q.shape.length !== 3 || `${k.shape}` !== `${[batch, capacity, width]}` || `${v.shape}` !== `${k.shape}`)
    throw new Error(
      `Attention: expected q [B, T, D] and k, v [B, S, D], got [${q.shape}], [${k.shape}] and [${v.shape}].`,
    );
  if (!(Number.isInteger(heads) && heads > 0) || width % heads !== 0)
    throw new Error(`Attention: heads (${heads}) must divide the width ${width}.`);
  if (!(Number.isInteger(keys) && keys > 0 && keys <= capacity))
    throw new Error(`Attention: keyLength must be 1 to ${capacity}, got ${keys}.`);
  const steps = [0, 0, 0];
  if (bias) {
    const extents = [batch, heads, queries];
    const fits = bias.shape.length === 4 && (bias.shape[3] as number) >= keys;
    if (!fits || extents.some((extent, axis) => bias.shape[axis] !== 1 && bias.shape[axis] !== extent))
      throw new Error(
        `Attention: expected a bias that broadcasts to [${extents}, ${keys}], got [${bias.shape}].`,
      );
    for (let axis = 0; axis < 3; axis++)
      steps[axis] = bias.shape[axis] === 1 ? 0 : sizeOf(bias.shape.slice(axis + 1));
  }
  const y = backend.allocate(q.shape, 'float32');
  if (y.values.length === 0) return y.info;
  sizes.set([batch, queries, capacity, keys, heads, width / heads, ...steps]);
  addon().attention(
    y.values,
    backend.float32(q),
    backend.float32(k),
    backend.float32(v),
    bias ? backend.float32(bias) : null,
    scale,
    sizes,
  );
  return y.info;
});
