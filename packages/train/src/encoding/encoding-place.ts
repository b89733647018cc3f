import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DataError } from '@easel/core';
import {
  type EncodeManifest,
  PICTURES_FOLDER_NAME,
  picturesPath,
  readManifest,
  readRecord,
  recordedShards,
  type SetChanges,
  SHARD_NAME,
  SKIPPED_LOG_NAME,
  shardName,
  UPDATE_FOLDER_NAME,
  WORK_FOLDER_NAME,
  writeManifest,
} from '../encoded/manifest.js';
import type { PictureSource } from '../sources/picture-source.js';
import { type EarlierShard, EarlierShards } from './earlier-shards.js';
import {
  differences,
  EncodeFolder,
  type EncodingOrigin,
  isIdle,
  isUnused,
  writing,
} from './encode-folder.js';

/**
 * Where an encoding works. A set whose source has changed stays as it is while a newer one is made in
 * its `update` folder, with the tokens of the pictures that are the same. When the newer set is whole,
 * it takes the set's place, and is what an encoding of the present source alone would have given.
 */
export interface EncodingPlace {
  readonly folder: EncodeFolder;
  /** Pictures whose tokens are there already. */
  readonly earlier: EarlierShards | undefined;
  /** What has changed in the source since the set was encoded; undefined if nothing has. */
  readonly changes: SetChanges | undefined;
  /**
   * Lets the encoding, which must be complete, take the place of the set that it follows. Returns the
   * names that its shards have there; undefined if it follows none.
   */
  promote(): Promise<readonly string[] | undefined>;
}

/** What is encoded, and where to. */
export interface PlaceOptions {
  /** The set's folder. */
  readonly path: string;
  readonly about: Pick<
    EncodeManifest<EncodingOrigin>,
    'origin' | 'sourcePictures' | 'codes' | 'codebookPrint'
  >;
  readonly leaseSeconds: number;
  readonly onCompared?: ((pictures: number) => void) | undefined;
}

/** Returns how often the set in a folder has followed a change of its source. */
export async function updatesOf(path: string): Promise<number> {
  return (await readManifest(path))?.updates?.length ?? 0;
}

/**
 * Opens the place where a source is encoded: the folder itself, or the folder of its update.
 *
 * Throws DataError for a folder of another encoding, for one of other pictures, of which none is in
 * the source as it was, and for one in which another process encodes other pictures now. Throws
 * EaselError if the folder can't be written to.
 */
export async function openPlace(source: PictureSource, options: PlaceOptions): Promise<EncodingPlace> {
  const { path: set, leaseSeconds } = options;
  const place = await openBelow(source, set, options, []);
  const { folder, changes } = place;
  if (folder.path !== set && changes !== undefined)
    return { ...place, promote: () => promote(folder.path, set, changes) };
  const manifest = await readManifest(set);
  if (manifest?.complete) await removeLeftovers(set, manifest, leaseSeconds);
  return place;
}

/** `known` are the shards of the folders around this one. */
async function openBelow(
  source: PictureSource,
  path: string,
  options: PlaceOptions,
  known: readonly EarlierShard[],
): Promise<EncodingPlace> {
  const { about, leaseSeconds, onCompared } = options;
  const { origin } = about;
  const here = async (sourceDigest = origin.source): Promise<EncodingPlace> => {
    const present = { ...about, origin: { ...origin, source: sourceDigest } };
    const folder = await EncodeFolder.open(path, present, leaseSeconds, source.leftOut);
    const earlier = known.length === 0 ? undefined : await EarlierShards.open(known);
    return { folder, earlier, changes: undefined, promote: async () => undefined };
  };
  const found = (await readManifest(path)) as EncodeManifest<EncodingOrigin> | undefined;
  if (found === undefined) return here();
  const sameSource = found.origin.source === origin.source;
  const isOther = differences({ ...found.origin, source: origin.source }, origin).length > 0;
  if (isOther || (sameSource && !found.complete)) return here(); // refused, or gone on with
  if (!found.complete && (await isUnused(path, found, leaseSeconds))) return here();
  const shards = await finishedShards(path, found);
  if (found.complete && sameSource && shards.length < found.shardCount) return here(); // they are made again
  if (!found.complete && !(await isIdle(path, leaseSeconds)))
    throw new DataError(
      `Encoded set ${path}: another process encodes other pictures or captions into it now than are in ${source.description}. Wait for its end, or choose a new folder.`,
    );
  const changes = await (await EarlierShards.open(shards)).changesTo(source, onCompared);
  const { added, changed, recaptioned, removed, same } = changes;
  if (found.complete && added + changed + recaptioned + removed === 0) return here(found.origin.source);
  if (known.length === 0 && same + recaptioned === 0)
    throw new DataError(
      `Encoded set ${path}: it was begun with other pictures or captions: none of its ${changed + removed} pictures is in ${source.description} as it was. Choose a new folder, or delete this one.`,
    );
  const update = join(path, UPDATE_FOLDER_NAME);
  return { ...(await openBelow(source, update, options, [...known, ...shards])), changes };
}

