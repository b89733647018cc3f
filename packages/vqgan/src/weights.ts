import type { WeightRule } from '@easel/core';

/** Convolution kernels of PyTorch are [out, in, h, w]; ours and Flax's are [h, w, in, out]. */
const OIHW_TO_HWIO = [2, 3, 1, 0] as const;

/**
 * Where each weight of a Vqgan stands in a Flax checkpoint (vqgan-jax's flax_model.msgpack, read with nested names joined by dots).
 * Our names are the Flax paths and the layouts agree. `names`: the keys of model.namedWeights().
 */
export function rulesForFlax(names: Iterable<string>): Map<string, WeightRule> {
  return new Map([...names].map((name) => [name, { source: name }]));
}

/** Where each weight stands in a file that Easel wrote: under its own name. */
export const rulesForEasel = rulesForFlax;

/**
 * Where each weight stands in a checkpoint of taming-transformers (its state_dict as safetensors).
 *
 * | ours | taming | layout |
 * | --- | --- | --- |
 * | encoder.down_4.attn_0.q.kernel | encoder.down.4.attn.0.q.weight | OIHW → HWIO |
 * | decoder.mid.block_1.norm1.scale | decoder.mid.block_1.norm1.weight | the same |
 * | quantize.embedding.embedding | quantize.embedding.weight | the same |
 * | any bias | the same | the same |
 *
 * Only the numbers of levels and of the blocks in them stand after a dot; `mid.block_1` and `mid.attn_1` are names of their own.
 * Load with `ignore: isTamingLoss`, since a whole taming checkpoint also holds its discriminator and LPIPS.
 */
export function rulesForTaming(names: Iterable<string>): Map<string, WeightRule> {
  return new Map([...names].map((name) => [name, tamingRule(name)]));
}

function tamingRule(name: string): WeightRule {
  const source = name
    .replace(/\b(down|up)_(\d+)\.(?:(block|attn)_(\d+)\.)?/, (_, direction, level, kind, index) =>
      kind === undefined ? `${direction}.${level}.` : `${direction}.${level}.${kind}.${index}.`,
    )
    .replace(/\.(kernel|scale|embedding)$/, '.weight');
  return name.endsWith('.kernel') ? { source, transpose: OIHW_TO_HWIO } : { source };
}

/** Tensors of a taming checkpoint that a Vqgan has no place for: the discriminator and LPIPS of its training loss. */
export function isTamingLoss(name: string): boolean {
  return name.startsWith('loss.');
}

/** Weights that only encoding needs. */
export function isEncoderWeight(name: string): boolean {
  return name.startsWith('encoder.') || name.startsWith('quant_conv.');
}

/** Which names a checkpoint of a VQGAN uses: taming's, or Flax's, which are also ours. */
export function vqganNaming(entries: Iterable<string>): 'flax' | 'taming' {
  for (const name of entries) if (/^(encoder|decoder)\.conv_in\.weight$/.test(name)) return 'taming';
  return 'flax';
}
