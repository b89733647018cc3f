import type { GenerationConfig } from '@easel/bart';
import { integer, optional, readSettings, real, section, snakeCase } from '@easel/core/config';
import { parseJson } from '@easel/core/internals';

/** How tokens are drawn from logits. */
export interface GenerationSettings {
  /** Keep only this many of the most probable codes; 0 keeps all. */
  readonly topK: number;
  /** Keep the most probable codes up to this sum of probabilities; 1 keeps all. */
  readonly topP: number;
  /** Divides the logits; below 1 is surer, above 1 more varied. */
  readonly temperature: number;
  /**
   * Super conditioning: 1 is without, more follows the prompt more (Ho and Salimans 2022,
   * arXiv:2207.12598).
   */
  readonly conditionScale: number;
}

/** File of a model folder that says how its model draws best. */
export const GENERATION_FILE = 'generation.json';

const FIELDS = {
  topK: optional(integer({ min: 0 })),
  topP: optional(real({ min: 0 })),
  temperature: optional(real({ above: 0 })),
  conditionScale: optional(real()),
};

const READ = section(FIELDS, { nameOf: snakeCase });

/** Settings as generation.json has them. */
export function generationSettingsToJson(settings: Partial<GenerationSettings>): Record<string, number> {
  const names = Object.keys(FIELDS) as (keyof GenerationSettings)[];
  const values = names.map((name) => [snakeCase(name), settings[name]] as const);
  return Object.fromEntries(values.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

/** What DALL·E mini's notebook adds to its config: super conditioning. */
export const NOTEBOOK_SETTINGS: Partial<GenerationSettings> = { conditionScale: 10 };

/**
 * How a model that Easel trained draws, unless it is told otherwise: the settings that were best of
 * those tried with the shipped model. Without captions left blank in training there is nothing to
 * compare a prompt with, so the scale is then 1.
 */
export function trainedSettings(blankCaptions: number): Partial<GenerationSettings> {
  return { topK: 64, temperature: 0.5, conditionScale: blankCaptions > 0 ? 1.5 : 1 };
}

/**
 * How a model draws without a generation.json: by its config.json. `original`: it is DALL·E mini or
 * mega as the original programs wrote it, which draws as their notebook does. Others draw without
 * super conditioning.
 */
export function standardSettings(
  config: Pick<GenerationConfig, 'topK' | 'topP' | 'temperature'>,
  original = false,
): GenerationSettings {
  const { topK, topP, temperature } = config;
  return { topK, topP, temperature, conditionScale: 1, ...(original ? NOTEBOOK_SETTINGS : {}) };
}

/**
 * The settings that the text of a generation.json names. `file` is for messages.
 * Throws ConfigError for text that is no JSON object, an unknown setting or a value out of range.
 */
export function parseGenerationSettings(text: string, file = GENERATION_FILE): Partial<GenerationSettings> {
  const settings = Object.entries(readSettings(READ, parseJson(text, file), file));
  return Object.fromEntries(settings.filter(([, value]) => value !== null));
}
