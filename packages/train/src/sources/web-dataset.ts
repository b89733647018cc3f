/**
 * WebDataset shards: tar archives in which the files of a sample follow each other and have one name before the first dot, as img2dataset writes
 * them: `000000012.jpg`, `000000012.txt`, `000000012.json`. Source: webdataset, `tariterators.py`, base_plus_ext and group_by_keys.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { DataError } from '@easel/core';
import { readFully } from 'safetensors-ts/internals/node';
import {
  anyOfTheFirst,
  type CaptionedPicture,
  captionLines,
  FOUND_EVERY,
  type OpenSourceOptions,
  PICTURE_EXTENSIONS,
  PictureError,
  type PictureSource,
  type ReadRange,
} from './picture-source.js';
import { TarEntries, type TarEntry } from './tar-entries.js';

/** How tar shards are opened. */
export interface WebDatasetOptions extends OpenSourceOptions {
  /** Take what a shard holds before its damage; what is lost counts as one picture, with the reason. */
  readonly allowDamaged?: boolean | undefined;
}

/** A sample's files in its archive, by what follows the first dot of their names, in lower case. */
interface Sample {
  readonly key: string;
  /** Byte of the archive at which it begins. */
  readonly start: number;
  readonly files: Map<string, TarEntry>;
}

/** One sample in so many has its place remembered. */
const STRIDE = 1024;

/** A shard that was gone through. */
interface Shard {
  readonly path: string;
  readonly bytes: number;
  readonly samples: number;
  /** Byte at which sample 0, STRIDE, 2 · STRIDE … begins. */
  readonly places: readonly number[];
  readonly damage: string | undefined;
}

/**
 * The captioned pictures of tar shards, in order. Captions are the lines of a sample's `.txt`, or `caption` of its `.json`. Headers are gone through
 * once, when the source is opened; memory holds the place of one sample in a thousand.
 *
 * A sample without a picture, as of a failed download, counts as one that is missing. A shard that breaks off is a DataError that names it, or,
 * with `allowDamaged`, ends early and counts as one more such picture. Throws DataError too if there are no shards or no captions.
 */
