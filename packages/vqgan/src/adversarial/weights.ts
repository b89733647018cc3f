import type { WeightRule } from '@easel/core';

/** PyTorch's convolution kernels are [out, in, h, w]; ours are [h, w, in, out]. */
const OIHW_TO_HWIO = [2, 3, 1, 0] as const;
/** ActNorm's weights are [1, C, 1, 1] in taming; ours are [1, 1, 1, C]. */
const CHANNELS_LAST = [0, 2, 3, 1] as const;

/** Numbers N of VGG16's convolutions in torchvision (`features.N`), by level. */
const VGG16_LAYERS = [
  [0, 2],
  [5, 7],
  [10, 12, 14],
  [17, 19, 21],
  [24, 26, 28],
] as const;

/** The program whose names an LPIPS checkpoint has. */
export type LpipsNaming = 'easel' | 'taming' | 'torchvision';

/**
 * Maps each weight of an Lpips to its place in a checkpoint.
 *
 * | ours | taming | torchvision | layout |
 * | --- | --- | --- | --- |
 * | conv3_2.kernel | net.slice3.12.weight | features.12.weight | OIHW → HWIO |
 * | conv3_2.bias | net.slice3.12.bias | features.12.bias | the same |
 * | lin2.kernel | lin2.model.1.weight | (not there) | OIHW → HWIO |
 *
 * taming's own file holds the `lin` weights alone and expects torchvision's VGG16 beside it.
 */
export function lpipsRules(names: Iterable<string>, naming: LpipsNaming): Map<string, WeightRule> {
  return new Map([...names].map((name) => [name, lpipsRule(name, naming)]));
}

function lpipsRule(name: string, naming: LpipsNaming): WeightRule {
  if (naming === 'easel') return { source: name };
  const transpose = name.endsWith('.kernel') ? { transpose: OIHW_TO_HWIO } : {};
  const linear = /^lin(\d)\.kernel$/.exec(name);
  if (linear !== null) return { source: `lin${linear[1]}.model.1.weight`, ...transpose };
  const [, level = '', index = '', part = ''] = /^conv(\d)_(\d)\.(kernel|bias)$/.exec(name) ?? [];
  const layer = VGG16_LAYERS[Number(level) - 1]?.[Number(index) - 1];
  const place = naming === 'taming' ? `net.slice${level}.${layer}` : `features.${layer}`;
  return { source: `${place}.${part === 'kernel' ? 'weight' : 'bias'}`, ...transpose };
}

/**
 * Maps each weight of a PatchDiscriminator to its place in a state_dict of taming, where names
 * begin with `loss.discriminator.`.
 *
 * | ours | taming | layout |
 * | --- | --- | --- |
 * | conv0.kernel, conv<n>.kernel | main.0.weight, main.<3n − 1>.weight | OIHW → HWIO |
 * | norm<n>.scale, bias, running_mean, running_var | main.<3n>.weight, bias, running_mean,
 * running_var | the same |
 * | norm<n>.loc, scale of ActNorm | main.<3n>.loc, scale | channels last |
 */
export function discriminatorRules(names: Iterable<string>, prefix = ''): Map<string, WeightRule> {
  const all = [...names];
  const isActNorm = all.some((name) => name.endsWith('.loc'));
  return new Map(all.map((name) => [name, discriminatorRule(name, prefix, isActNorm)]));
}

function discriminatorRule(name: string, prefix: string, isActNorm: boolean): WeightRule {
  const [, kind = '', number = '', part = ''] = /^(conv|norm)(\d+)\.(.+)$/.exec(name) ?? [];
  const n = Number(number);
  const place = `${prefix}main.${kind === 'norm' ? 3 * n : Math.max(0, 3 * n - 1)}`;
  if (part === 'kernel') return { source: `${place}.weight`, transpose: OIHW_TO_HWIO };
  if (kind === 'norm' && isActNorm) {
    return part === 'initialized'
      ? { source: `${place}.${part}` }
      : { source: `${place}.${part}`, transpose: CHANNELS_LAST };
  }
  return { source: `${place}.${part === 'scale' ? 'weight' : part}` };
}
