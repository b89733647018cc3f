import type { TensorSource, WeightRule } from '@easel/core';
import { type DalleBartConfig, parseDalleBartConfig } from './config.js';
import { type FirstVersionConfig, parseFirstVersionConfig } from './first-version/config.js';
import { FirstVersionBart } from './first-version/model.js';
import { rulesForFirstVersion } from './first-version/weights.js';
import { DalleBart } from './model.js';
import { bartRulesForSource } from './weights.js';

/**
 * The config of one of the two public models, with functions that depend on which of them it is.
 */
export type ModelPlan =
  | {
      readonly version: 2;
      readonly config: DalleBartConfig;
      build(): DalleBart;
      rules(source: Pick<TensorSource, 'entries'>): Map<string, WeightRule>;
    }
  | {
      readonly version: 1;
      readonly config: FirstVersionConfig;
      build(): FirstVersionBart;
      rules(source: Pick<TensorSource, 'entries'>): Map<string, WeightRule>;
    };

/**
 * Parses a config.json of either version. model_type or architectures tells which version it is.
 * `decoderJson` is the first version's decoder_config.json, for a decoder that was not built from
 * BART's defaults. Throws ConfigError as the parsers of the two versions do.
 */
export function planModel(json: unknown, file = 'config.json', decoderJson?: unknown): ModelPlan {
  if (isFirstVersion(json)) {
    const config = parseFirstVersionConfig(json, file, decoderJson);
    return {
      version: 1,
      config,
      build: () => new FirstVersionBart(config),
      rules: (source) => rulesForFirstVersion(config, source),
    };
  }
  const config = parseDalleBartConfig(json, file);
  return {
    version: 2,
    config,
    build: () => new DalleBart(config),
    rules: (source) => bartRulesForSource(config, source),
  };
}

/**
 * Whether a config.json is of the first version. Its files say "bart". transformers writes the
 * class name without its first four letters.
 */
export function isFirstVersion(json: unknown): boolean {
  const { model_type: type, architectures } = (json ?? {}) as Record<string, unknown>;
  if (typeof type === 'string') return type === 'bart';
  const first: unknown = Array.isArray(architectures) ? architectures[0] : undefined;
  return typeof first === 'string' && /^(Cust)?omFlaxBartForConditionalGeneration$/.test(first);
}