export async function openWebDataset(
  paths: readonly string[],
  options: WebDatasetOptions = {},
): Promise<PictureSource> {
  const hash = createHash('sha256');
  const shards: Shard[] = [];
  let length = 0;
  for (const path of paths) {
    const found = length;
    const shard = await goThrough(path, hash, (n) => options.onFound?.(found + n));
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
    read: (range) => samplesOfAll(shards, range),
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

/** Samples of a shard, and one more that stands for what is lost by its damage. */
function countOf({ samples, damage }: Shard): number {
  return samples + (damage === undefined ? 0 : 1);
}

async function openShard(path: string): Promise<FileHandle> {
  return open(path).catch((error: Error) => {
    throw new DataError(`Shard ${path}: can't be opened (${error.message}).`);
  });
}

async function goThrough(
  path: string,
  hash: { update(text: string): unknown },
  onFound: (samples: number) => void,
): Promise<Shard> {
  const file = await openShard(path);
  try {
    const bytes = (await file.stat()).size;
    hash.update(`${JSON.stringify([basename(path), bytes])}\n`);
    const entries = new TarEntries(file, bytes);
    const places: number[] = [];
    let samples = 0;
    for await (const { start, key, files } of samplesOf(entries)) {
      if (samples % STRIDE === 0) places.push(start);
      let line = key;
      for (const [extension, { size }] of files) line += `\0${extension}\0${size}`;
      hash.update(`${line}\n`);
      if (++samples % FOUND_EVERY === 0) onFound(samples);
    }
    return { path, bytes, samples, places, damage: entries.damage };
  } finally {
    await file.close();
  }
}

async function* samplesOf(entries: TarEntries): AsyncGenerator<Sample> {
  let sample: Sample | undefined;
  for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
    const slash = entry.name.lastIndexOf('/') + 1;
    const dot = entry.name.indexOf('.', slash);
    // Hidden files, and files without an ending, belong to no sample.
    if (dot <= slash) continue;
    const key = entry.name.slice(0, dot).replace(/^(\.\/)+/, '');
    if (sample?.key !== key) {
      if (sample !== undefined) yield sample;
      sample = { key, start: entry.start, files: new Map() };
    }
    sample.files.set(entry.name.slice(dot + 1).toLowerCase(), entry);
  }
  if (sample !== undefined) yield sample;
}

async function* samplesOfAll(
  shards: readonly Shard[],
  { from = 0, to = Number.POSITIVE_INFINITY, captions = true }: ReadRange = {},
): AsyncGenerator<CaptionedPicture> {
  let first = 0;
  for (const shard of shards) {
    const [begin, end] = [Math.max(0, from - first), Math.min(countOf(shard), to - first)];
    if (begin < Math.min(end, shard.samples))
      yield* samplesFrom(shard, begin, Math.min(end, shard.samples), captions);
    if (end > shard.samples && begin <= shard.samples)
      yield passedOver(
        basename(shard.path),
        shard.path,
        new PictureError('damaged archive', `Shard ${shard.path}: ${shard.damage}.`),
      );
    first += countOf(shard);
  }
}

async function* samplesFrom(
  { path, bytes, places }: Shard,
  begin: number,
  end: number,
  wantCaptions: boolean,
): AsyncGenerator<CaptionedPicture> {
  const file = await openShard(path);
  try {
    if ((await file.stat()).size !== bytes)
      throw new DataError(
        `Shard ${path}: it has changed since it was looked through. Start again when nothing writes to it.`,
      );
    const place = Math.floor(begin / STRIDE);
    const entries = new TarEntries(file, bytes, places[place]);
    let at = place * STRIDE;
    for await (const sample of samplesOf(entries)) {
      if (at >= begin) yield await pictureOf(path, file, sample, wantCaptions);
      if (++at >= end) return;
    }
  } finally {
    await file.close();
  }
}

async function pictureOf(
  path: string,
  file: FileHandle,
  { key, files }: Sample,
  wantCaptions: boolean,
): Promise<CaptionedPicture> {
  const name = `${basename(path)}/${key}`;
  const where = `Shard ${path}, sample ${key}`;
  let captions: string[] = [];
  try {
    if (wantCaptions) captions = await captionsOf(where, file, files);
  } catch (error) {
    if (!(error instanceof PictureError)) throw error;
    return passedOver(name, where, error);
  }
  let entry: TarEntry | undefined;
  for (const [extension, candidate] of files)
    if (PICTURE_EXTENSIONS.has(`.${extension}`)) {
      entry = candidate;
      break;
    }
  if (entry === undefined)
    return {
      ...passedOver(name, where, new PictureError('missing', `${where}: there is no picture in it.`)),
      captions,
    };
  const { offset, size } = entry;
  return { file: name, path: `${path}/${entry.name}`, captions, bytes: () => contentOf(path, offset, size) };
}

/** A picture that is known to be none; it is counted and named when its turn comes. */
function passedOver(file: string, path: string, problem: PictureError): CaptionedPicture {
  return { file, path, captions: [], problem, bytes: () => Promise.reject(problem) };
}

async function captionsOf(
  where: string,
  file: FileHandle,
  files: ReadonlyMap<string, TarEntry>,
): Promise<string[]> {
  const read = async ({ offset, size, content }: TarEntry) => {
    if (content !== undefined) return content;
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, await readFully(file, bytes, offset));
  };
  const text = files.get('txt');
  if (text !== undefined) return captionLines(await read(text), `${where}.txt`);
  const json = files.get('json');
  if (json === undefined) return [];
  try {
    const { caption } = JSON.parse(new TextDecoder().decode(await read(json))) as { caption?: unknown };
    return typeof caption === 'string' && caption.trim() !== '' ? [caption.trim()] : [];
  } catch (error) {
    throw new PictureError('broken caption', `${where}.json: not JSON (${(error as Error).message}).`);
  }
}

async function contentOf(path: string, offset: number, size: number): Promise<Uint8Array> {
  const file = await openShard(path);
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
