import { access, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, extname, join, relative, resolve, sep } from 'node:path';
import { DataError } from '@easel/core';
import { captionListExtensions, readCaptionList } from './caption-list.js';
import {
  type CaptionedPicture,
  captionLines,
  type PictureSource,
  pictureExtensions,
} from './picture-source.js';

/** A picture file found in a folder. */
export interface PictureFile {
  readonly file: string;
  readonly path: string;
}

/**
 * All picture files of a folder and the folders in it, sorted by name; hidden files and folders are passed over.
 * Throws DataError if the folder can't be read or holds no picture.
 */
export async function listPictures(folder: string): Promise<PictureFile[]> {
  const { pictures } = await walk(folder);
  if (pictures.length === 0)
    throw new DataError(
      `Picture folder ${folder}: no pictures in it. Expected files ending in ${[...pictureExtensions].join(' ')}, here or in folders below.`,
    );
  return pictures;
}

/**
 * The captioned pictures of a folder.
 *
 * Captions come from `captions` (a .jsonl, .csv or .tsv list) if given, else from captions.jsonl, captions.csv or
 * captions.tsv in the folder, else from the .txt of the same name beside each picture, each non-empty line of it a
 * caption. File names in a list are relative to `folder`. Several captions a picture are allowed; empty ones don't count.
 * Throws DataError: no such folder, no pictures, no captions, two lists, a list that names a file that doesn't exist,
 * a .txt that isn't UTF-8.
 */
export async function openPictureFolder(
  folder: string,
  options: { readonly captions?: string | undefined } = {},
): Promise<PictureSource> {
  const { pictures, lists, texts } = await walk(folder);
  if (options.captions !== undefined) return fromList(folder, options.captions, pictures);
  if (lists.length > 1)
    throw new DataError(
      `Picture folder ${folder}: more than one caption list (${lists.join(', ')}). Name the one to use.`,
    );
  if (lists[0] !== undefined) return fromList(folder, join(folder, lists[0]), pictures);
  if (pictures.length === 0) await listPictures(folder); // throws
  return fromTexts(folder, pictures, texts);
}

async function walk(
  folder: string,
): Promise<{ pictures: PictureFile[]; lists: string[]; texts: Set<string> }> {
  const pictures: PictureFile[] = [];
  const lists: string[] = [];
  const texts = new Set<string>();
  const visit = async (directory: string) => {
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      const path = join(directory, entry.name);
      if (entry.isDirectory()) {
        await visit(path);
        continue;
      }
      const extension = extname(entry.name).toLowerCase();
      const stem = entry.name.slice(0, -extension.length);
      if (pictureExtensions.has(extension))
        pictures.push({ file: relative(folder, path).split(sep).join('/'), path });
      else if (extension === '.txt') texts.add(path);
      else if (directory === folder && stem === 'captions' && captionListExtensions.includes(extension))
        lists.push(entry.name);
    }
  };
  try {
    if (!(await stat(folder)).isDirectory()) throw new Error('it is a file');
    await visit(folder);
  } catch (error) {
    throw new DataError(
      `Picture folder ${folder}: can't be read (${(error as Error).message}). Give a folder that holds pictures.`,
    );
  }
  pictures.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0));
  return { pictures, lists, texts };
}

async function fromList(folder: string, list: string, found: readonly PictureFile[]): Promise<PictureSource> {
  const known = new Map(found.map((picture) => [picture.file, picture]));
  const captions = new Map<string, { picture: PictureFile; captions: string[] }>();
  const missing: string[] = [];
  for await (const row of readCaptionList(list)) {
    const file = row.file
      .split('\\')
      .join('/')
      .replace(/^(\.\/)+/, '');
    let entry = captions.get(file);
    if (entry === undefined) {
      const picture = known.get(file) ?? { file, path: resolve(folder, row.file) };
      if (!known.has(file) && !(await exists(picture.path))) missing.push(`${row.file} (line ${row.line})`);
      entry = { picture, captions: [] };
      captions.set(file, entry);
    }
    if (row.caption !== '') entry.captions.push(row.caption);
  }
  if (missing.length > 0)
    throw new DataError(
      `Caption list ${list}: ${missing.length} of ${captions.size} pictures it names don't exist in ${folder}: ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', …' : ''}. File names are relative to ${resolve(folder) === resolve(dirname(list)) ? "the list's folder" : 'the picture folder'}.`,
    );
  const pictures = [...captions.values()].filter((entry) => entry.captions.length > 0);
  if (pictures.length === 0) throw new DataError(`Caption list ${list}: no captions in it.`);
  return {
    description: list,
    pictures: pictures.map((entry) => ({ ...entry.picture, captions: entry.captions })),
    uncaptioned: found.map((picture) => picture.file).filter((file) => !captions.get(file)?.captions.length),
  };
}

async function fromTexts(
  folder: string,
  found: readonly PictureFile[],
  texts: Set<string>,
): Promise<PictureSource> {
  const pictures: CaptionedPicture[] = [];
  const uncaptioned: string[] = [];
  for (const picture of found) {
    const textPath = `${picture.path.slice(0, -extname(picture.path).length)}.txt`;
    const captions = texts.has(textPath) ? await readCaptions(textPath) : [];
    if (captions.length > 0) pictures.push({ ...picture, captions });
    else uncaptioned.push(picture.file);
  }
  if (pictures.length === 0)
    throw new DataError(
      `Picture folder ${folder}: ${found.length} pictures but no captions. Expected captions.jsonl, captions.csv or captions.tsv in the folder, or a .txt beside each picture (${found[0]?.file.replace(/\.[^.]*$/, '.txt')}).`,
    );
  return { description: folder, pictures, uncaptioned };
}

async function readCaptions(path: string): Promise<string[]> {
  const bytes = await readFile(path).catch((error: Error) => {
    throw new DataError(`Caption ${path}: can't be read (${error.message}).`);
  });
  return captionLines(bytes, `Caption ${path}`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
