import type { WeightRule } from '@easel/core';

/** PyTorch's dense kernels are [out, in]; ours and Flax's are [in, out]. */
const OUT_IN_TO_IN_OUT = [1, 0] as const;

/** PyTorch's convolution kernels are [out, in, h, w]; ours and Flax's are [h, w, in, out]. */
const OIHW_TO_HWIO = [2, 3, 1, 0] as const;

const PATCHES = 'vision_model.embeddings.patch_embedding.kernel';

/** Tensors 0, 1, 2, … that PyTorch checkpoints keep beside the weights, until 2023. */
const POSITION_IDS = ['text_model.embeddings.position_ids', 'vision_model.embeddings.position_ids'];

/**
 * Maps each weight of a Clip to its place in a Flax checkpoint: FlaxCLIPModel's flax_model.msgpack,
 * read with nested names joined by dots. Our names are the Flax paths, and the layouts agree.
 * `names` are the keys of model.namedWeights().
 */
export function clipRulesForFlax(names: Iterable<string>): Map<string, WeightRule> {
  return new Map([...names].map((name) => [name, { source: name }]));
}

/** Maps each weight to its place in a file that Easel wrote: its own name. */
export const clipRulesForEasel = clipRulesForFlax;

/**
 * Maps each weight to its place in a checkpoint of transformers' PyTorch CLIPModel
 * (model.safetensors or pytorch_model.bin).
 *
 * | ours | PyTorch | layout |
 * | --- | --- | --- |
 * | …q_proj.kernel, fc1.kernel, text_projection.kernel | ….weight | [out, in] → [in, out] |
 * | vision_model.embeddings.patch_embedding.kernel | ….weight | OIHW → HWIO |
 * | …layer_norm1.scale, …token_embedding.embedding | ….weight | the same |
 * | any bias, class_embedding, logit_scale | the same | the same |
 */
export function clipRulesForTorch(names: Iterable<string>): Map<string, WeightRule> {
  return new Map([...names].map((name) => [name, torchRule(name)]));
}

function torchRule(name: string): WeightRule {
  const source = name.replace(/\.(kernel|scale|embedding)$/, '.weight');
  if (name === PATCHES) return { source, transpose: OIHW_TO_HWIO };
  return name.endsWith('.kernel') ? { source, transpose: OUT_IN_TO_IN_OUT } : { source };
}

/** The way to read a checkpoint of a CLIP. */
export interface ClipReading {
  /** The program whose names the checkpoint has. Flax's names are also ours. */
  readonly naming: 'flax' | 'torch';
  /** Maps each weight of a Clip to its place. `names` are the keys of model.namedWeights(). */
  rules(names: Iterable<string>): Map<string, WeightRule>;
  /** Whether a tensor of the checkpoint is not a weight. */
  ignore(name: string): boolean;
}

/** Returns the way to read a checkpoint with these names. */
export function clipReading(entries: Iterable<string>): ClipReading {
  const torch = new Set(entries).has('text_projection.weight');
  return {
    naming: torch ? 'torch' : 'flax',
    rules: torch ? clipRulesForTorch : clipRulesForFlax,
    ignore: (name) => torch && POSITION_IDS.includes(name),
  };
}
