import {
  drawableIds,
  type GenerateInputs,
  type GenerateOptions,
  generateBeams,
  generateTokens,
  type ImageTokenModel,
} from '@easel/bart';
import type { Key } from '@easel/core';
import { type GenerationSettings, generationSettingsToJson } from './generation-settings.js';

/** How the codes of a picture are found. */
export type TokenSearch =
  /** Drawn from DALL·E mini's probabilities: temperature, then top-k, then top-p. */
  | { readonly way: 'dalle-mini' }
  /** Drawn from min-dalle's: top-k with all ties, then temperature. */
  | { readonly way: 'min-dalle' }
  /** The likeliest code each time. */
  | { readonly way: 'greedy' }
  /** The likeliest row that a beam search finds. */
  | {
      readonly way: 'beams';
      readonly beams: number;
      readonly lengthPenalty?: number;
      readonly earlyStopping?: boolean;
    };

/**
 * Where nothing else is said, min-dalle draws so; the model folder's settings are for DALL·E mini's
 * way.
 */
const MIN_DALLE: Partial<GenerationSettings> = { topK: 256, temperature: 1, conditionScale: 16 };

/** The settings that count for a search: those given, else min-dalle's own or the model's. */
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

/** A search and its settings as a picture's file has them. */
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

/** What a run of `findTokens` goes by. */
export interface FindOptions {
  readonly settings: Partial<GenerationSettings>;
  /** Keys of the draws, one a row. */
  readonly rowKeys: readonly Key[];
  /** Let ids through that have no code, as the original does (default false). */
  readonly allIds?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Called after each step, 1 to `total`. */
  readonly onStep?: (step: number) => void;
}

/** The image tokens of each prompt. */
export async function findTokens(
  model: ImageTokenModel,
  inputs: GenerateInputs,
  search: TokenSearch,
  { settings, rowKeys, allIds = false, signal, onStep }: FindOptions,
): Promise<Int32Array[]> {
  const { way, ...beams } = search;
  // The original gives generation no min_length, so a row may end early; here the config's counts
  // otherwise.
  const common = { signal, ...(allIds ? { idsBelow: Number.POSITIVE_INFINITY, minLength: 0 } : {}) };
  if (way === 'beams') {
    const options = beams as Extract<TokenSearch, { way: 'beams' }>;
    const onBeams = ({ step }: { step: number }) => onStep?.(step);
    return (await generateBeams(model, inputs, { ...common, ...options, onStep: onBeams })).tokens;
  }
  const { topK, topP, temperature, conditionScale } = settings;
  const most = way === 'min-dalle' ? drawableIds(model.config) : Number.POSITIVE_INFINITY;
  const sampling: GenerateOptions = {
    ...(topK === undefined ? {} : { topK: Math.min(topK, most) }),
    ...(topP === undefined ? {} : { topP }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(conditionScale === undefined ? {} : { conditionScale }),
  };
  return generateTokens(model, inputs, {
    ...common,
    ...sampling,
    rowKeys,
    ...(way === 'greedy' ? { greedy: true } : way === 'min-dalle' ? { greedy: false, rule: way } : {}),
    onToken: ({ step }) => onStep?.(step),
  });
}
