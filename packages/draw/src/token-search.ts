import { type BeamOptions, drawableIds, type GenerationConfig, type SamplingOptions } from '@easel/bart';
import { type GenerationSettings, generationSettingsToJson } from './generation-settings.js';

/** The ways of finding the codes of a picture. */
export type TokenSearch =
  /** Codes are drawn from DALL·E mini's probabilities: temperature, then top-k, then top-p. */
  | { readonly way: 'dalle-mini' }
  /** Codes are drawn from min-dalle's probabilities: top-k with all ties, then temperature. */
  | { readonly way: 'min-dalle' }
  /** Each code is the likeliest one. */
  | { readonly way: 'greedy' }
  /** The codes are the likeliest row that a beam search finds. */
  | {
      readonly way: 'beams';
      readonly beams: number;
      readonly lengthPenalty?: number;
      readonly earlyStopping?: boolean;
    };

/**
 * min-dalle's default settings. A model folder's settings are for DALL·E mini's way and don't apply
 * to min-dalle's.
 */
const MIN_DALLE: Partial<GenerationSettings> = { topK: 256, temperature: 1, conditionScale: 16 };

/** Returns the settings for a search: those given, else min-dalle's own or the model's. */
export function settingsFor(
  search: TokenSearch,
  ofModel: GenerationSettings,
  given: Partial<GenerationSettings>,
): Partial<GenerationSettings> {
  switch (search.way) {
    case 'dalle-mini':
      return { ...ofModel, ...given };
    case 'min-dalle':
      return { ...MIN_DALLE, ...given };
    case 'greedy':
      return { conditionScale: given.conditionScale ?? ofModel.conditionScale };
    case 'beams':
      return {};
  }
}

/** Returns a search and its settings in the form in which a picture's file records them. */
export function searchToJson(
  search: TokenSearch,
  settings: Partial<GenerationSettings>,
  allIds: boolean,
): Record<string, unknown> {
  const { way, ...beams } = search;
  const { beams: count, lengthPenalty, earlyStopping } = beams as Partial<TokenSearch & { way: 'beams' }>;
  return {
    ...(way === 'min-dalle' ? { rule: way } : {}),
    ...(way === 'greedy' ? { greedy: true } : {}),
    ...(count === undefined ? {} : { beams: count }),
    ...(lengthPenalty === undefined ? {} : { length_penalty: lengthPenalty }),
    ...(earlyStopping === undefined ? {} : { early_stopping: earlyStopping }),
    ...generationSettingsToJson(settings),
    ...(allIds ? { all_ids: true } : {}),
  };
}

/** A search that draws one code after another, which pictures do together in a DecodeLoop. */
export type SamplingSearch = Exclude<TokenSearch, { readonly way: 'beams' }>;

/**
 * Returns the options with which a DecodeLoop draws a picture's codes. allIds: whether ids without a
 * code may be drawn, as in the original.
 */
export function samplingOptions(
  { way }: SamplingSearch,
  { topK, topP, temperature, conditionScale }: Partial<GenerationSettings>,
  config: GenerationConfig,
  allIds: boolean,
): SamplingOptions {
  const most = way === 'min-dalle' ? drawableIds(config) : Number.POSITIVE_INFINITY;
  return {
    ...rowOptions(allIds),
    ...(topK === undefined ? {} : { topK: Math.min(topK, most) }),
    ...(topP === undefined ? {} : { topP }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(conditionScale === undefined ? {} : { conditionScale }),
    ...(way === 'greedy' ? { greedy: true } : way === 'min-dalle' ? { greedy: false, rule: way } : {}),
  };
}

/** Returns the options of a beam search for one prompt. */
export function beamOptions(
  { way: _, ...beams }: Extract<TokenSearch, { readonly way: 'beams' }>,
  allIds: boolean,
): BeamOptions {
  return { ...rowOptions(allIds), ...beams };
}

/**
 * The original gives generation no min_length, so a row may end early. Without `allIds` the config's
 * min_length counts.
 */
function rowOptions(allIds: boolean): { readonly idsBelow?: number; readonly minLength?: number } {
  return allIds ? { idsBelow: Number.POSITIVE_INFINITY, minLength: 0 } : {};
}
