import {
  type GenerateInputs,
  type GenerateOptions,
  generateBeams,
  generateTokens,
  type ImageTokenModel,
} from '@easel/bart';
import type { Key } from '@easel/core';
import { type GenerationSettings, generationSettingsToJson } from './generation-settings.js';
import { UsageError } from './usage-error.js';

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

/** Where nothing else is said, min-dalle draws so; the model folder's settings are for DALL·E mini's way. */
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
  // The original gives generation no min_length, so a row may end early; here the config's counts otherwise.
  const common = { signal, ...(allIds ? { idsBelow: Number.POSITIVE_INFINITY, minLength: 0 } : {}) };
  if (way === 'beams') {
    const options = beams as Extract<TokenSearch, { way: 'beams' }>;
    const onBeams = ({ step }: { step: number }) => onStep?.(step);
    return (await generateBeams(model, inputs, { ...common, ...options, onStep: onBeams })).tokens;
  }
  const { topK, topP, temperature, conditionScale } = settings;
  const sampling: GenerateOptions = {
    ...(topK === undefined ? {} : { topK: way === 'min-dalle' ? Math.min(topK, codesOf(model)) : topK }),
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

/** Ids that have a code. */
function codesOf({ config }: ImageTokenModel): number {
  return Math.min(config.decoderStartTokenId || config.imageVocabSize, config.imageVocabSize);
}

/** What the command line says about the search. */
export interface SearchArguments {
  readonly rule: string | undefined;
  readonly greedy: boolean;
  readonly beams: number | undefined;
  readonly 'length-penalty': number | undefined;
  readonly 'early-stopping': boolean;
  readonly 'all-ids': boolean;
  readonly 'top-k': number | undefined;
  readonly 'top-p': number | undefined;
  readonly temperature: number | undefined;
  readonly scale: number | undefined;
}

/** The search that the command line asks for, for `pictures` of each prompt. Throws UsageError for options that do not go together. */
export function searchOf(args: SearchArguments, pictures: number): TokenSearch {
  const given = (names: readonly (keyof SearchArguments)[]): string | undefined => {
    const name = names.find((one) => args[one] !== undefined && args[one] !== false);
    return name === undefined ? undefined : `--${name}`;
  };
  const refuse = (names: readonly (keyof SearchArguments)[], why: string): void => {
    const found = given(names);
    if (found !== undefined) throw new UsageError(`${found}: ${why}`);
  };
  if (args.beams === undefined) refuse(['length-penalty', 'early-stopping'], 'this goes with --beams.');
  if (args.beams !== undefined) {
    const why = 'a beam search draws nothing and compares nothing with the empty prompt; leave it out.';
    refuse(['greedy', 'rule', 'top-k', 'top-p', 'temperature', 'scale'], why);
  }
  if (args.greedy) {
    refuse(
      ['rule', 'top-k', 'top-p', 'temperature'],
      '--greedy takes the likeliest code; leave one of the two out.',
    );
  }
  if ((args.greedy || args.beams !== undefined) && pictures > 1) {
    const option = args.greedy ? '--greedy' : '--beams';
    throw new UsageError(
      `${option}: all pictures of a prompt would be the same, but ${pictures} were asked for.`,
    );
  }
  if (args.rule === 'min-dalle') {
    refuse(['top-p'], "min-dalle's rule has none; leave it out, or take --rule dalle-mini.");
    refuse(['all-ids'], "min-dalle's rule never draws an id without a code.");
    if (args['top-k'] === 0) {
      throw new UsageError("--top-k: expected at least 1, got 0: min-dalle's rule has no 0 for all.");
    }
    return { way: 'min-dalle' };
  }
  if (args.greedy) return { way: 'greedy' };
  if (args.beams === undefined) return { way: 'dalle-mini' };
  return {
    way: 'beams',
    beams: args.beams,
    ...(args['length-penalty'] === undefined ? {} : { lengthPenalty: args['length-penalty'] }),
    ...(args['early-stopping'] ? { earlyStopping: true } : {}),
  };
}
