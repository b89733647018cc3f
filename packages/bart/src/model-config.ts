import type { TensorSource, WeightRule } from '@easel/core';
import { type DalleBartConfig, parseDalleBartConfig } from './config.js';
import { type FirstVersionConfig, parseFirstVersionConfig } from './first-version/config.js';
import { FirstVersionBart } from './first-version/model.js';
import { rulesForFirstVersion } from './first-version/weights.js';
import { DalleBart } from './model.js';
import { bartRulesForSource } from './weights.js';

/** A config of one of the two public models, with what follows from which of them it is. */
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
 * Reads a config.json of either version, told apart by model_type or architectures; `decoderJson`
 * is what the first version's decoder was built from, if not from BART's defaults. Throws
 * ConfigError as their own parsers do.
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
 * Files of the first version say "bart"; transformers writes its class name without the first four
 * letters.
 */
export function isFirstVersion(json: unknown): boolean {
  const { model_type: type, architectures } = (json ?? {}) as Record<string, unknown>;
  if (typeof type === 'string') return type === 'bart';
  const first: unknown = Array.isArray(architectures) ? architectures[0] : undefined;
  return typeof first === 'string' && /^(Cust)?omFlaxBartForConditionalGeneration$/.test(first);
}
