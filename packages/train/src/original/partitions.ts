import type { DalleBartConfig } from '@easel/bart';
import { bartParameters } from '@easel/bart/internals';

/**
 * For each axis of a weight: whether it is cut over the devices that share a model. Undefined: each
 * device keeps the weight whole.
 */
export type Partition = readonly boolean[] | undefined;

/**
 * How the original cuts a model's weights over the devices that share it (its mesh axis "mp"), by
 * its own names: kernels of q, k and v, of the feed-forward's first products and of the head along
 * their outputs; kernels that come after those along their inputs; embeddings along their rows;
 * position biases along heads; biases, scales and factors not at all. Stacked layers have a first
 * axis that is not cut.
 *
 * Optimizer moments are cut as their weight; Adafactor's state is whole. Source: dalle-mini
 * `model/partitions.py`.
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
