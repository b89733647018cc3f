import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GenerationConfig } from '@easel/bart';
import { ConfigError, nearest } from '@easel/core';

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

const keys: Readonly<Record<string, keyof GenerationSettings>> = {
  top_k: 'topK',
  top_p: 'topP',
  temperature: 'temperature',
  condition_scale: 'conditionScale',
};

/** Settings as generation.json has them. */
export function generationSettingsToJson(settings: Partial<GenerationSettings>): Record<string, number> {
  const values = Object.entries(keys).map(([key, name]) => [key, settings[name]] as const);
  return Object.fromEntries(values.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

/**
 * What a model folder says about drawing: generation.json if it has one, else config.json's values and no super conditioning.
 * Throws ConfigError for an unknown key or a value that is no number.
 */
export async function readGenerationSettings(
  folder: string,
  config: Pick<GenerationConfig, 'topK' | 'topP' | 'temperature'>,
): Promise<GenerationSettings> {
  const { topK, topP, temperature } = config;
  const standard: GenerationSettings = { topK, topP, temperature, conditionScale: 1 };
  const path = join(folder, GENERATION_FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return standard;
    throw error;
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`${path}: not valid JSON (${(error as Error).message}).`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new ConfigError(`${path}: expected an object with ${Object.keys(keys).join(', ')}.`);
  }
  const found: Partial<Record<keyof GenerationSettings, number>> = {};
  for (const [key, value] of Object.entries(json)) {
    const name = keys[key];
    if (name === undefined) {
      const near = nearest(key, Object.keys(keys));
      throw new ConfigError(
        `${path}: unknown key ${key}.${near === undefined ? '' : ` Did you mean ${near}?`}`,
      );
    }
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw new ConfigError(`${path}: expected ${key} to be a number, got ${JSON.stringify(value)}.`);
    }
    found[name] = value;
  }
  return { ...standard, ...found };
}
