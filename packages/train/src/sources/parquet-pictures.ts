import { ConfigError, DataError } from '@easel/core';
import { digestOfFiles } from './file-digest.js';
import { distinctNames } from './file-name.js';
import { ParquetFile } from './parquet-file.js';
import {
  anyOfTheFirst,
  type CaptionedPicture,
  captionLines,
  type OpenSourceOptions,
  PictureError,
  type PictureSource,
  type ReadRange,
} from './picture-source.js';

/** How parquet files with pictures are opened. */
export interface ParquetPicturesOptions extends OpenSourceOptions {
  /**
   * Column of the picture files' bytes. Default: the first that exists of `image`, `jpg`, `png`,
   * `webp`, `img`, `picture`, `image_bytes`, `bytes`.
   */
  readonly imageColumn?: string | undefined;
  /**
   * Column of the captions. Default: the first that exists of `caption`, `text`, `txt`, `captions`.
   */
  readonly captionColumn?: string | undefined;
}

const IMAGE_COLUMNS = ['image', 'jpg', 'png', 'webp', 'img', 'picture', 'image_bytes', 'bytes'];
const CAPTION_COLUMNS = ['caption', 'text', 'txt', 'captions'];

interface Part {
  readonly path: string;
  /** Beginning of its pictures' names. */
  readonly name: string;
  readonly groupRows: readonly number[];
  readonly rows: number;
}

/**
 * Opens the captioned pictures of parquet files, in order. A picture column holds the bytes of
 * picture files, or structures with `bytes` as Hugging Face's datasets have them. A caption is a
 * text or a list of texts. Memory holds one row group. It holds the group's pictures only if they
 * are wanted. Throws DataError for a file that can't be read, isn't parquet or lacks a column, and
 * if there are no captions though they are wanted.
 */
export async function openParquetPictures(
  paths: readonly string[],
  options: ParquetPicturesOptions = {},
): Promise<PictureSource> {
  const wantCaptions = options.captions !== false;
  const parts: Part[] = [];
  let columns: { readonly image: string; readonly caption: string | undefined } | undefined;
  let length = 0;
  const names = distinctNames(paths);
  for (const [i, path] of paths.entries()) {
    const file = await ParquetFile.open(path);
    await file.close();
    columns ??= {
      image: columnOf(file, 'image', options.imageColumn, IMAGE_COLUMNS),
      caption: wantCaptions ? columnOf(file, 'caption', options.captionColumn, CAPTION_COLUMNS) : undefined,
    };
    for (const [kind, name] of Object.entries(columns))
      if (name !== undefined) columnOf(file, kind as 'image' | 'caption', name, []);
    const rows = file.groupRows.reduce((sum, n) => sum + n, 0);
    parts.push({ path, name: names[i] as string, groupRows: file.groupRows, rows });
    length += rows;
    options.onFound?.(length);
  }
  const description =
    paths.length === 1 ? (paths[0] as string) : `${paths[0]} and ${paths.length - 1} more files`;
  if (columns === undefined || length === 0) throw new DataError(`${description}: no rows in it.`);
  const { image, caption } = columns;
  const source: PictureSource = {
    description,
    length,
    digest: await digestOfFiles(paths, JSON.stringify([image, caption])),
    leftOut: [],
    read: (range) => rowsOfAll(parts, image, caption, range),
    close: async () => {},
  };
  if (wantCaptions && !(await captionsAmongFirst(source)))
    throw new DataError(`${description}: no captions in its column '${caption}'.`);
  return source;
}

async function captionsAmongFirst(source: PictureSource): Promise<boolean> {
  return anyOfTheFirst(
    { ...source, read: (range) => source.read({ ...range, pictures: false }) },
    ({ captions }) => captions.length > 0,
  );
}

function columnOf(
  { path, columns }: ParquetFile,
  what: 'image' | 'caption',
  named: string | undefined,
  usual: readonly string[],
): string {
  const found = named === undefined ? usual.find((name) => columns.includes(name)) : named;
  if (found !== undefined && columns.includes(found)) return found;
  const Failure = named === undefined ? DataError : ConfigError;
  throw new Failure(
    `Parquet ${path}: ${named === undefined ? `none of its columns is called ${usual.join(', ')}` : `it has no column '${named}'`}. It has ${columns.join(', ') || 'none'}; name the one with the ${what === 'image' ? 'picture files (image column)' : 'captions (caption column)'}.`,
  );
}

async function* rowsOfAll(
  parts: readonly Part[],
  image: string,
  caption: string | undefined,
  { from = 0, to = Number.POSITIVE_INFINITY, captions = true, pictures = true }: ReadRange = {},
): AsyncGenerator<CaptionedPicture> {
  const captionColumn = captions ? caption : undefined;
  const columns = [...(pictures ? [image] : []), ...(captionColumn === undefined ? [] : [captionColumn])];
  let first = 0;
  for (const part of parts) {
    const wanted = { from: from - first, to: to - first };
    first += part.rows;
    if (wanted.from >= part.rows || wanted.to <= 0) continue;
    const file = await ParquetFile.open(part.path);
    try {
      if (file.groupRows.join() !== part.groupRows.join())
        throw new DataError(
          `Parquet ${part.path}: it has changed since it was looked through. Start again when nothing writes to it.`,
        );
      let row = 0;
      for (const [group, count] of part.groupRows.entries()) {
        const [begin, end] = [Math.max(0, wanted.from - row), Math.min(count, wanted.to - row)];
        if (begin < end) {
          const rows = columns.length === 0 ? [] : await file.readGroup(group, columns);
          for (let i = begin; i < end; i++)
            yield pictureOf(part, row + i, rows[i] ?? {}, image, captionColumn);
        }
        row += count;
      }
    } finally {
      await file.close();
    }
  }
}

function pictureOf(
  { path, name }: Part,
  row: number,
  value: Readonly<Record<string, unknown>>,
  image: string,
  caption: string | undefined,
): CaptionedPicture {
  const where = `${path}, row ${row}`;
  const picture = {
    file: `${name}/${row}`,
    path: where,
    bytes: async () => imageBytes(value[image], where, image),
  };
  try {
    return { ...picture, captions: caption === undefined ? [] : captionsOf(value[caption], where, caption) };
  } catch (error) {
    if (!(error instanceof PictureError)) throw error;
    return { ...picture, captions: [], problem: error };
  }
}

function imageBytes(value: unknown, where: string, column: string): Uint8Array {
  const bytes =
    typeof value === 'object' && value !== null && 'bytes' in value
      ? (value as { bytes: unknown }).bytes
      : value;
  if (bytes instanceof Uint8Array) return bytes;
  if (bytes === null || bytes === undefined)
    throw new PictureError('missing', `${where}: there is no picture in '${column}'.`);
  throw new PictureError(
    'unreadable',
    `${where}: expected the bytes of a picture file in '${column}', got ${typeof bytes}.`,
  );
}

function captionsOf(value: unknown, where: string, column: string): string[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((item) => captionsOf(item, where, column));
  if (value instanceof Uint8Array) {
    const text = captionLines(value, `${where}, '${column}'`).join(' ');
    return text === '' ? [] : [text];
  }
  if (typeof value !== 'string')
    throw new PictureError('broken caption', `${where}: expected text in '${column}', got ${typeof value}.`);
  return value.trim() === '' ? [] : [value.trim()];
}
