import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { CheckpointError, MANIFEST_FILE, type OpenOptions, openUndamaged } from '@easel/core';
import { folderFiles } from '@easel/core/node';
import { isRun, modelOfRun } from '@easel/train';
import type { Vqgan, VqganOptions } from '@easel/vqgan';
import { openVqgan } from '@easel/vqgan/node';

/** The model that ships with Easel, below the root of the repository. */
const shippedModel = join('data', 'models', 'emoji');

/**
 * Looks for the shipped model in the folders above this package. Returns its folder, or undefined
 * if there is none.
 */
export function findShippedModel(from: string = import.meta.dirname): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, shippedModel);
    if (existsSync(candidate)) return candidate;
    if (dirname(folder) === folder) return undefined;
  }
}

/**
 * Returns the folder of the model to use: the one asked for, else that of the environment variable
 * EASEL_MODEL, else the shipped one. A run's folder stands for the model in it. Throws
 * CheckpointError, with the name of the option, if it is not a folder with the config.json of a
 * text model, or if none was given and none is shipped; ConfigError for a run that has no model
 * yet.
 */
export function resolveModelFolder(
  asked: string | undefined,
  {
    from = import.meta.dirname,
    option = '--model',
  }: { readonly from?: string; readonly option?: string } = {},
): string {
  const given = asked ?? process.env.EASEL_MODEL;
  if (given !== undefined && given !== '') {
    const source = asked === undefined ? 'the environment variable EASEL_MODEL' : option;
    // Of a model with a manifest, opening says what is missing and how to restore it.
    if (existsSync(join(given, 'config.json')) || existsSync(join(given, MANIFEST_FILE))) {
      const folder = modelOfRun(given);
      if (isVqgan(folder))
        throw new CheckpointError(
          `Model folder ${folder} (from ${source}) is a VQGAN, which turns codes into pixels and reads no text. Give the folder of a text model, RUN/model of easel train, with this VQGAN in its vqgan/.`,
        );
      return folder;
    }
    const found = existsSync(given) ? 'has no config.json' : 'does not exist';
    throw new CheckpointError(
      `Model folder ${given} (from ${source}) ${found}. A model is a folder with config.json, model.safetensors or flax_model.msgpack, the tokenizer's files, and vqgan/ with the image tokenizer.`,
    );
  }
  const shipped = findShippedModel(from);
  if (shipped !== undefined) return shipped;
  throw new CheckpointError(
    `No model: ${shippedModel} was not found above ${from}. Give ${option} DIR or set EASEL_MODEL to a folder made by easel train or easel convert. In a clone of Easel, git checkout -- ${shippedModel} restores the model that ships with it.`,
  );
}

/**
 * Returns a model's name, e.g. for a picture's file: the name of its folder, with that of its run if it
 * is a run's model.
 */
export function nameOfModel(folder: string): string {
  const path = resolve(folder);
  const run = dirname(path);
  return isRun(run) ? `${basename(run)}/${basename(path)}` : basename(path);
}

/**
 * Returns the folder of a VQGAN: the one asked for, or `vqgan` in a model folder that was asked
 * for, or the default model's. A run's folder stands for the model in it.
 */
export function resolveVqganFolder(asked: string | undefined): string {
  if (asked === undefined) return join(resolveModelFolder(undefined), 'vqgan');
  const folder = modelOfRun(asked);
  const inside = join(folder, 'vqgan');
  return existsSync(join(inside, 'config.json')) ? inside : folder;
}

/**
 * Opens the VQGAN in the folder that `resolveVqganFolder` returns. If it lies in a model with a
 * manifest, it throws CheckpointError for damaged files; else what `openVqgan` throws.
 */
export function openResolvedVqgan(
  asked: string | undefined,
  options: VqganOptions & OpenOptions,
): Promise<Vqgan> {
  const folder = resolveVqganFolder(asked);
  const model = basename(folder) === 'vqgan' ? dirname(folder) : folder;
  return openUndamaged(folderFiles(model), () => openVqgan(folder, options));
}

/**
 * Whether a folder's config.json is a VQGAN's: it has a codebook, and no model_type as
 * transformers' configs have.
 */
function isVqgan(folder: string): boolean {
  try {
    const json = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
    return json.model_type === undefined && json.n_embed !== undefined;
  } catch {
    return false; // those who read a damaged file report it
  }
}
