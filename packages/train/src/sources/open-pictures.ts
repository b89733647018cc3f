import { ConfigError } from '@easel/core';
import { openGenerator } from './generated-pictures.js';
import { type MixOptions, mixPictures } from './mixed-pictures.js';
import { isModule } from './open-module.js';
import { openParquetPictures } from './parquet-pictures.js';
import { openPictureFolder } from './picture-folder.js';
import type { OpenSourceOptions, PictureSource } from './picture-source.js';
import { sourcePaths } from './source-paths.js';
import { openWebDataset } from './web-dataset.js';

/** A source of pictures and how it is read. */
export interface SourceSettings {
  /**
   * A folder of pictures, tar shards or parquet files, or a folder of these. Braces and wildcards
   * are expanded as a shell does: `shards/{00000..00331}.tar`, `data/train-*.parquet`. Or a module
   * that makes pictures, with its settings: `scenes.mjs?seed=1&count=1000`.
   */
  readonly path: string;
  /** Path of the caption list of a picture folder. */
  readonly captions?: string | null | undefined;
  /** The picture's and the caption's column of parquet files. */
  readonly imageColumn?: string | null | undefined;
  readonly captionColumn?: string | null | undefined;
  /** Share in a mixture (default 1). */
  readonly weight?: number | undefined;
}

/** How sources of pictures are opened. */
export interface OpenPicturesOptions extends OpenSourceOptions {
  /** Whether a damaged tar shard gives what it holds before its damage. */
  readonly allowDamaged?: boolean | undefined;
  /** How several sources are mixed. By default all pictures come once, and the seed is 0. */
  readonly mix?: Partial<MixOptions> | undefined;
}

/**
 * Opens one source of pictures, or several as a mixture. A source is a picture folder, tar shards,
 * parquet files, or a module that makes pictures; its path tells which. Throws DataError for a source that can't be read, and
 * ConfigError for settings that don't go with a source's kind.
 */
export async function openPictures(
  sources: string | SourceSettings | readonly SourceSettings[],
  options: OpenPicturesOptions = {},
): Promise<PictureSource> {
  const list: readonly SourceSettings[] =
    typeof sources === 'string' ? [{ path: sources }] : 'path' in sources ? [sources] : sources;
  if (list.length === 0) throw new ConfigError('Sources: expected at least one, got none.');
  const opened: PictureSource[] = [];
  try {
    for (const settings of list) {
      const before = opened.reduce((sum, { length }) => sum + length, 0);
      const onFound = options.onFound && ((found: number) => options.onFound?.(before + found));
      opened.push(await openOne(settings, { ...options, onFound }));
    }
    if (opened.length === 1) return opened[0] as PictureSource;
    const parts = opened.map((source, i) => ({ source, weight: list[i]?.weight ?? 1 }));
    return mixPictures(parts, { seed: 0, until: 'all', ...options.mix });
  } catch (error) {
    for (const source of opened) await source.close();
    throw error;
  }
}

async function openOne(settings: SourceSettings, options: OpenPicturesOptions): Promise<PictureSource> {
  const { path, captions: list, imageColumn, captionColumn } = settings;
  if (isModule(path)) {
    if (list || imageColumn || captionColumn)
      throw new ConfigError(`Pictures ${path}: a module makes its captions; it has no list and no columns.`);
    return openGenerator(path);
  }
  const { kind, paths } = await sourcePaths(path);
  if (kind !== 'folder' && list)
    throw new ConfigError(
      `Pictures ${path}: ${kind === 'tar' ? 'tar shards' : 'parquet files'} hold their captions; a caption list goes with a folder.`,
    );
  if (kind !== 'parquet' && (imageColumn || captionColumn))
    throw new ConfigError(`Pictures ${path}: columns are named for parquet files only.`);
  if (kind === 'tar') return openWebDataset(paths, options);
  if (kind === 'parquet')
    return openParquetPictures(paths, {
      ...options,
      imageColumn: imageColumn ?? undefined,
      captionColumn: captionColumn ?? undefined,
    });
  return openPictureFolder(paths[0] as string, { ...options, list: list ?? undefined });
}
