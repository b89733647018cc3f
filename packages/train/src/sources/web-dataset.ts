/**
 * Reads WebDataset shards. A shard is a tar archive in which the files of a sample follow each
 * other, as img2dataset writes them: `000000012.jpg`, `000000012.txt`, `000000012.json`.
 * `tar-samples.ts` says how files make samples.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { DataError } from '@easel/core';
import { readFully } from 'safetensors-ts/internals/node';
import { type ArchiveBytes, openArchive } from './archive-bytes.js';
import { distinctNames } from './file-name.js';
import { parseJsonText } from './json-text.js';
import { LeftOutTally } from './left-out.js';
import {
  anyOfTheFirst,
  type CaptionedPicture,
  type CaptionLines,
  captionLines,
  FOUND_EVERY,
  type OpenSourceOptions,
  otherFormat,
  PictureError,
  type PictureSource,
  type ReadRange,
} from './picture-source.js';
import { TarEntries, type TarEntry } from './tar-entries.js';
import { type TarSample, tarSamples } from './tar-samples.js';

/** How tar shards are opened. */
export interface WebDatasetOptions extends OpenSourceOptions {
  /**
   * Whether a damaged shard gives what it holds before its damage. The lost rest counts as one
   * picture, with the reason.
   */
  readonly allowDamaged?: boolean | undefined;
}

/** Memory holds the place of about one sample in so many. */
const STRIDE = 1024;

/** A shard whose headers were read. */
interface Shard {
  readonly path: string;
  /** Beginning of its pictures' names. */
  readonly name: string;
  /** Size of its file in bytes. */
  readonly bytes: number;
  readonly samples: number;
  /**
   * Bytes at which groups of samples begin, each with the number of its first sample. About one
   * sample in STRIDE has such a place.
   */
  readonly places: readonly { readonly start: number; readonly sample: number }[];
  readonly damage: string | undefined;
}

/**
 * Opens the captioned pictures of tar shards, in order. Captions are the lines of a sample's
 * `.txt`, or `caption` (or `text`) of its `.json`. Headers are read once, when the source is
 * opened. Memory holds the place of one sample in a thousand. A shard that is compressed with gzip
 * or zstd is unpacked from its start each time it is read. Its pictures come with their bytes.
 *
 * A sample without a picture, e.g. of a failed download, counts as a missing picture. A shard that
 * breaks off gives a DataError that names it. With `allowDamaged` it ends early instead, and its
 * lost rest counts as one more picture. Throws DataError too if there are no shards or no captions.
 */
export async function openWebDataset(
  paths: readonly string[],
  options: WebDatasetOptions = {},
): Promise<PictureSource> {
  const hash = createHash('sha256');
  const shards: Shard[] = [];
  const tally = new LeftOutTally();
  const names = distinctNames(paths);
  let length = 0;
  for (const [i, path] of paths.entries()) {
    const found = length;
    const name = names[i] as string;
    const shard = await goThrough(path, name, hash, tally, (n) => options.onFound?.(found + n));
    if (shard.damage !== undefined && !options.allowDamaged)
      throw new DataError(
        `Shard ${path}: ${shard.damage}. Fetch it again, or allow damaged shards to take the ${shard.samples} samples before that.`,
      );
    shards.push(shard);
    length += countOf(shard);
  }
  const source: PictureSource = {
    description:
      paths.length === 1 ? (paths[0] as string) : `${paths[0]} and ${paths.length - 1} more shards`,
    length,
    digest: hash.digest('hex'),
    leftOut: tally.all(),
    read: (range) => samplesOfAll(shards, options.captionLines ?? 'all', range),
    close: async () => {},
  };
  const captions = options.captions !== false;
  const good = ({ captions: found, problem }: CaptionedPicture) =>
    captions ? found.length > 0 : problem === undefined;
  if (length > 0 && (await anyOfTheFirst(source, good))) return source;
  throw new DataError(
    `${source.description}: no ${captions ? 'captioned ' : ''}pictures in it. Expected files like 0001.jpg and 0001.txt (or 0001.json with "caption"), one after the other.`,
  );
}

/** Returns the number of a shard's samples. Damage adds one, which stands for what is lost. */
function countOf({ samples, damage }: Shard): number {
  return samples + (damage === undefined ? 0 : 1);
}

async function goThrough(
  path: string,
  name: string,
  hash: { update(text: string): unknown },
  tally: LeftOutTally,
  onFound: (samples: number) => void,
): Promise<Shard> {
  const archive = await openArchive(path);
  try {
    hash.update(`${JSON.stringify([name, archive.fileBytes])}\n`);
    const entries = new TarEntries(archive);
    const places: { start: number; sample: number }[] = [];
    let samples = 0;
    const leaveOut: Parameters<typeof tarSamples>[1] = (kind, file, reason) =>
      tally.add(kind, `${name}/${file}`, `Shard ${path}: ${reason}`);
    for await (const { group, isFirst, key, files } of tarSamples(entries, leaveOut)) {
      if (isFirst && samples >= (places.at(-1)?.sample ?? -STRIDE) + STRIDE)
        places.push({ start: group, sample: samples });
      let line = key;
      for (const [extension, { size }] of files) line += `\0${extension}\0${size}`;
      hash.update(`${line}\n`);
      if (++samples % FOUND_EVERY === 0) onFound(samples);
    }
    return { path, name, bytes: archive.fileBytes, samples, places, damage: entries.damage };
  } finally {
    await archive.close();
  }
}

