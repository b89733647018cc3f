import type { FlaxTensor } from '@easel/core';
import { ConfigError, type TensorSource, type WeightRule } from '@easel/core';
import type { DalleBartConfig } from './config.js';
import { bartParameters, type Parameter } from './parameters.js';

/**
 * Maps each of our weights to its place in a Flax checkpoint, whose layers are stacked ("scanned")
 * or apart. Names are joined with dots. Nothing is transposed, because both sides store kernels as
 * [in, out].
 *
 * The names in `source` tell which layout it has, so it also loads with a config whose use_scan
 * says otherwise.
 */
export function bartRulesForFlax(
  config: DalleBartConfig,
  source: Pick<TensorSource, 'entries'>,
): Map<string, WeightRule> {
  const stacked = [...source.entries.keys()].some((name) => /\.FlaxBart(?:En|De)coderLayers\./.test(name));
  const table = bartParameters({ ...config, useScan: stacked });
  const wanted = new Set(bartParameters(config).map((parameter) => parameter.name));
  return new Map(
    table
      .filter((parameter) => wanted.has(parameter.name))
      .map((parameter) => [parameter.name, flaxRule(parameter)]),
  );
}

/** Maps each of our weights to its place in a checkpoint that Easel wrote: its own name. */
export function bartRulesForEasel(config: DalleBartConfig): Map<string, WeightRule> {
  return new Map(bartParameters(config).map(({ name }) => [name, { source: name }]));
}

/**
 * Parts of our names → parts of the names in min-dalle's PyTorch model. Source: kuprel/min-dalle
 * min_dalle/models.
 */
const MIN_DALLE_PARTS: Readonly<Record<string, string>> = {
  encoder: 'encoder',
  decoder: 'decoder',
  embed_tokens: 'embed_tokens',
  embed_positions: 'embed_positions',
  layernorm_embedding: 'layernorm_embedding',
  final_norm: 'final_ln',
  lm_head: 'decoder.lm_head',
  layers: 'layers',
  pre_attention_norm: 'pre_self_attn_layer_norm',
  self_attn: 'self_attn',
  post_attention_norm: 'self_attn_layer_norm',
  pre_cross_norm: 'pre_encoder_attn_layer_norm',
  cross_attn: 'encoder_attn',
  post_cross_norm: 'encoder_attn_layer_norm',
  query: 'q_proj',
  key: 'k_proj',
  value: 'v_proj',
  out: 'out_proj',
  glu: 'glu',
  pre_norm: 'ln0',
  gate: 'fc0',
  up: 'fc1',
  mid_norm: 'ln1',
  down: 'fc2',
  kernel: 'weight',
  scale: 'weight',
  embedding: 'weight',
  bias: 'bias',
};

/**
 * Maps each of our weights to its place in min-dalle's encoder.pt and decoder.pt, which are read as
 * one checkpoint under `encoder.` and `decoder.`. They hold the published models in PyTorch's
 * layout: kernels are [out, in] and are transposed. `lm_head` is in the decoder's file.
 *
 * min-dalle has one variant, NormFormer with gated feed-forward. Weights that only other variants
 * have get no rule.
 */
export function bartRulesForMinDalle(config: DalleBartConfig): Map<string, WeightRule> {
  const rules = new Map<string, WeightRule>();
  for (const { name, leaf } of bartParameters(config)) {
    const parts = name.split('.').map((part) => (/^\d+$/.test(part) ? part : MIN_DALLE_PARTS[part]));
    if (parts.includes(undefined)) continue;
    const source = parts.join('.');
    rules.set(name, leaf === 'kernel' ? { source, transpose: [1, 0] } : { source });
  }
  return rules;
}

/** The program whose names a checkpoint of the text model has. */
export type BartNaming = 'easel' | 'flax' | 'min-dalle';

/** Tells whose names a checkpoint has: Flax's, min-dalle's, or else ours. */
export function bartNaming(source: Pick<TensorSource, 'entries'>): BartNaming {
  if (source.entries.has('model.encoder.embed_tokens.embedding')) return 'flax';
  if (source.entries.has('encoder.embed_tokens.weight')) return 'min-dalle';
  return 'easel';
}

/** Maps each of our weights to its place in a checkpoint with any of these names. */
export function bartRulesForSource(
  config: DalleBartConfig,
  source: Pick<TensorSource, 'entries'>,
): Map<string, WeightRule> {
  switch (bartNaming(source)) {
    case 'flax':
      return bartRulesForFlax(config, source);
    case 'min-dalle':
      return bartRulesForMinDalle(config);
    case 'easel':
      return bartRulesForEasel(config);
  }
}

/**
 * Lists the tensors of the original's flax_model.msgpack for our weights, with layers stacked
 * (`use_scan` in config.json) or apart.
 *
 * Throws ConfigError for a model whose layers would have other weights in the wanted layout (Swin
 * V2's extra norms).
 */
export function flaxLayout(config: DalleBartConfig, stacked: boolean): FlaxTensor[] {
  const table = bartParameters({ ...config, useScan: stacked });
  const ours = new Set(bartParameters(config).map(({ name }) => name));
  const tensors = new Map<string, { name: string; weights: string[]; stacked: boolean; count: number }>();
  for (const { name: weight, place, leaf } of table) {
    const name = [...place.path, leaf].join('.');
    const count = place.stacked?.count ?? 1;
    const tensor = tensors.get(name) ?? { name, weights: [], stacked: place.stacked !== undefined, count };
    tensors.set(name, tensor);
    tensor.weights.push(weight);
  }
  const whole = [...tensors.values()].every(({ weights, count }) => weights.length === count);
  if (!whole || table.length !== ours.size || table.some(({ name }) => !ours.has(name))) {
    throw new ConfigError(
      `Flax checkpoint: ln_positions "${config.lnPositions}" with ${config.encoderLayers} and ${config.decoderLayers} layers has other weights when its layers are ${stacked ? 'stacked' : 'apart'}. Write it with its layers ${stacked ? 'apart' : 'stacked'}.`,
    );
  }
  return [...tensors.values()].map(({ name, weights, stacked }) => ({ name, weights, stacked }));
}

function flaxRule({ place, leaf }: Parameter): WeightRule {
  const source = [...place.path, leaf].join('.');
  return place.stacked ? { source, slice: place.stacked.index } : { source };
}

/**
 * Says which weights are matrices whose numbers may share scales, by their names: kernels, and tables
 * of tokens and positions. The learnt bias of attention scores is none.
 */
export function bartMatrixAxis(name: string): 0 | 1 | undefined {
  if (name.endsWith('.kernel')) return 0;
  return name.endsWith('.embedding') && !name.endsWith('.rel_bias.embedding') ? 1 : undefined;
}
