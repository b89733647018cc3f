import type { GenerationConfig } from '@easel/bart';
import { ConfigError, nearest, parseJsonObject } from '@easel/core';

/** How tokens are drawn from logits. */
export interface GenerationSettings {
  /** Keep only this many of the most probable codes; 0 keeps all. */
  readonly topK: number;
  /** Keep the most probable codes up to this sum of probabilities; 1 keeps all. */
  readonly topP: number;
  /** Divides the logits; below 1 is surer, above 1 more varied. */
  readonly temperature: number;
  /** Super conditioning: 1 is without, more follows the prompt more (Ho and Salimans 2022, arXiv:2207.12598). */
  readonly conditionScale: number;
}

/** File of a model folder that says how its model draws best. */
export const GENERATION_FILE = 'generation.json';

/** Its keys, and what we call them. */
const KEYS: Readonly<Record<string, keyof GenerationSettings>> = {
  top_k: 'topK',
  top_p: 'topP',
  temperature: 'temperature',
  condition_scale: 'conditionScale',
};

/** Settings as generation.json has them. */
export function generationSettingsToJson(settings: Partial<GenerationSettings>): Record<string, number> {
  const values = Object.entries(KEYS).map(([key, name]) => [key, settings[name]] as const);
  return Object.fromEntries(values.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

/** How a model draws by its config.json alone: no super conditioning. */
export function standardSettings(
  config: Pick<GenerationConfig, 'topK' | 'topP' | 'temperature'>,
): GenerationSettings {
  const { topK, topP, temperature } = config;
  return { topK, topP, temperature, conditionScale: 1 };
}

/**
 * The settings that the text of a generation.json names. `file` is for messages.
 * Throws ConfigError for text that is no JSON object, an unknown key or a value that is no number.
 */
export function parseGenerationSettings(text: string, file = GENERATION_FILE): Partial<GenerationSettings> {
  const found: Partial<Record<keyof GenerationSettings, number>> = {};
  for (const [key, value] of Object.entries(parseJsonObject(text, file))) {
    const name = KEYS[key];
    if (name === undefined) {
      const near = nearest(key, Object.keys(KEYS));
      throw new ConfigError(
        `${file}: unknown key ${key}.${near === undefined ? '' : ` Did you mean ${near}?`}`,
      );
    }
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw new ConfigError(`${file}: expected ${key} to be a number, got ${JSON.stringify(value)}.`);
    }
    found[name] = value;
  }
  return found;
}
