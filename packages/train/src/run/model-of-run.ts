import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '@easel/core';

/**
 * Returns the folder of a model: the given one, or RUN/model if the given one is the folder of a
 * training run. Throws ConfigError for a run that has no model yet.
 */
export function modelOfRun(path: string): string {
  if (!isRun(path)) return path;
  const model = join(path, 'model');
  if (existsSync(join(model, 'config.json'))) return model;
  throw new ConfigError(
    `${path}: this is the folder of a training run, and it has no model yet. Its first checkpoint makes ${model}: let the run go on (--resume).`,
  );
}

/**
 * Whether a folder is that of a training run. Only a run's config.json names a kind of training.
 */
export function isRun(path: string): boolean {
  try {
    const { kind, steps } = JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'));
    return (kind === 'seq2seq' || kind === 'vqgan') && steps !== undefined;
  } catch {
    return false; // what is missing or damaged is for those to say who read it
  }
}
