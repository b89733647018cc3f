import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { opendir, readdir, readlink, stat } from 'node:fs/promises';
import { dirname, extname, join, relative, resolve, sep } from 'node:path';
import { DataError } from '@easel/core';
import { isCaptionList, readCaptionList } from './caption-list.js';
import { nameOfBytes } from './file-name.js';
import { LeftOutTally } from './left-out.js';
import {
  anyOfTheFirst,
  type CaptionedPicture,
  type CaptionLines,
  captionLines,
  type FailureKind,
  FOUND_EVERY,
  LIST_NAMES,
  NAMED_EXTENSIONS,
  type OpenSourceOptions,
  otherFormat,
  PICTURE_EXTENSIONS,
  PICTURES_LOOKED_AT,
  PictureError,
  type PictureSource,
  pictureExtension,
  type ReadRange,
} from './picture-source.js';
import { actualPath, irregularKind, NoFileError, readRegularFile } from './regular-file.js';
import { archiveKind, patternOf } from './source-paths.js';
import { SortedSpool, type Spool, SpooledLines } from './spooled-lines.js';

/** How a picture folder is opened. */
export interface PictureFolderOptions extends OpenSourceOptions {
  /** A .jsonl, .csv or .tsv list that holds the captions. */
  readonly list?: string | undefined;
}

/**
 * Opens the pictures of a folder and of the folders in it, sorted by name. If there is a caption
 * list, opens the pictures that it names, in the order of their first mention.
 *
 * Captions come from the first of these that exists: `list`; captions.jsonl, captions.csv or
 * captions.tsv in the folder; a metadata.jsonl or metadata.csv there that has the columns (Hugging
 * Face's imagefolder); the .txt of the same name beside each picture. Each line of a .txt that
 * isn't empty is a caption. File names in a list are relative to `folder`. Other Unicode forms of
 * them are tried too. A picture may have several captions. Empty ones don't count.
 *
 * Links to folders are followed, and each real folder is read once. An entry that is named like a
 * picture and is none (a FIFO, a link to nothing, .bmp) is a picture with a problem. Hidden files,
 * rows without captions and the like are counted in `leftOut`. Names are sorted and grouped on
 * disk, so memory holds some ten thousand of them.
 *
 * Throws DataError for a missing folder, a folder without pictures or with two lists, and a list
 * that doesn't parse. Throws it too if none of the first thousand pictures exists, or if none of
 * them has a caption though captions are wanted.
 */
export async function openPictureFolder(
  folder: string,
  options: PictureFolderOptions = {},
): Promise<PictureSource> {
  const list = options.list ?? (options.captions === false ? undefined : await listOf(folder));
  return list === undefined ? openFiles(folder, options) : openList(folder, list, options);
}

