import { ConfigError } from '@easel/core';
import {
  type CaptionLines,
  type OpenPicturesOptions,
  openPictures,
  type PictureSource,
  type SourceSettings,
} from '@easel/train';
import { isModule, sourcePaths } from '@easel/train/internals';
import { flagOption, integerOption, textOption } from './options.js';
import { UsageError } from './usage-error.js';

/** The possible sources of pictures, for help texts. */
export const SOURCES =
  'a folder of pictures with a .txt beside each, or with captions.jsonl, captions.csv, captions.tsv, metadata.jsonl or metadata.csv; WebDataset shards, "shards/{0000..0031}.tar", also .tar.gz; parquet files with the pictures in a column, "data/train-*.parquet"; a folder of such shards or files; or a module that makes pictures, "scenes.mjs?seed=1&count=1000"';

/** Options for reading folders of pictures. */
export const folderOptions = {
  captions: textOption('captions', 'caption list (.jsonl, .csv, .tsv) that is elsewhere or has another name'),
  'caption-lines': textOption(
    'caption-lines',
    'of the .txt beside a picture: all its lines are captions, a row of the set each, or only the first',
    { choices: ['all', 'first'], default: 'all' },
  ),
} as const;

/** Options for reading a source of pictures. */
export const sourceOptions = {
  ...folderOptions,
  'image-column': textOption(
    'image-column',
    'column of parquet files that holds the pictures: bytes, or {bytes, path}; default: the first of image, jpg, png, webp, img, picture, image_bytes, bytes',
  ),
  'caption-column': textOption(
    'caption-column',
    'column of parquet files that holds the captions: text, or a list of texts; default: the first of caption, text, txt, captions',
  ),
  'allow-damaged': flagOption(
    'of a tar shard that breaks off, take what comes before; it is named in the log',
  ),
} as const;

/** Options for mixing several sources. */
export const mixOptions = {
  weights: textOption(
    'weights',
    'shares of several sources, e.g. 3,1: pictures come from the first three times as often; default: the same',
  ),
  'mix-seed': integerOption('mix-seed', 'seed of the order in which several sources are mixed', {
    min: 0,
    default: 0,
  }),
  'mix-until': textOption(
    'mix-until',
    'all: every picture of several sources once; first: end when one of them has run out, so that the shares hold',
    { choices: ['all', 'first'], default: 'all' },
  ),
} as const;

/** The values of these options. */
export interface SourceArguments {
  readonly captions: string | undefined;
  readonly 'caption-lines'?: string | undefined;
  readonly 'image-column': string | undefined;
  readonly 'caption-column': string | undefined;
  readonly 'allow-damaged': boolean;
  readonly weights?: string | undefined;
  readonly 'mix-seed'?: number | undefined;
  readonly 'mix-until'?: string | undefined;
}

/** Which lines of a .txt are captions. */
export function captionLinesOf(args: Pick<SourceArguments, 'caption-lines'>): CaptionLines {
  return args['caption-lines'] === 'first' ? 'first' : 'all';
}

/**
 * Opens the sources of a command line as one source. Throws UsageError for options that don't go
 * with them.
 */
export async function openSources(
  paths: readonly string[],
  args: SourceArguments,
  more: Pick<OpenPicturesOptions, 'onFound'> = {},
): Promise<PictureSource> {
  if (args.captions !== undefined && paths.length > 1)
    throw new UsageError(
      '--captions goes with one folder; with several sources, put each list into its folder.',
    );
  const weights = weightsOf(args.weights, paths.length);
  const named = args['image-column'] ?? args['caption-column'];
  const isParquet = await Promise.all(
    paths.map(
      async (path) => named !== undefined && !isModule(path) && (await sourcePaths(path)).kind === 'parquet',
    ),
  );
  if (named !== undefined && !isParquet.includes(true))
    throw new ConfigError(`Column '${named}': columns are named for parquet files, and no source is one.`);
  const sources = paths.map(
    (path, i): SourceSettings => ({
      path,
      captions: args.captions,
      ...(isParquet[i] && { imageColumn: args['image-column'], captionColumn: args['caption-column'] }),
      ...(weights[i] !== undefined && { weight: weights[i] }),
    }),
  );
  return openPictures(sources, {
    ...more,
    allowDamaged: args['allow-damaged'],
    captionLines: captionLinesOf(args),
    mix: { seed: args['mix-seed'] ?? 0, until: args['mix-until'] === 'first' ? 'first' : 'all' },
  });
}

function weightsOf(text: string | undefined, sources: number): number[] {
  if (text === undefined) return [];
  const weights = text.split(',').map((word) => (word.trim() === '' ? Number.NaN : Number(word)));
  if (weights.length === sources && weights.every((weight) => weight > 0 && Number.isFinite(weight)))
    return weights;
  throw new UsageError(
    `--weights: expected ${sources === 1 ? 'several sources, and ' : ''}a number above 0 for each of ${sources} sources, as in 3,1, got "${text}".`,
  );
}
