import type { WeightRule } from '@easel/core';

/** PyTorch's convolution kernels are [out, in, h, w]; ours and Flax's are [h, w, in, out]. */
const OIHW_TO_HWIO = [2, 3, 1, 0] as const;

const CODEBOOK = 'quantize.embedding.embedding';

/**
 * Maps each weight of a Vqgan to its place in a Flax checkpoint: vqgan-jax's flax_model.msgpack,
 * read with nested names joined by dots. Our names are the Flax paths, and the layouts agree.
 * `names` are the keys of model.namedWeights().
 */
export function vqganRulesForFlax(names: Iterable<string>): Map<string, WeightRule> {
  return new Map([...names].map((name) => [name, { source: name }]));
}

/** Maps each weight to its place in a file that Easel wrote: its own name. */
export const vqganRulesForEasel = vqganRulesForFlax;

/**
 * Maps each weight to its place in a state_dict of taming-transformers.
 *
 * | ours | taming | layout |
 * | --- | --- | --- |
 * | encoder.down_4.attn_0.q.kernel | encoder.down.4.attn.0.q.weight | OIHW → HWIO |
 * | decoder.mid.block_1.norm1.scale | decoder.mid.block_1.norm1.weight | the same |
 * | quantize.embedding.embedding | quantize.embedding.weight | the same |
 * | any bias | the same | the same |
 *
 * Only the numbers of levels and of the blocks in them stand after a dot. `mid.block_1` and
 * `mid.attn_1` keep their underscores.
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
 * Maps each weight to its place in min-dalle's detoker.pt. The places are taming's, except that the
 * codebook is `embedding.weight`. The file holds only the weights that decoding needs.
 */
export function vqganRulesForMinDalle(names: Iterable<string>): Map<string, WeightRule> {
  const rules = vqganRulesForTaming(names);
  if (rules.has(CODEBOOK)) rules.set(CODEBOOK, { source: 'embedding.weight' });
  return rules;
}

/** Whether only encoding needs a weight. */
export function isEncoderWeight(name: string): boolean {
  return name.startsWith('encoder.') || name.startsWith('quant_conv.');
}

/** Whether a weight is the codebook. */
export function isCodebookWeight(name: string): boolean {
  return name === CODEBOOK;
}

/** The way to read a checkpoint of a VQGAN. */
export interface VqganReading {
  /** The program whose names the checkpoint has. Flax's names are also ours. */
  readonly naming: 'flax' | 'taming' | 'min-dalle';
  /** Whether the checkpoint has the weights that only encoding needs. */
  readonly canEncode: boolean;
  /** Maps each weight of a Vqgan to its place. `names` are the keys of model.namedWeights(). */
  rules(names: Iterable<string>): Map<string, WeightRule>;
  /**
   * Whether a tensor of the checkpoint is not a weight of a Vqgan, as taming's discriminator and
   * LPIPS and Lightning's training state.
   */
  ignore(name: string): boolean;
  /** Whether only encoding needs a tensor of the checkpoint. */
  forEncoding(name: string): boolean;
}

/** Prefix of a model's weights in Lightning's .ckpt file. */
const LIGHTNING_PREFIX = 'state_dict.';

/** Returns the way to read a checkpoint with these names. */
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
