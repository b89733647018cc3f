import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { CheckpointError, MANIFEST_FILE, type OpenOptions, openUndamaged } from '@easel/core';
import { folderFiles } from '@easel/core/node';
import { findModelPackage } from '@easel/draw/node';
import { isRun, modelOfRun } from '@easel/train';
import type { Vqgan, VqganOptions } from '@easel/vqgan';
import { openVqgan } from '@easel/vqgan/node';

/** The model that draws where none is named. Its package is a dependency of this one. */
const DEFAULT_MODEL = '@easel/model-emoji';

/** Returns the folder of the model that ships with Easel, or undefined if it isn't installed. */
export function findShippedModel(from: string = import.meta.dirname): string | undefined {
  return findModelPackage(DEFAULT_MODEL, [from]);
}

/**
 * Returns the folder of the model to use: the one asked for, else that of the environment variable
 * EASEL_MODEL, else the shipped one. A run's folder stands for the model in it. Where there is no
 * folder of that name, a package's name stands for the model in it, as `findModelPackage` says. Throws
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
    const installed = existsSync(given) ? undefined : findModelPackage(given, [process.cwd(), from]);
    if (installed !== undefined) return installed;
    const found = existsSync(given) ? 'has no config.json' : 'does not exist';
    throw new CheckpointError(
      `Model folder ${given} (from ${source}) ${found}. A model is a folder with config.json, model.safetensors or flax_model.msgpack, the tokenizer's files, and vqgan/ with the image tokenizer; or a package that npm has installed, such as ${DEFAULT_MODEL}.`,
    );
  }
  const shipped = findShippedModel(from);
  if (shipped !== undefined) return shipped;
  throw new CheckpointError(
    `No model: the package ${DEFAULT_MODEL} is not installed where ${from} would find it. npm install ${DEFAULT_MODEL} brings it; or give ${option} DIR, or set EASEL_MODEL to a folder made by easel train or easel convert. In a clone of Easel, git checkout -- data/models/emoji restores it.`,
  );
}

/**
 * Returns a model's name, e.g. for a picture's file: the name of its folder, with that of its run if it
 * is a run's model; of a package @easel/model-NAME its NAME, as in a clone.
 */
export function nameOfModel(folder: string): string {
  const path = resolve(folder);
  const packaged = path.replaceAll('\\', '/').match(/\/@easel\/model-([^/]+)$/)?.[1];
  if (packaged !== undefined) return packaged;
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