async function* samplesOfAll(
  shards: readonly Shard[],
  lines: CaptionLines,
  { from = 0, to = Number.POSITIVE_INFINITY, captions = true }: ReadRange = {},
): AsyncGenerator<CaptionedPicture> {
  let first = 0;
  for (const shard of shards) {
    const [begin, end] = [Math.max(0, from - first), Math.min(countOf(shard), to - first)];
    if (begin < Math.min(end, shard.samples))
      yield* samplesFrom(shard, begin, Math.min(end, shard.samples), captions ? lines : undefined);
    if (end > shard.samples && begin <= shard.samples)
      yield passedOver(
        shard.name,
        shard.path,
        new PictureError('damaged archive', `Shard ${shard.path}: ${shard.damage}.`),
      );
    first += countOf(shard);
  }
}

/**
 * Yields the pictures of samples `begin` to `end` of a shard. `lines`: how captions are read;
 * undefined if they aren't wanted.
 */
async function* samplesFrom(
  shard: Shard,
  begin: number,
  end: number,
  lines: CaptionLines | undefined,
): AsyncGenerator<CaptionedPicture> {
  const { path, bytes, places } = shard;
  const archive = await openArchive(path);
  try {
    if (archive.fileBytes !== bytes)
      throw new DataError(
        `Shard ${path}: it has changed since it was looked through. Start again when nothing writes to it.`,
      );
    let [start, at] = [0, 0];
    for (const place of places) if (place.sample <= begin) [start, at] = [place.start, place.sample];
    const isStream = archive.size === undefined;
    const entries = new TarEntries(archive, { at: start, keepContent: isStream });
    for await (const sample of tarSamples(entries)) {
      if (at >= begin) yield await pictureOf(shard, archive, sample, lines);
      if (++at >= end) return;
    }
  } finally {
    await archive.close();
  }
}

async function pictureOf(
  { path, name: shardName }: Shard,
  archive: ArchiveBytes,
  { key, picture, text, json, problem }: TarSample,
  lines: CaptionLines | undefined,
): Promise<CaptionedPicture> {
  const name = `${shardName}/${key}`;
  const where = `Shard ${path}, sample ${key}`;
  if (problem !== undefined)
    return passedOver(name, where, new PictureError('ambiguous', `${where}: ${problem}`));
  let captions: string[] = [];
  try {
    if (lines !== undefined) captions = await captionsOf(where, archive, text, json, lines);
  } catch (error) {
    if (!(error instanceof PictureError)) throw error;
    return passedOver(name, where, error);
  }
  const failure =
    picture === undefined
      ? new PictureError('missing', `${where}: there is no picture in it.`)
      : picture.irregular !== undefined
        ? new PictureError(
            'no file',
            `${where}: ${picture.name} is ${picture.irregular} and holds nothing. Make the archive with the files themselves (tar --dereference --hard-dereference).`,
          )
        : otherFormat(picture.name, where);
  if (failure !== undefined) return { ...passedOver(name, where, failure), captions };
  const { offset, size, content, name: entryName } = picture as TarEntry;
  const bytes = async () => {
    if (content !== undefined && archive.size === undefined) return content;
    return contentOf(path, offset, size);
  };
  return { file: name, path: `${path}/${entryName}`, captions, bytes };
}

/** Returns a picture that is known to be none. It is counted and named when its turn comes. */
function passedOver(file: string, path: string, problem: PictureError): CaptionedPicture {
  return { file, path, captions: [], problem, bytes: () => Promise.reject(problem) };
}

async function captionsOf(
  where: string,
  archive: ArchiveBytes,
  text: TarEntry | undefined,
  json: TarEntry | undefined,
  lines: CaptionLines,
): Promise<string[]> {
  const read = async ({ offset, size, content, irregular, name }: TarEntry) => {
    if (irregular !== undefined)
      throw new PictureError('broken caption', `${where}: ${name} is ${irregular} and holds nothing.`);
    return content ?? archive.read(offset, size);
  };
  if (text !== undefined) {
    const found = captionLines(await read(text), `${where}.txt`, lines);
    if (found.length > 0) return found;
  }
  if (json === undefined) return [];
  let value: unknown;
  try {
    value = parseJsonText(new TextDecoder('utf-8', { fatal: true }).decode(await read(json)));
  } catch (error) {
    if (error instanceof PictureError) throw error;
    throw new PictureError('broken caption', `${where}.json: not JSON (${(error as Error).message}).`);
  }
  const { caption, text: other } = (value ?? {}) as { caption?: unknown; text?: unknown };
  return textsIn(caption ?? other, where);
}

function textsIn(value: unknown, where: string): string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item) => textsIn(item, where));
  if (typeof value !== 'string')
    throw new PictureError(
      'broken caption',
      `${where}.json: expected text in 'caption', got ${JSON.stringify(value)}.`,
    );
  return value.trim() === '' ? [] : [value.trim()];
}

async function contentOf(path: string, offset: number, size: number): Promise<Uint8Array> {
  const file = await open(path).catch((error: Error) => {
    throw new DataError(`Shard ${path}: can't be opened (${error.message}).`);
  });
  try {
    const bytes = new Uint8Array(size);
    const read = await readFully(file, bytes, offset);
    if (read < size) throw new DataError(`Shard ${path}: it has become shorter since it was looked through.`);
    return bytes;
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new PictureError('unreadable', `Shard ${path}: can't be read (${(error as Error).message}).`);
  } finally {
    await file.close();
  }
}
