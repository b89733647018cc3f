import type { DalleBartConfig } from '@easel/bart';
import { bartParameters } from '@easel/bart/internals';

/**
 * For each axis of a weight: whether it is divided among the devices that share a model. Undefined
 * means that each device keeps the whole weight.
 */
export type Partition = readonly boolean[] | undefined;

/**
 * Returns how the original divides a model's weights among the devices that share it (its mesh axis
 * "mp"), under the original's names. Kernels of q, k and v, of the feed-forward's first products
 * and of the head are divided along their outputs. Kernels that follow these are divided along
 * their inputs, embeddings along their rows, position biases along heads. Biases, scales and
 * factors are not divided, nor is the first axis of stacked layers.
 *
 * Optimizer moments are divided like their weight. Adafactor's state is not divided. Source:
 * dalle-mini `model/partitions.py`.
 */
export function originalPartitions(
  config: DalleBartConfig,
): Map<string, { readonly shape: readonly number[]; readonly partition: Partition }> {
  const found = new Map<string, { shape: readonly number[]; partition: Partition }>();
  for (const { place, leaf, shape } of bartParameters(config)) {
    const name = [...place.path, leaf].join('/');
    if (found.has(name)) continue; // a further layer of a stack
    const own = partitionOf([...place.path, leaf], shape.length);
    const { stacked } = place;
    found.set(name, {
      shape: stacked ? [stacked.count, ...shape] : shape,
      partition: own && stacked ? [false, ...own] : own,
    });
  }
  return found;
}

const OUTPUTS = [false, true];
const INPUTS = [true, false];

function partitionOf(path: readonly string[], rank: number): Partition {
  const [module, leaf] = path.slice(-2) as [string, string];
  const block = path.at(-3);
  if (rank !== 2) return undefined;
  if (leaf === 'embedding') return module === 'rel_bias' ? OUTPUTS : INPUTS;
  if (leaf !== 'kernel') return undefined;
  if (/^(q_proj|k_proj|v_proj|lm_head|Dense_0)$/.test(module)) return OUTPUTS;
  if (module === 'out_proj' || module === 'Dense_2') return INPUTS;
  if (module === 'Dense_1') return block?.startsWith('GLU') ? OUTPUTS : INPUTS;
  return undefined;
}
