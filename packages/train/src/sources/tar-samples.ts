/**
 * Finds out which files of a tar archive make a sample.
 *
 * Files that follow each other and share a name up to the first dot of the base name are a group.
 * This is webdataset's rule (`tariterators.py`, base_plus_ext and group_by_keys). Where dots are
 * part of base names, as in `img.v1.0.png` and `img.v1.0.txt`, a group is divided again by the name
 * up to the last dot. A picture with a caption of its own is a sample of its own. If no picture has
 * the short name, each picture is one. Other pictures of a group, such as `0001.seg.png` beside
 * `0001.jpg`, are left out and counted.
 *
 * A name that comes again begins a new sample. Where nothing tells which files belong together, as
 * with two pictures of one name before one caption, none of them is used, and each is counted.
 */
import type { LeftOutKind } from './left-out.js';
import { NAMED_EXTENSIONS, PICTURE_EXTENSIONS } from './picture-source.js';
import type { TarEntries, TarEntry } from './tar-entries.js';

/** A picture and its captions. It may have no captions. */
export interface TarSample {
  /** Name without ending. A name that comes again gets `~2`, `~3` and so on. */
  readonly key: string;
  /** Byte of the archive at which its group begins, and whether it is the group's first sample. */
  readonly group: number;
  readonly isFirst: boolean;
  /** Its files by ending, in lower case. */
  readonly files: ReadonlyMap<string, TarEntry>;
  readonly picture: TarEntry | undefined;
  readonly text: TarEntry | undefined;
  readonly json: TarEntry | undefined;
  /** Why none of its files can be used; undefined if they can. */
  readonly problem: string | undefined;
}

/** Is called for each file that belongs to no sample. */
type LeaveOut = (kind: LeftOutKind, file: string, reason: string) => void;

/** A file and the parts of its name. */
interface Named {
  readonly entry: TarEntry;
  /** Up to the first dot of the base name, and up to the last. */
  readonly short: string;
  readonly long: string;
  /** After the last dot, in lower case. */
  readonly extension: string;
}

/** Yields the samples of an archive, in order. */
export async function* tarSamples(
  entries: TarEntries,
  leaveOut: LeaveOut = () => {},
): AsyncGenerator<TarSample> {
  let group: Named[] = [];
  for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
    const named = partsOf(entry, leaveOut);
    if (named === undefined) continue;
    if (group[0] !== undefined && group[0].short !== named.short) {
      yield* samplesOf(group, leaveOut);
      group = [];
    }
    group.push(named);
  }
  if (group.length > 0) yield* samplesOf(group, leaveOut);
}

const isPicture = ({ extension }: Named) => PICTURE_EXTENSIONS.has(`.${extension}`);
const isNamedPicture = ({ extension }: Named) => NAMED_EXTENSIONS.has(`.${extension}`);
const isCaption = ({ extension }: Named) => extension === 'txt' || extension === 'json';

/**
 * Returns the parts of a file's name. Returns undefined for hidden files and files without an
 * ending: they belong to no sample.
 */
function partsOf(entry: TarEntry, leaveOut: LeaveOut): Named | undefined {
  const name = entry.name.replace(/^(\.\/+)+/, '').normalize('NFC');
  const slash = name.lastIndexOf('/') + 1;
  const [first, last] = [name.indexOf('.', slash), name.lastIndexOf('.')];
  if (first < slash) return undefined;
  const parts = { entry, short: name.slice(0, first), long: name.slice(0, last) };
  const named = { ...parts, extension: name.slice(last + 1).toLowerCase() };
  if (first > slash) return named;
  if (isNamedPicture(named))
    leaveOut('hidden', entry.name, `${entry.name} is hidden: its name begins with a dot.`);
  return undefined;
}

function* samplesOf(group: readonly Named[], leaveOut: LeaveOut): Generator<TarSample> {
  const start = (group[0] as Named).entry.start;
  const files = new Map<string, Named[]>();
  for (const file of group) {
    const others = files.get(file.long);
    if (others === undefined) files.set(file.long, [file]);
    else others.push(file);
  }
  const short = (group[0] as Named).short;
  const hasShortPicture = files.get(short)?.some(isNamedPicture) === true;
  let isFirst = true;
  for (const [key, own] of files) {
    const hasPicture = own.some(isNamedPicture);
    const hasCaption = own.some(isCaption);
    const isSample =
      key === short
        ? hasPicture || hasCaption
        : hasPicture
          ? hasCaption || !hasShortPicture
          : hasCaption && !hasShortPicture;
    if (isSample) {
      for (const sample of piecesOf(key, own, leaveOut)) {
        yield { ...sample, group: start, isFirst };
        isFirst = false;
      }
    } else if (hasPicture)
      for (const { entry } of own.filter(isNamedPicture))
        leaveOut(
          'further picture',
          entry.name,
          `${entry.name} is a further picture of sample ${short}: what comes after the first dot of a name says what the file is to its sample.`,
        );
  }
  // A group that has only files of other kinds is a sample that lost its picture.
  if (isFirst) yield { ...sampleOf(short, group), group: start, isFirst };
}

type Piece = Omit<TarSample, 'group' | 'isFirst'>;

/** Returns the samples of one name. A new one begins wherever an ending comes again. */
function piecesOf(key: string, files: readonly Named[], leaveOut: LeaveOut): Piece[] {
  const pieces: Named[][] = [[]];
  for (const file of files) {
    if (pieces.at(-1)?.some(({ extension }) => extension === file.extension)) pieces.push([]);
    pieces.at(-1)?.push(file);
  }
  const belongTogether = areClear(pieces);
  return pieces.map((piece, i) => {
    const sample = sampleOf(i === 0 ? key : `${key}~${i + 1}`, piece);
    for (const { entry } of piece.filter(isPicture))
      if (entry !== sample.picture)
        leaveOut(
          'further picture',
          entry.name,
          `${entry.name} is a further picture of sample ${sample.key}, which begins with ${sample.picture?.name}.`,
        );
    if (belongTogether) return sample;
    const names = files.map(({ entry }) => entry.name.slice(entry.name.lastIndexOf('/') + 1)).join(', ');
    const problem = `its files come more than once (${names}), and which belong together can't be told. Give each sample a name of its own.`;
    return { ...sample, problem };
  });
}

/**
 * Whether pieces of one name are whole samples. They are if all have the same endings, or if all
 * begin with the same ending and none has an ending that the first lacks.
 */
function areClear(pieces: readonly (readonly Named[])[]): boolean {
  const first = pieces[0] as readonly Named[];
  const endings = new Set(first.map(({ extension }) => extension));
  const areWhole = pieces.every(
    (piece) => piece.length === first.length && piece.every(({ extension }) => endings.has(extension)),
  );
  return (
    areWhole ||
    pieces.every(
      (piece) =>
        piece[0]?.extension === first[0]?.extension && piece.every(({ extension }) => endings.has(extension)),
    )
  );
}

function sampleOf(key: string, files: readonly Named[]): Piece {
  const byEnding = new Map(files.map(({ extension, entry }) => [extension, entry]));
  return {
    key,
    files: byEnding,
    picture: (files.find(isPicture) ?? files.find(isNamedPicture))?.entry,
    text: byEnding.get('txt'),
    json: byEnding.get('json'),
    problem: undefined,
  };
}