/** Lists the shards of a set, or of an encoding that was interrupted, that are there. */
async function finishedShards(folder: string, { complete, shards }: EncodeManifest): Promise<EarlierShard[]> {
  const files: string[] = [];
  if (complete) files.push(...shards.map(({ file }) => file));
  else
    for (const index of [...(await recordedShards(folder))].sort((a, b) => a - b)) {
      const record = await readRecord(folder, index);
      if (record !== undefined) files.push(record.file);
    }
  return files.filter((file) => existsSync(join(folder, file))).map((file) => ({ folder, file }));
}

/**
 * Puts a complete set in the place of the set around it. The manifest is what changes places at once:
 * before it is written the older shards are the set, and after it the newer ones. If the work is
 * broken off, it can be done again. Returns the names of the shards.
 */
async function promote(newer: string, set: string, changes: SetChanges): Promise<string[]> {
  const manifest = await readManifest(newer);
  const older = await readManifest(set);
  if (!manifest?.complete || older === undefined)
    throw new DataError(`Encoded set ${set}: its update has gone while it was put in place.`);
  const updates = [...(older.updates ?? []), changes];
  const { format } = manifest.origin;
  const shards: EncodeManifest['shards'] = manifest.shards.map((shard, index) => ({
    ...shard,
    file: shardName(index, format, updates.length),
  }));
  await writing(set, async () => {
    await mkdir(join(set, PICTURES_FOLDER_NAME), { recursive: true });
    for (const [index, { file }] of manifest.shards.entries()) {
      const name = (shards[index] as { file: string }).file;
      await copyWhole(picturesPath(newer, file), picturesPath(set, name));
      await copyWhole(join(newer, file), join(set, name));
    }
    await copyWhole(join(newer, SKIPPED_LOG_NAME), join(set, SKIPPED_LOG_NAME));
    const replaced = { ...manifest, shards, updates };
    await writeManifest(set, replaced);
    await removeOthers(set, replaced);
  });
  return shards.map(({ file }) => file);
}

/** Copies a file, so that the copy is there whole or not at all. */
async function copyWhole(from: string, to: string): Promise<void> {
  const partial = join(dirname(to), `.${basename(to)}-${randomUUID()}.partial`);
  try {
    await copyFile(from, partial);
    await rename(partial, to);
  } finally {
    await rm(partial, { force: true });
  }
}

/** Removes what an update that was broken off at its very end, or is needed no more, has left. */
async function removeLeftovers(set: string, manifest: EncodeManifest, leaseSeconds: number): Promise<void> {
  const update = join(set, UPDATE_FOLDER_NAME);
  if (existsSync(update) && (await isIdle(update, leaseSeconds)))
    await writing(set, () => removeOthers(set, manifest));
}

/** Removes shards that a set's manifest doesn't name, and then the folder of its update. */
async function removeOthers(set: string, { shards }: EncodeManifest): Promise<void> {
  const kept = new Set(shards.map(({ file }) => file));
  for (const name of await readdir(set))
    if (SHARD_NAME.test(name) && !kept.has(name)) {
      await rm(picturesPath(set, name), { force: true });
      await rm(join(set, name), { force: true });
    }
  await rm(join(set, WORK_FOLDER_NAME), { recursive: true, force: true });
  await rm(join(set, UPDATE_FOLDER_NAME), { recursive: true, force: true });
}
