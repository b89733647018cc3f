import type { GenerationConfig } from '@easel/bart';
import { integer, optional, readSettings, real, section, snakeCase } from '@easel/core/config';
import { parseJson } from '@easel/core/internals';

/** Settings that say how tokens are drawn from logits. */
export interface GenerationSettings {
  /** Number of most probable codes that are kept; 0 keeps all. */
  readonly topK: number;
  /** Sum of probabilities up to which the most probable codes are kept; 1 keeps all. */
  readonly topP: number;
  /**
   * The logits are divided by this. Values below 1 favour probable codes; values above 1 give more
   * varied ones.
   */
  readonly temperature: number;
  /**
   * Scale of super conditioning. 1 means none; a higher scale follows the prompt more closely (Ho
   * and Salimans 2022, arXiv:2207.12598).
   */
  readonly conditionScale: number;
}

/** File of a model folder with the settings with which its model draws best. */
export const GENERATION_FILE = 'generation.json';

const FIELDS = {
  topK: optional(integer({ min: 0 })),
  topP: optional(real({ min: 0 })),
  temperature: optional(real({ above: 0 })),
  conditionScale: optional(real()),
};

const READ = section(FIELDS, { nameOf: snakeCase });

/** Returns settings in the form of generation.json. */
export function generationSettingsToJson(settings: Partial<GenerationSettings>): Record<string, number> {
  const names = Object.keys(FIELDS) as (keyof GenerationSettings)[];
  const values = names.map((name) => [snakeCase(name), settings[name]] as const);
  return Object.fromEntries(values.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

/** Settings that DALL·E mini's notebook adds to the config: super conditioning. */
export const NOTEBOOK_SETTINGS: Partial<GenerationSettings> = { conditionScale: 10 };

/**
 * Returns the default settings of a model that Easel trained. They were the best of those tried
 * with the shipped model. A model that saw no blank captions in training has no "no prompt" to
 * compare a prompt with, so its scale is 1.
 */
export function trainedSettings(blankCaptions: number): Partial<GenerationSettings> {
  return { topK: 64, temperature: 0.5, conditionScale: blankCaptions > 0 ? 1.5 : 1 };
}

/**
 * Returns the settings of a model without a generation.json, by its config.json. `original` says
 * that the model is DALL·E mini or mega as the original programs wrote it; it then draws as their
 * notebook does. Other models draw without super conditioning.
 */
export function standardSettings(
  config: Pick<GenerationConfig, 'topK' | 'topP' | 'temperature'>,
  original = false,
): GenerationSettings {
  const { topK, topP, temperature } = config;
  return { topK, topP, temperature, conditionScale: 1, ...(original ? NOTEBOOK_SETTINGS : {}) };
}

/**
 * Parses the settings that the text of a generation.json names. `file` is for messages.
 * Throws ConfigError for text that is no JSON object, an unknown setting or a value out of range.
 */
export function parseGenerationSettings(text: string, file = GENERATION_FILE): Partial<GenerationSettings> {
  const settings = Object.entries(readSettings(READ, parseJson(text, file), file));
  return Object.fromEntries(settings.filter(([, value]) => value !== null));
}
