/**
 * WebDataset shards: tar archives in which the files of a sample follow each other and have one name before the first dot, as img2dataset writes
 * them: `000000012.jpg`, `000000012.txt`, `000000012.json`. Source: webdataset, `tariterators.py`, base_plus_ext and group_by_keys.
 */
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { DataError } from '@easel/core';
import { readFully } from 'safetensors-ts/node';
import {
  type CaptionedPicture,
  captionLines,
  type PictureSource,
  pictureExtensions,
} from './picture-source.js';
import { indexTar, type TarEntry } from './tar-index.js';

/** A sample's files in its archive, by what follows the first dot of their names, in lower case. */
interface Sample {
  readonly key: string;
  readonly files: Map<string, TarEntry>;
}

/**
 * The captioned pictures of tar shards, in order. Captions are the lines of a sample's `.txt`, or `caption` of its `.json`. Pictures are read when
 * they are wanted; memory holds captions and places.
 *
 * A sample without a picture, as of a failed download, counts as one that can't be decoded. A shard that breaks off is a DataError that names it, or,
 * with `allowDamaged`, ends early and counts as one such picture. Throws DataError too if there are no shards or no captions.
 */
export async function openWebDataset(
  shards: readonly string[],
  options: { readonly allowDamaged?: boolean } = {},
): Promise<PictureSource> {
  const pictures: CaptionedPicture[] = [];
  const uncaptioned: string[] = [];
  for (const path of shards) {
    const { entries, damage } = await indexTar(path);
    if (damage !== undefined && !options.allowDamaged)
      throw new DataError(
        `Shard ${path}: ${damage}. Fetch it again, or allow damaged shards to take the ${entries.length} files before that.`,
      );
    const shard = await open(path);
    try {
      const read = async ({ offset, size }: TarEntry) => {
        const bytes = new Uint8Array(size);
        return bytes.subarray(0, await readFully(shard, bytes, offset));
      };
      for (const { key, files } of samplesOf(entries)) {
        const file = `${basename(path)}/${key}`;
        const captions = await captionsOf(`Shard ${path}, sample ${key}`, files, read);
        if (captions.length === 0) uncaptioned.push(file);
        else pictures.push({ file, captions, ...pictureOf(path, key, files) });
      }
    } finally {
      await shard.close();
    }
    if (damage !== undefined) pictures.push(unreadable(basename(path), `Shard ${path}: ${damage}.`));
  }
  const description =
    shards.length === 1 ? (shards[0] as string) : `${shards[0]} and ${shards.length - 1} more shards`;
  if (pictures.length === 0)
    throw new DataError(
      `${description}: no captioned pictures in it. Expected files like 0001.jpg and 0001.txt (or 0001.json with "caption"), one after the other.`,
    );
  return { description, pictures, uncaptioned };
}

function samplesOf(entries: readonly TarEntry[]): Sample[] {
  const samples: Sample[] = [];
  for (const entry of entries) {
    const slash = entry.name.lastIndexOf('/') + 1;
    const dot = entry.name.indexOf('.', slash);
    // Hidden files, and files without an ending, belong to no sample.
    if (dot <= slash) continue;
    const key = entry.name.slice(0, dot).replace(/^(\.\/)+/, '');
    const last = samples.at(-1);
    const sample = last?.key === key ? last : { key, files: new Map<string, TarEntry>() };
    if (sample !== last) samples.push(sample);
    sample.files.set(entry.name.slice(dot + 1).toLowerCase(), entry);
  }
  return samples;
}

async function captionsOf(
  where: string,
  files: ReadonlyMap<string, TarEntry>,
  read: (entry: TarEntry) => Promise<Uint8Array>,
): Promise<string[]> {
  const text = files.get('txt');
  if (text !== undefined) return captionLines(await read(text), `${where}.txt`);
  const json = files.get('json');
  if (json === undefined) return [];
  try {
    const { caption } = JSON.parse(new TextDecoder().decode(await read(json))) as { caption?: unknown };
    return typeof caption === 'string' && caption.trim() !== '' ? [caption.trim()] : [];
  } catch (error) {
    throw new DataError(`${where}.json: not JSON (${(error as Error).message}).`);
  }
}

function pictureOf(
  path: string,
  key: string,
  files: ReadonlyMap<string, TarEntry>,
): Pick<CaptionedPicture, 'path' | 'bytes'> {
  const entry = [...files].find(([extension]) => pictureExtensions.has(`.${extension}`))?.[1];
  if (entry === undefined) return unreadable(key, `Shard ${path}, sample ${key}: there is no picture in it.`);
  return {
    path: `${path}/${entry.name}`,
    async bytes() {
      const shard = await open(path).catch((error: Error) => {
        throw new DataError(`Shard ${path}: can't be opened (${error.message}).`);
      });
      try {
        const bytes = new Uint8Array(entry.size);
        return bytes.subarray(0, await readFully(shard, bytes, entry.offset));
      } finally {
        await shard.close();
      }
    },
  };
}

/** A picture that is known to be none; it is counted and named when it is wanted. */
function unreadable(file: string, reason: string): CaptionedPicture {
  return {
    file,
    path: file,
    captions: [''],
    bytes: () => Promise.reject(new DataError(reason)),
  };
}
