import { createHash } from 'node:crypto';
import { access, opendir, readFile, stat } from 'node:fs/promises';
import { dirname, extname, join, relative, resolve, sep } from 'node:path';
import { DataError } from '@easel/core';
import { CAPTION_LIST_EXTENSIONS, readCaptionList } from './caption-list.js';
import {
  anyOfTheFirst,
  type CaptionedPicture,
  captionLines,
  FOUND_EVERY,
  type OpenSourceOptions,
  PICTURE_EXTENSIONS,
  PICTURES_LOOKED_AT,
  PictureError,
  type PictureSource,
  type ReadRange,
} from './picture-source.js';
import { SortedSpool, type Spool, SpooledLines } from './spooled-lines.js';

/** How a picture folder is opened. */
export interface PictureFolderOptions extends OpenSourceOptions {
  /** A .jsonl, .csv or .tsv list that holds the captions. */
  readonly list?: string | undefined;
}

/**
 * The pictures of a folder and the folders in it, sorted by name, or those that a caption list names, in the order in which it first does.
 *
 * Captions come from `list` if given, else from captions.jsonl, captions.csv or captions.tsv in the folder, else from the .txt of the same name
 * beside each picture, each non-empty line of it a caption. File names in a list are relative to `folder`. Several captions a picture are allowed;
 * empty ones don't count. Hidden files and folders are passed over. Names are sorted and grouped on disk, so memory holds some ten thousand of them.
 * Throws DataError: no such folder, no pictures, two lists, a list that doesn't parse; and where none of the first thousand pictures is there, or
 * has a caption though captions are wanted.
 */
export async function openPictureFolder(
  folder: string,
  options: PictureFolderOptions = {},
): Promise<PictureSource> {
  const list = options.list ?? (options.captions === false ? undefined : await listOf(folder));
  return list === undefined ? openFiles(folder, options) : openList(folder, list, options);
}

const byName = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** The caption list that lies in a folder, if there is one. */
async function listOf(folder: string): Promise<string | undefined> {
  const lists: string[] = [];
  await readable(folder, async () => {
    for (const extension of CAPTION_LIST_EXTENSIONS)
      if (await exists(join(folder, `captions${extension}`))) lists.push(`captions${extension}`);
  });
  if (lists.length > 1)
    throw new DataError(
      `Picture folder ${folder}: more than one caption list (${lists.join(', ')}). Name the one to use.`,
    );
  return lists[0] === undefined ? undefined : join(folder, lists[0]);
}

async function readable(folder: string, use: () => Promise<void>): Promise<void> {
  try {
    if (!(await stat(folder)).isDirectory()) throw new Error('it is a file');
    await use();
  } catch (error) {
    throw new DataError(
      `Picture folder ${folder}: can't be read (${(error as Error).message}). Give a folder that holds pictures.`,
    );
  }
}

async function openFiles(folder: string, options: PictureFolderOptions): Promise<PictureSource> {
  const { captions: wanted = true, onFound } = options;
  const found = new SortedSpool<string>(byName);
  let count = 0;
  const visit = async (directory: string): Promise<void> => {
    for await (const entry of await opendir(directory, { bufferSize: 256 })) {
      if (entry.name.startsWith('.')) continue;
      const path = join(directory, entry.name);
      if (entry.isDirectory()) await visit(path);
      else if (PICTURE_EXTENSIONS.has(extname(entry.name).toLowerCase())) {
        await found.add(relative(folder, path).split(sep).join('/'));
        if (++count % FOUND_EVERY === 0) onFound?.(count);
      }
    }
  };
  await readable(folder, () => visit(folder));
  if (count === 0)
    throw new DataError(
      `Picture folder ${folder}: no pictures in it. Expected files ending in ${[...PICTURE_EXTENSIONS].join(' ')}, here or in folders below.`,
    );
  const names = new SpooledLines<string>();
  const hash = createHash('sha256');
  for await (const name of found.sorted()) {
    hash.update(`${name}\n`);
    await names.append(name);
  }
  const source: PictureSource = {
    description: folder,
    length: names.length,
    digest: hash.digest('hex'),
    read: (range) => filesOf(folder, names, range),
    close: () => names.close(),
  };
  if (wanted && !(await anyOfTheFirst(source, ({ captions }) => captions.length > 0))) {
    const [first] = await collect(names.read(0, 1));
    await source.close();
    throw new DataError(
      `Picture folder ${folder}: ${count} pictures but no captions${count > PICTURES_LOOKED_AT ? ` beside the first ${PICTURES_LOOKED_AT}` : ''}. Expected captions.jsonl, captions.csv or captions.tsv in the folder, or a .txt beside each picture (${first?.replace(/\.[^.]*$/, '.txt')}).`,
    );
  }
  return source;
}