const byName = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Returns the path of the caption list in a folder, if there is one. */
async function listOf(folder: string): Promise<string | undefined> {
  const lists: string[] = [];
  await readable(folder, async () => {
    for (const name of LIST_NAMES) if (await isFile(join(folder, name))) lists.push(name);
  });
  const own = lists.filter((name) => name.startsWith('captions.'));
  if (own.length > 1)
    throw new DataError(
      `Picture folder ${folder}: more than one caption list (${own.join(', ')}). Name the one to use.`,
    );
  if (own[0] !== undefined) return join(folder, own[0]);
  for (const name of lists) if (await isCaptionList(join(folder, name))) return join(folder, name);
  return undefined;
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

/** A picture's name, and the fault that is already known. */
type Found = readonly [file: string, kind?: FailureKind, reason?: string];

async function openFiles(folder: string, options: PictureFolderOptions): Promise<PictureSource> {
  const { captions: wanted = true, onFound } = options;
  const walk = new FolderWalk(folder, wanted, onFound);
  await readable(folder, () => walk.run());
  const { count, tally } = walk;
  const elsewhere =
    walk.firstArchive && ` It also holds archives: give them as ${patternOf(walk.firstArchive)}.`;
  if (count === 0)
    throw new DataError(
      `Picture folder ${folder}: no pictures in it. Expected files ending in ${[...PICTURE_EXTENSIONS].join(' ')}, here or in folders below.${elsewhere ?? ''}`,
    );
  const names = new SpooledLines<Found>();
  const hash = createHash('sha256');
  for await (const found of walk.found.sorted()) {
    hash.update(`${found[0]}\n`);
    await names.append(found);
  }
  if (wanted) await walk.countLoneTexts();
  const source: PictureSource = {
    description: folder,
    length: names.length,
    digest: hash.digest('hex'),
    leftOut: tally.all(),
    read: (range) => filesOf(folder, names, options.captionLines ?? 'all', range),
    close: () => names.close(),
  };
  if (wanted && !(await anyOfTheFirst(source, ({ captions }) => captions.length > 0))) {
    const [first] = await collect(names.read(0, 1));
    await source.close();
    const list =
      walk.listBelow && ` ${walk.listBelow} is a list of a folder below: give that folder as a source.`;
    throw new DataError(
      `Picture folder ${folder}: ${count} ${count === 1 ? 'picture' : 'pictures'} but no captions${count > PICTURES_LOOKED_AT ? ` beside the first ${PICTURES_LOOKED_AT}` : ''}. Expected captions.jsonl, captions.csv, captions.tsv, metadata.jsonl or metadata.csv in the folder, or a .txt beside each picture (${first?.[0].replace(/\.[^.]*$/, '.txt')}).${list ?? ''}${elsewhere ?? ''}`,
    );
  }
  return source;
}

/** Finds the pictures of a folder and of those below it. */
class FolderWalk {
  readonly found = new SortedSpool<Found>((a, b) => byName(a[0], b[0]));
  readonly tally = new LeftOutTally();
  count = 0;
  /** The first tar or parquet file, and the first caption list that is not at the top. */
  firstArchive: string | undefined;
  listBelow: string | undefined;
  private readonly folder: string;
  private readonly wantTexts: boolean;
  private readonly onFound: PictureFolderOptions['onFound'];
  /** Names of pictures and texts without their endings. `text` is null for a picture. */
  private readonly stems = new SortedSpool<readonly [stem: string, text: string | null]>(
    (a, b) => byName(a[0], b[0]) || Number(a[1] !== null) - Number(b[1] !== null),
  );
  /**
   * Folders that were visited, by device and inode number, and links to folders that are still to
   * be followed.
   */
  private readonly visited = new Set<string>();
  private links: string[] = [];

  constructor(folder: string, wantTexts: boolean, onFound: PictureFolderOptions['onFound']) {
    this.folder = folder;
    this.wantTexts = wantTexts;
    this.onFound = onFound;
  }

  /**
   * Visits real folders first and then links to folders in order, so that a picture's name follows
   * from names alone.
   */
  async run(): Promise<void> {
    await this.visit(this.folder);
    while (this.links.length > 0) {
      const links = this.links.sort(byName);
      this.links = [];
      for (const link of links) await this.visit(link);
    }
  }

  /** Counts the texts that have no picture of their name beside them. */
  async countLoneTexts(): Promise<void> {
    let last: string | undefined;
    for await (const [stem, text] of this.stems.sorted())
      if (text === null) last = stem;
      else if (stem !== last)
        this.tally.add('text without picture', text, `${text}: there is no picture of its name beside it.`);
  }

  private async visit(directory: string): Promise<void> {
    const { dev, ino } = await stat(directory);
    const key = `${dev}:${ino}`;
    const name = this.nameOf(directory);
    if (this.visited.has(key)) {
      this.tally.add(
        'folder seen before',
        name,
        `${name}: it is a link to a folder whose pictures come once already.`,
      );
      return;
    }
    this.visited.add(key);
    let hasOtherNames = false;
    try {
      for await (const entry of await opendir(directory, { bufferSize: 256 })) {
        // The replacement character stands for bytes that aren't UTF-8, or for itself.
        if (entry.name.includes('\uFFFD')) hasOtherNames = true;
        else await this.take(directory, entry);
      }
    } catch (error) {
      if (directory === this.folder || (error as NodeJS.ErrnoException).code === undefined) throw error;
      this.tally.add('unreadable folder', name, `${name}: can't be read (${(error as Error).message}).`);
    }
    if (hasOtherNames) await this.takeOtherNames(directory);
  }

  private nameOf(path: string): string {
    return relative(this.folder, path).split(sep).join('/') || '.';
  }

  private async take(directory: string, entry: Dirent): Promise<void> {
    const path = join(directory, entry.name);
    const name = this.nameOf(path);
    const isPicture = NAMED_EXTENSIONS.has(pictureExtension(entry.name));
    if (entry.name.startsWith('.')) {
      if (isPicture || entry.isDirectory())
        this.tally.add('hidden', name, `${name} is hidden: its name begins with a dot.`);
      return;
    }
    if (entry.isDirectory()) return this.visit(path);
    if (entry.isSymbolicLink()) {
      const target = await stat(path).catch(() => undefined);
      if (target?.isDirectory()) {
        this.links.push(path);
        return;
      }
      if (target === undefined) {
        const reason = `it is a link to ${await readlink(path).catch(() => 'nothing')}, which isn't there`;
        if (isPicture) await this.add([name, 'missing', reason]);
        else this.tally.add('broken link', name, `${name}: ${reason}.`);
        return;
      }
      if (isPicture) return this.addAs(name, irregularKind(target));
    } else if (isPicture) return this.addAs(name, irregularKind(entry));
    const kind = archiveKind(entry.name);
    if (kind !== undefined) {
      this.firstArchive ??= path;
      this.tally.add('archive', name, `${name}: among pictures, archives aren't looked into.`);
    }
    if (LIST_NAMES.includes(entry.name) && directory !== this.folder) this.listBelow ??= name;
    if (this.wantTexts && extname(entry.name).toLowerCase() === '.txt')
      await this.stems.add([stemOf(name), name]);
  }

  private addAs(name: string, irregular: string | undefined): Promise<void> {
    return this.add(irregular === undefined ? [name] : [name, 'no file', `it is ${irregular} and no file`]);
  }

  private async add(found: Found): Promise<void> {
    await this.found.add(found);
    if (this.wantTexts) await this.stems.add([stemOf(found[0]), null]);
    if (++this.count % FOUND_EVERY === 0) this.onFound?.(this.count);
  }

  /**
   * Takes the entries of a folder whose names hold bytes that aren't UTF-8, or the replacement
   * character.
   */
  private async takeOtherNames(directory: string): Promise<void> {
    for (const entry of await readdir(directory, { withFileTypes: true, encoding: 'buffer' })) {
      const bytes = entry.name as unknown as Buffer;
      if (isUtf8(bytes)) {
        const name = bytes.toString();
        if (name.includes('\uFFFD'))
          await this.take(directory, Object.assign(entry, { name }) as unknown as Dirent);
        continue;
      }
      const name = this.nameOf(join(directory, nameOfBytes(bytes)));
      if (NAMED_EXTENSIONS.has(pictureExtension(name)))
        await this.add([name, 'unreadable', "its name isn't UTF-8. Rename it"]);
      else if (entry.isDirectory())
        this.tally.add('unreadable folder', name, `${name}: its name isn't UTF-8. Rename it.`);
    }
  }
}

function stemOf(name: string): string {
  return name.slice(0, name.length - extname(name).length).normalize('NFC');
}

/** Number of caption files that are read at a time, ahead of their turn. */
const CAPTIONS_AHEAD = 32;

async function* filesOf(
  folder: string,
  names: Spool<Found>,
  lines: CaptionLines,
  { from, to, captions = true }: ReadRange = {},
): AsyncGenerator<CaptionedPicture> {
  const ahead: Promise<CaptionedPicture>[] = [];
  for await (const [file, kind, reason] of names.read(from, to)) {
    const path = join(folder, file);
    const problem =
      kind === undefined
        ? otherFormat(file, `Picture ${path}`)
        : new PictureError(kind, `Picture ${path}: ${reason}.`);
    const bytes = () => (problem === undefined ? contentOf(path) : Promise.reject(problem));
    const stamp = () => stampOf(path);
    const picture = { file, path, captions: [], bytes, stamp, ...(problem !== undefined && { problem }) };
    ahead.push(captions ? withCaptions(picture, lines) : Promise.resolve(picture));
    if (ahead.length === CAPTIONS_AHEAD) yield await (ahead.shift() as Promise<CaptionedPicture>);
  }
  for (const picture of ahead) yield await picture;
}

/** Adds the captions of the text file beside a picture. Never rejects. */
async function withCaptions(picture: CaptionedPicture, lines: CaptionLines): Promise<CaptionedPicture> {
  const { path } = picture;
  try {
    return { ...picture, captions: await readCaptions(path.slice(0, -extname(path).length), lines) };
  } catch (error) {
    return { ...picture, problem: picture.problem ?? (error as PictureError) };
  }
}

/** A picture that a list names, and its captions. */
type Listed = readonly [file: string, captions: readonly string[]];

async function openList(folder: string, list: string, options: PictureFolderOptions): Promise<PictureSource> {
  const hash = createHash('sha256');
  const tally = new LeftOutTally();
  const pictures = await groupedByPicture(list, hash, tally, options.onFound);
  const source: PictureSource = {
    description: list,
    length: pictures.length,
    digest: hash.digest('hex'),
    leftOut: tally.all(),
    async *read({ from, to } = {}) {
      for await (const [file, captions] of pictures.read(from, to)) {
        const path = resolve(folder, file);
        const problem = otherFormat(file, `Picture ${path}`);
        yield {
          file,
          path,
          captions,
          bytes: () => contentOf(path),
          stamp: () => stampOf(path),
          ...(problem !== undefined && { problem }),
        };
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
    return isThere(await actualPath(path));
  });
  if (first.length === 0)
    throw await refuse(tally.all().length > 0 ? 'none of its rows names a picture.' : 'no captions in it.');
  if (!there)
    throw await refuse(
      `none of ${first.length < source.length ? 'the first ' : ''}${first.length} pictures it names is in ${folder}: ${first.slice(0, 5).join(', ')}${first.length > 5 ? ', …' : ''}. File names are relative to ${resolve(folder) === resolve(dirname(list)) ? "the list's folder" : 'the picture folder'}.`,
    );
  if (options.captions !== false && !(await anyOfTheFirst(source, ({ captions }) => captions.length > 0)))
    throw await refuse('no captions in it.');
  return source;
}

/**
 * Returns the pictures of a list in the order of their first mention, each with all its captions.
 * Two sorts on disk bring the rows of a picture together.
 */
async function groupedByPicture(
  list: string,
  hash: { update(text: string): unknown },
  tally: LeftOutTally,
  onFound: PictureFolderOptions['onFound'],
): Promise<Spool<Listed>> {
  type Row = readonly [file: string, row: number, caption: string];
  const byPicture = new SortedSpool<Row>((a, b) => byName(a[0], b[0]) || a[1] - b[1]);
  let row = 0;
  for await (const { file, caption, line } of readCaptionList(list)) {
    const name = file
      .split('\\')
      .join('/')
      .replace(/^(\.\/)+/, '');
    if (name === '') {
      tally.add(
        'row without picture',
        `line ${line}`,
        `Caption list ${list}, line ${line}: it names no picture.`,
      );
      continue;
    }
    if (caption === '')
      tally.add('row without caption', name, `Caption list ${list}, line ${line}: no caption for ${name}.`);
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

/** Reads the captions in STEM.txt or STEM.TXT. */
async function readCaptions(stem: string, lines: CaptionLines): Promise<string[]> {
  for (const path of [`${stem}.txt`, `${stem}.TXT`]) {
    let bytes: Uint8Array;
    try {
      bytes = await readRegularFile(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw new PictureError(
        'broken caption',
        `Caption ${path}: can't be read (${(error as Error).message}).`,
      );
    }
    return captionLines(bytes, `Caption ${path}`, lines);
  }
  return [];
}

async function contentOf(path: string): Promise<Uint8Array> {
  return readRegularFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof NoFileError)
      throw new PictureError('no file', `Picture ${path}: ${error.message} and no file.`);
    throw error.code === 'ENOENT'
      ? new PictureError('missing', `Picture ${path}: there is no such file.`)
      : new PictureError('unreadable', `Picture ${path}: can't be read (${error.message}).`);
  });
}

/** Returns the length and the times of a file, if it is there. */
async function stampOf(path: string): Promise<string | undefined> {
  const info = await stat(await actualPath(path), { bigint: true }).catch(() => undefined);
  return info && `${info.size} ${info.mtimeNs} ${info.ctimeNs} ${info.ino}`;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isFile(),
    () => false,
  );
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
