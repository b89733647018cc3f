import type { WeightRule } from '@easel/core';

/** Convolution kernels of PyTorch are [out, in, h, w]; ours and Flax's are [h, w, in, out]. */
const OIHW_TO_HWIO = [2, 3, 1, 0] as const;

const CODEBOOK = 'quantize.embedding.embedding';

/**
 * Where each weight of a Vqgan stands in a Flax checkpoint (vqgan-jax's flax_model.msgpack, read
 * with nested names joined by dots). Our names are the Flax paths and the layouts agree. `names`:
 * the keys of model.namedWeights().
 */
export function vqganRulesForFlax(names: Iterable<string>): Map<string, WeightRule> {
  return new Map([...names].map((name) => [name, { source: name }]));
}

/** Where each weight stands in a file that Easel wrote: under its own name. */
export const vqganRulesForEasel = vqganRulesForFlax;

/**
 * Where each weight stands in a state_dict of taming-transformers.
 *
 * | ours | taming | layout |
 * | --- | --- | --- |
 * | encoder.down_4.attn_0.q.kernel | encoder.down.4.attn.0.q.weight | OIHW → HWIO |
 * | decoder.mid.block_1.norm1.scale | decoder.mid.block_1.norm1.weight | the same |
 * | quantize.embedding.embedding | quantize.embedding.weight | the same |
 * | any bias | the same | the same |
 *
 * Only the numbers of levels and of the blocks in them stand after a dot; `mid.block_1` and
 * `mid.attn_1` are names of their own.
 */
export function vqganRulesForTaming(names: Iterable<string>): Map<string, WeightRule> {
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

/**
 * Where each weight stands in min-dalle's detoker.pt: as with taming, but the codebook is
 * `embedding.weight`. It holds what decoding needs.
 */
export function vqganRulesForMinDalle(names: Iterable<string>): Map<string, WeightRule> {
  const rules = vqganRulesForTaming(names);
  if (rules.has(CODEBOOK)) rules.set(CODEBOOK, { source: 'embedding.weight' });
  return rules;
}

/** Weights that only encoding needs. */
export function isEncoderWeight(name: string): boolean {
  return name.startsWith('encoder.') || name.startsWith('quant_conv.');
}

/** How a checkpoint of a VQGAN is read. */
export interface VqganReading {
  /** Whose names it has; Flax's are also ours. */
  readonly naming: 'flax' | 'taming' | 'min-dalle';
  /** Whether the weights are there that only encoding needs. */
  readonly canEncode: boolean;
  /** Where each weight of a Vqgan stands. `names`: the keys of model.namedWeights(). */
  rules(names: Iterable<string>): Map<string, WeightRule>;
  /**
   * Whether a tensor of the checkpoint is no weight of a Vqgan: taming's discriminator and LPIPS,
   * Lightning's training state.
   */
  ignore(name: string): boolean;
  /** Whether a tensor of the checkpoint is of use to encoding alone. */
  forEncoding(name: string): boolean;
}

/** Where Lightning keeps the weights of a model in a .ckpt file. */
const LIGHTNING_PREFIX = 'state_dict.';

/** How to read a checkpoint with these names. */
export function vqganReading(entries: Iterable<string>): VqganReading {
  const all = [...entries];
  const prefix = all.some((name) => name.startsWith(LIGHTNING_PREFIX)) ? LIGHTNING_PREFIX : '';
  const names = new Set(
    all.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)),
  );
  const canEncode = [...names].some(isEncoderWeight);
  const forEncoding = (name: string): boolean => isEncoderWeight(name.slice(prefix.length));
  if (!names.has('decoder.conv_in.weight')) {
    return { naming: 'flax', canEncode, rules: vqganRulesForFlax, ignore: () => false, forEncoding };
  }
  const minDalle = names.has('embedding.weight');
  const rulesOf = minDalle ? vqganRulesForMinDalle : vqganRulesForTaming;
  const underPrefix = (rule: WeightRule): WeightRule => ({ ...rule, source: prefix + rule.source });
  return {
    naming: minDalle ? 'min-dalle' : 'taming',
    canEncode,
    rules: (wanted) => new Map([...rulesOf(wanted)].map(([name, rule]) => [name, underPrefix(rule)])),
    ignore: (name) => !name.startsWith(prefix) || name.startsWith(`${prefix}loss.`),
    forEncoding,
  };
}
