import type { DalleBartConfig } from './config.js';
import { type FlaxPlace, inside, layerPlace, type StackName } from './flax-place.js';
import { hasScale, lastNorm, NORM_PLACEMENTS, type NormScale } from './norm-placement.js';
import { deepnetGains } from './residual.js';
import { hasFinalNorm } from './stack.js';

/** A weight of the model: our name, its place in the Flax model, its shape and its start value. */
export interface Parameter {
  /** Our name: a path joined with dots. */
  readonly name: string;
  readonly shape: readonly number[];
  /** The Flax module that owns the weight. */
  readonly place: FlaxPlace;
  /** The weight's name in that module. */
  readonly leaf: string;
  /** Number of parameters of that module. */
  readonly siblings: number;
  /** Start value: a constant, or a draw from N(0, initStd²) times a gain. */
  readonly start: { readonly constant: number } | { readonly gain: number };
}

/**
 * Lists every weight of a model without building the model. Loading, converting and initialising
 * all use this table.
 *
 * Flax numbers unnamed modules of a kind in the order of their use: LayerNorm_0, LayerNorm_1, … An
 * RMS norm without a scale has no parameters but is counted. Source: dalle-mini `modeling.py`.
 */
export function bartParameters(config: DalleBartConfig): Parameter[] {
  const list: Parameter[] = [];
  for (const stack of ['encoder', 'decoder'] as const) new StackTable(config, stack, list).list();
  list.push({
    name: 'lm_head.kernel',
    shape: [config.dModel, config.imageVocabSize + 1],
    place: { path: ['lm_head'] },
    leaf: 'kernel',
    siblings: 1,
    start: { gain: 1 },
  });
  return list;
}

/** Counts the norms of a module as Flax does. */
class NormCounter {
  private next = 0;
  private readonly kind: string;

  constructor(config: DalleBartConfig) {
    this.kind = config.lnType === 'rmsnorm' ? 'RMSNorm' : 'LayerNorm';
  }

  name(): string {
    return `${this.kind}_${this.next++}`;
  }
}

class StackTable {
  private readonly config: DalleBartConfig;
  private readonly stack: StackName;
  private readonly found: Parameter[];

  constructor(config: DalleBartConfig, stack: StackName, list: Parameter[]) {
    this.config = config;
    this.stack = stack;
    this.found = list;
  }

  list(): void {
    const { config, stack } = this;
    const place: FlaxPlace = { path: ['model', stack] };
    const [vocabulary, positions, layers, useFinal] =
      stack === 'encoder'
        ? [config.encoderVocabSize, config.maxTextLength, config.encoderLayers, config.useFinalLnEncoder]
        : [config.imageVocabSize + 1, config.imageLength, config.decoderLayers, config.useFinalLnDecoder];

    this.embedding(`${stack}.embed_tokens`, inside(place, 'embed_tokens'), [vocabulary, config.dModel]);
    if (config.useAbsolutePositionEmbeddings) {
      this.embedding(`${stack}.embed_positions`, inside(place, 'embed_positions'), [
        positions,
        config.dModel,
      ]);
    }
    this.norm(`${stack}.layernorm_embedding`, inside(place, 'layernorm_embedding'), config.dModel, 'scaled');
    for (let i = 0; i < layers; i++) this.layer(i, layers);
    if (hasFinalNorm(config, useFinal)) {
      this.norm(`${stack}.final_norm`, inside(place, 'final_ln'), config.dModel, 'bare');
    }
  }

  private layer(index: number, count: number): void {
    const { config, stack } = this;
    const place = layerPlace(config, stack, index);
    const name = `${stack}.layers.${index}`;
    const { attention } = NORM_PLACEMENTS[config.lnPositions];
    const norms = new NormCounter(config);
    const norm = (ours: string, kind: NormScale | undefined): void => {
      if (kind) this.norm(`${name}.${ours}`, inside(place, norms.name()), config.dModel, kind);
    };

    norm('pre_attention_norm', stack === 'encoder' ? attention.preEncoderSelf : attention.preDecoderSelf);
    this.attention(`${name}.self_attn`, inside(place, 'FlaxBartAttention_0'), 'self');
    norm('post_attention_norm', attention.post);
    norm('attention_end_norm', attention.end);
    if (stack === 'decoder') {
      norm('pre_cross_norm', attention.preCross);
      this.attention(`${name}.cross_attn`, inside(place, 'FlaxBartAttention_1'), 'cross');
      norm('post_cross_norm', attention.post);
      norm('cross_end_norm', attention.end);
    }
    this.feedForward(name, place);
    norm('end_norm', lastNorm(config, index, count));
  }