/** Caption files that are read at a time, ahead of their turn. */
const CAPTIONS_AHEAD = 32;

async function* filesOf(
  folder: string,
  names: Spool<string>,
  { from, to, captions = true }: ReadRange = {},
): AsyncGenerator<CaptionedPicture> {
  const ahead: Promise<CaptionedPicture>[] = [];
  for await (const file of names.read(from, to)) {
    const path = join(folder, file);
    const picture = { file, path, captions: [], bytes: () => contentOf(path) };
    ahead.push(captions ? withCaptions(picture) : Promise.resolve(picture));
    if (ahead.length === CAPTIONS_AHEAD) yield await (ahead.shift() as Promise<CaptionedPicture>);
  }
  for (const picture of ahead) yield await picture;
}

/** A picture with the captions of the text file beside it. Never rejects. */
async function withCaptions(picture: CaptionedPicture): Promise<CaptionedPicture> {
  const { path } = picture;
  try {
    return { ...picture, captions: await readCaptions(`${path.slice(0, -extname(path).length)}.txt`) };
  } catch (error) {
    return { ...picture, problem: error as PictureError };
  }
}

/** A picture that a list names, with its captions. */
type Listed = readonly [file: string, captions: readonly string[]];

async function openList(folder: string, list: string, options: PictureFolderOptions): Promise<PictureSource> {
  const hash = createHash('sha256');
  const pictures = await groupedByPicture(list, hash, options.onFound);
  const source: PictureSource = {
    description: list,
    length: pictures.length,
    digest: hash.digest('hex'),
    async *read({ from, to } = {}) {
      for await (const [file, captions] of pictures.read(from, to)) {
        const path = resolve(folder, file);
        yield { file, path, captions, bytes: () => contentOf(path) };
      }
    },
    close: () => pictures.close(),
  };
  const refuse = async (problem: string) => {
    await source.close();
    return new DataError(`Caption list ${list}: ${problem}`);
  };
  const first: string[] = [];
  const there = await anyOfTheFirst(source, async ({ path, file }) => {
    first.push(file);
    return exists(path);
  });
  if (first.length === 0) throw await refuse('no captions in it.');
  if (!there)
    throw await refuse(
      `none of ${first.length < source.length ? 'the first ' : ''}${first.length} pictures it names is in ${folder}: ${first.slice(0, 5).join(', ')}${first.length > 5 ? ', …' : ''}. File names are relative to ${resolve(folder) === resolve(dirname(list)) ? "the list's folder" : 'the picture folder'}.`,
    );
  if (options.captions !== false && !(await anyOfTheFirst(source, ({ captions }) => captions.length > 0)))
    throw await refuse('no captions in it.');
  return source;
}

/** The pictures of a list in the order of first mention, each with all its captions; rows are put together by two sorts on disk. */
async function groupedByPicture(
  list: string,
  hash: { update(text: string): unknown },
  onFound: PictureFolderOptions['onFound'],
): Promise<Spool<Listed>> {
  type Row = readonly [file: string, row: number, caption: string];
  const byPicture = new SortedSpool<Row>((a, b) => byName(a[0], b[0]) || a[1] - b[1]);
  let row = 0;
  for await (const { file, caption } of readCaptionList(list)) {
    const name = file
      .split('\\')
      .join('/')
      .replace(/^(\.\/)+/, '');
    hash.update(`${JSON.stringify([name, caption])}\n`);
    await byPicture.add([name, row, caption]);
    if (++row % FOUND_EVERY === 0) onFound?.(row);
  }
  type Group = { readonly file: string; readonly row: number; readonly captions: string[] };
  const byMention = new SortedSpool<Group>((a, b) => a.row - b.row);
  let group: Group | undefined;
  for await (const [file, row, caption] of byPicture.sorted()) {
    if (group?.file !== file) {
      if (group !== undefined) await byMention.add(group);
      group = { file, row, captions: [] };
    }
    if (caption !== '') group.captions.push(caption);
  }
  if (group !== undefined) await byMention.add(group);
  const pictures = new SpooledLines<Listed>();
  for await (const { file, captions } of byMention.sorted()) await pictures.append([file, captions]);
  return pictures;
}

async function readCaptions(path: string): Promise<string[]> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new PictureError('broken caption', `Caption ${path}: can't be read (${(error as Error).message}).`);
  }
  return captionLines(bytes, `Caption ${path}`);
}

async function contentOf(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT'
      ? new PictureError('missing', `Picture ${path}: there is no such file.`)
      : new PictureError('unreadable', `Picture ${path}: can't be read (${error.message}).`);
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
