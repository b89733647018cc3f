import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CheckpointError } from '@easel/core';

/** The model that ships with Easel, below the root of the repository. */
const shippedModel = join('data', 'models', 'emoji');

/** The shipped model's folder, looked for in the folders above this package; undefined if there is none. */
export function findShippedModel(from: string = import.meta.dirname): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, shippedModel);
    if (existsSync(join(candidate, 'config.json'))) return candidate;
    if (dirname(folder) === folder) return undefined;
  }
}

/**
 * The folder of the model to use: the one asked for, else the environment variable EASEL_MODEL, else the shipped one.
 * Throws CheckpointError if it is not a folder with a config.json, or if none was given and none is shipped.
 */
export function resolveModelFolder(asked: string | undefined, from: string = import.meta.dirname): string {
  const given = asked ?? process.env.EASEL_MODEL;
  if (given !== undefined && given !== '') {
    if (existsSync(join(given, 'config.json'))) return given;
    const source = asked === undefined ? 'the environment variable EASEL_MODEL' : '--model';
    const found = existsSync(given) ? 'has no config.json' : 'does not exist';
    throw new CheckpointError(
      `Model folder ${given} (from ${source}) ${found}. A model is a folder with config.json, model.safetensors or flax_model.msgpack, the tokenizer's files, and vqgan/ with the image tokenizer.`,
    );
  }
  const shipped = findShippedModel(from);
  if (shipped !== undefined) return shipped;
  throw new CheckpointError(
    `No model: ${shippedModel} was not found above ${from}. Give --model DIR or set EASEL_MODEL to a folder made by easel train or easel convert.`,
  );
}

/** The folder of a VQGAN: the one asked for, or `vqgan` in a model folder that was asked for, or the one of the default model. */
export function resolveVqganFolder(asked: string | undefined): string {
  if (asked === undefined) return join(resolveModelFolder(undefined), 'vqgan');
  const inside = join(asked, 'vqgan');
  return existsSync(join(inside, 'config.json')) ? inside : asked;
}
