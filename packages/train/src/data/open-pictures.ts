import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { ConfigError, DataError } from '@easel/core';
import { expand } from 'brace-expansion';
import { openPictureFolder } from './picture-folder.js';
import type { PictureSource } from './picture-source.js';
import { openWebDataset } from './web-dataset.js';

/** How a source of pictures is opened. */
export interface OpenPicturesOptions {
  /** Caption list of a picture folder. */
  readonly captions?: string | undefined;
  /** Take what a damaged tar shard holds before its damage. */
  readonly allowDamaged?: boolean | undefined;
}

/**
 * Opens a source by what it is: a picture folder, or tar shards. Braces are expanded as a shell does: `shards/{00000..00331}.tar`.
 * Throws DataError for what can't be read, ConfigError for a caption list with tar shards.
 */
export async function openPictures(
  source: string,
  { captions, allowDamaged = false }: OpenPicturesOptions = {},
): Promise<PictureSource> {
  const paths = (await isThere(source)) ? [source] : expand(source);
  const shards = paths.filter((path) => extname(path) === '.tar');
  if (shards.length === 0 && paths.length === 1) return openPictureFolder(source, { captions });
  if (shards.length !== paths.length)
    throw new DataError(
      `Pictures ${source}: expected one folder, or files ending in .tar; ${paths.find((path) => !shards.includes(path))} is neither.`,
    );
  if (captions !== undefined)
    throw new ConfigError(
      `Pictures ${source}: tar shards hold their captions; a caption list goes with a folder.`,
    );
  return openWebDataset(shards, { allowDamaged });
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