  private attention(name: string, place: FlaxPlace, kind: 'self' | 'cross'): void {
    const { config, stack } = this;
    const width = config.dModel;
    const heads = stack === 'encoder' ? config.encoderAttentionHeads : config.decoderAttentionHeads;
    const gain = this.kernelGain(kind === 'self');
    for (const part of ['query', 'key', 'value', 'out'] as const) {
      const flaxName = { query: 'q_proj', key: 'k_proj', value: 'v_proj', out: 'out_proj' }[part];
      const partGain = part === 'value' || part === 'out' ? gain : 1;
      this.dense(`${name}.${part}`, inside(place, flaxName), [width, width], partGain);
    }
    if (config.useHeadScale) {
      this.add(`${name}.head_scale`, place, [1, 1, heads, 1], 1, { constant: 1 });
    }
    if (config.useSwinPositionEmbeddings) {
      const queries = stack === 'encoder' ? config.maxTextLength : config.imageLength;
      const keys = kind === 'cross' ? config.maxTextLength : queries;
      this.embedding(`${name}.rel_bias`, inside(place, 'rel_bias'), [queries, keys * heads]);
    }
    const mid = NORM_PLACEMENTS[config.lnPositions].attention.mid;
    if (kind === 'self' && mid) this.norm(`${name}.mid_norm`, inside(place, 'mid_layernorm'), width, mid);
  }

  private feedForward(layer: string, layerPlace: FlaxPlace): void {
    const { config, stack } = this;
    const inner = stack === 'encoder' ? config.encoderFfnDim : config.decoderFfnDim;
    const width = config.dModel;
    const { pre, mid, post } = NORM_PLACEMENTS[config.lnPositions].feedForward;
    const name = `${layer}.${config.useGlu ? 'glu' : 'ffn'}`;
    const place = inside(layerPlace, config.useGlu ? 'GLU_0' : 'FFN_0');
    const norms = new NormCounter(config);
    const gain = this.kernelGain(true);

    if (pre) this.norm(`${name}.pre_norm`, inside(place, norms.name()), width, pre);
    const expanding = config.useGlu ? ['gate', 'up'] : ['up'];
    for (const [i, part] of expanding.entries()) {
      this.dense(`${name}.${part}`, inside(place, `Dense_${i}`), [width, inner], gain);
    }
    if (mid) this.norm(`${name}.mid_norm`, inside(place, norms.name()), inner, mid);
    this.dense(`${name}.down`, inside(place, `Dense_${expanding.length}`), [inner, width], gain);
    if (post) this.norm(`${name}.post_norm`, inside(place, norms.name()), width, post);
  }

  /**
   * Returns the factor of fresh kernels. DeepNet's factor applies everywhere; Magneto's
   * (arXiv:2210.06423) applies everywhere except in cross-attention.
   */
  private kernelGain(inSubln: boolean): number {
    const { config, stack } = this;
    if (config.useDeepnetScaling) return deepnetGains(config, stack).kernel;
    if (!config.useSublnInit || !inSubln) return 1;
    const decoder = Math.log(3 * config.decoderLayers);
    return Math.sqrt(stack === 'encoder' ? (decoder * Math.log(2 * config.encoderLayers)) / 3 : decoder);
  }

  private dense(name: string, place: FlaxPlace, shape: readonly [number, number], gain: number): void {
    const siblings = this.config.useBias ? 2 : 1;
    this.add(`${name}.kernel`, place, shape, siblings, { gain });
    if (this.config.useBias) this.add(`${name}.bias`, place, [shape[1]], siblings, { constant: 0 });
  }

  private embedding(name: string, place: FlaxPlace, shape: readonly number[]): void {
    this.add(`${name}.embedding`, place, shape, 1, { gain: 1 });
  }

  private norm(name: string, place: FlaxPlace, size: number, kind: NormScale): void {
    const scaled = hasScale(this.config, kind);
    const biased = this.config.lnType === 'layernorm';
    const siblings = Number(scaled) + Number(biased);
    if (scaled) this.add(`${name}.scale`, place, [size], siblings, { constant: 1 });
    if (biased) this.add(`${name}.bias`, place, [size], siblings, { constant: 0 });
  }

  private add(
    name: string,
    place: FlaxPlace,
    shape: readonly number[],
    siblings: number,
    start: Parameter['start'],
  ): void {
    const leaf = name.slice(name.lastIndexOf('.') + 1);
    this.found.push({ name, shape, place, leaf, siblings, start });
  }
}
