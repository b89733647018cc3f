import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, EaselError } from '@easel/core';
import { type FileLock, takeLock, writeFileAtomic } from '@easel/core/internals/node';
import type { PictureShape } from '../decoded/decode-picture.js';
import {
  type EncodeManifest,
  type FinishedShard,
  leasePath,
  manifestPath,
  PICTURES_FOLDER_NAME,
  readManifest,
  readRecord,
  recordedShards,
  recordPath,
  SHARD_NAME,
  type ShardRecord,
  SKIPPED_LOG_NAME,
  WORK_FOLDER_NAME,
  writeManifest,
} from '../encoded/manifest.js';
import { readShard, type ShardFormat } from '../encoded/shards.js';
import { countsOf, type LeftOut, leftOutLines } from '../sources/left-out.js';
import type { FailureKind, SkippedPicture } from '../sources/picture-source.js';

/** The sources of an encoded set. An encoding is resumed only if all of them are unchanged. */
export interface EncodingOrigin {
  readonly format: ShardFormat;
  /** Digest of the source. */
  readonly source: string;
  /** Digest of the VQGAN's config and weights. */
  readonly vqgan: string;
  readonly shape: PictureShape;
  readonly picturesPerShard: number;
  /** Digest of the CLIP that gives the scores. Null: there are no scores. */
  readonly clip: string | null;
}

/**
 * The output folder of an encoding, which several processes may fill at a time, on one machine or
 * on several that share a disk.
 *
 *     manifest.json       what the set is made from; at the end, what is in it
 *     shard-00012.parquet a finished shard
 *     pictures/           which pictures are in which shard, and how they were
 *     work/00012.json     its record, until all are there
 *     work/00012.lease    who makes it now
 *     update/             a newer set that will take this one's place (see encoding-place.ts)
 *
 * A shard belongs to the process that holds its lease. It is finished when its record is there. A
 * process that finds all records writes the final manifest. Several processes may do so; they write
 * the same.
 */
export class EncodeFolder {
  readonly path: string;
  readonly origin: EncodingOrigin;
  readonly shardCount: number;
  private readonly sourcePictures: number;
  private readonly codes: number;
  private readonly codebookPrint: readonly number[] | undefined;
  private readonly leaseSeconds: number;
  private readonly leftOut: readonly LeftOut[];
  private readonly updates: EncodeManifest['updates'];
  private readonly records = new Map<number, FinishedShard>();

  private constructor(
    path: string,
    manifest: EncodeManifest<EncodingOrigin>,
    leaseSeconds: number,
    leftOut: readonly LeftOut[],
  ) {
    this.leftOut = leftOut;
    this.path = path;
    this.origin = manifest.origin;
    this.shardCount = manifest.shardCount;
    this.sourcePictures = manifest.sourcePictures;
    this.codes = manifest.codes;
    this.codebookPrint = manifest.codebookPrint;
    this.updates = manifest.updates;
    this.leaseSeconds = leaseSeconds;
  }

  /**
   * Opens the folder, and makes it if it isn't there. `leaseSeconds`: how long another machine may
   * be silent before its shard is taken over. `leftOut`: the entries that the log names besides
   * pictures. A folder of another encoding is begun anew if no shard with rows is finished in it
   * and no shard is in work. Otherwise throws DataError for a folder of another encoding. Throws
   * EaselError if the folder can't be written to.
   */
  static async open(
    path: string,
    about: Pick<EncodeManifest<EncodingOrigin>, 'origin' | 'sourcePictures' | 'codes' | 'codebookPrint'>,
    leaseSeconds: number,
    leftOut: readonly LeftOut[] = [],
  ): Promise<EncodeFolder> {
    const { origin, sourcePictures } = about;
    const fresh: EncodeManifest<EncodingOrigin> = {
      version: 2,
      ...about,
      shardCount: Math.ceil(sourcePictures / origin.picturesPerShard),
      complete: false,
      shards: [],
      codeCounts: [],
      failures: {},
      leftOut: countsOf(leftOut),
    };
    await writing(path, () => mkdir(join(path, WORK_FOLDER_NAME), { recursive: true }));
    await writing(path, () => mkdir(join(path, PICTURES_FOLDER_NAME), { recursive: true }));
    await writing(path, () => createManifest(path, fresh));
    let found = (await readManifest(path)) as EncodeManifest<EncodingOrigin>;
    if (differences(found.origin, origin).length > 0 && (await isUnused(path, found, leaseSeconds))) {
      await writing(path, () => clear(path));
      await writing(path, () => mkdir(join(path, PICTURES_FOLDER_NAME), { recursive: true }));
      await writing(path, () => createManifest(path, fresh));
      found = (await readManifest(path)) as EncodeManifest<EncodingOrigin>;
    }
    requireSame(path, found.origin, origin);
    const folder = new EncodeFolder(path, found, leaseSeconds, leftOut);
    if (found.complete) await folder.reopen(found);
    return folder;
  }

  /**
   * Reads the records of a complete set back. If shards have been lost, writes the records of the
   * others and an incomplete manifest, so that the lost ones are made again.
   */
  private async reopen({ shards }: EncodeManifest): Promise<void> {
    const failed = await readSkippedLog(this.path);
    for (const [index, shard] of shards.entries()) {
      const record = { index, ...shard, failed: failed.get(index) ?? [], codeCounts: null };
      if (this.hasShard(shard)) this.records.set(index, record);
    }
    if (this.records.size === this.shardCount) return;
    for (const record of this.records.values())
      await writing(this.path, () =>
        writeFileAtomic(recordPath(this.path, record.index), JSON.stringify(record)),
      );
    await writing(this.path, () => writeManifest(this.path, { ...this.manifest(), complete: false }));
  }

  /** Looks for shards that others have finished. */
  async refresh(): Promise<ReadonlyMap<number, FinishedShard>> {
    const manifest = await readManifest(this.path);
    if (manifest === undefined)
      throw new DataError(`Encoded set ${this.path}: its manifest has gone while it was encoded.`);
    if (manifest.complete) {
      const failed = await readSkippedLog(this.path);
      for (const [index, shard] of manifest.shards.entries())
        if (!this.records.has(index))
          this.records.set(index, { index, ...shard, failed: failed.get(index) ?? [], codeCounts: null });
      return this.records;
    }
    for (const index of await recordedShards(this.path)) {
      if (index >= this.shardCount || this.records.has(index)) continue;
      const record = await readRecord(this.path, index);
      if (record !== undefined && this.hasShard(record)) this.records.set(index, record);
    }
    return this.records;
  }

  private hasShard({ file }: ShardRecord): boolean {
    return existsSync(join(this.path, file));
  }

  /**
   * Takes a shard for this process. Returns undefined if another process has it, or has just
   * finished it.
   */
  async claim(index: number): Promise<FileLock | undefined> {
    const attempt = await writing(this.path, () =>
      takeLock(leasePath(this.path, index), { expirySeconds: this.leaseSeconds }).catch((error) =>
        this.unlessConcluded(error),
      ),
    );
    if (attempt === undefined || !('lock' in attempt)) return undefined;
    if (!(await this.refresh()).has(index)) return attempt.lock;
    await attempt.lock.release();
    return undefined;
  }

  /** Records that a shard is finished. Its file must be there already. */
  async finish(record: FinishedShard): Promise<void> {
    await writing(this.path, () =>
      writeFileAtomic(recordPath(this.path, record.index), JSON.stringify(record)).catch((error) =>
        this.unlessConcluded(error),
      ),
    );
    this.records.set(record.index, record);
  }

  /**
   * Throws the error again, unless it came because another process has just completed the set and
   * removed the work folder.
   */
  private async unlessConcluded(error: unknown): Promise<undefined> {
    if ((await readManifest(this.path))?.complete) return undefined;
    throw error;
  }

  /** Returns the present contents of the set. */
  summary(): Pick<EncodeManifest, 'shards' | 'failures'> {
    const records = [...this.records.values()].sort((a, b) => a.index - b.index);
    const failures: Partial<Record<FailureKind, number>> = {};
    for (const { failed } of records)
      for (const { kind } of failed) failures[kind as FailureKind] = (failures[kind as FailureKind] ?? 0) + 1;
    const shards = records.map(
      ({ file, pictures, rows, skipped }): ShardRecord => ({ file, pictures, rows, skipped }),
    );
    return { shards, failures };
  }

  private manifest(): EncodeManifest {
    const { origin, sourcePictures, shardCount, codes, codebookPrint, updates } = this;
    return {
      version: 2,
      origin,
      sourcePictures,
      shardCount,
      codes,
      ...(codebookPrint && { codebookPrint }),
      ...(updates && { updates }),
      complete: false,
      codeCounts: [],
      leftOut: countsOf(this.leftOut),
      ...this.summary(),
    };
  }

  /** Returns the number of captions of the pictures that were passed over. */
  captionsLost(): number {
    let lost = 0;
    for (const { failed } of this.records.values()) for (const { captions = 0 } of failed) lost += captions;
    return lost;
  }

  /** Returns how often each code occurs in the shards that are there. */
  async codeCounts(): Promise<number[]> {
    const manifest = await readManifest(this.path);
    if (manifest?.complete) return [...manifest.codeCounts];
    const sums = new Array<number>(this.codes).fill(0);
    for (const record of this.records.values()) {
      const counts =
        record.codeCounts === null ? await this.countCodes(record) : decodeCounts(record.codeCounts);
      for (let code = 0; code < sums.length; code++)
        sums[code] = (sums[code] as number) + (counts[code] ?? 0);
    }
    return sums;
  }

  private async countCodes({ file }: FinishedShard): Promise<ArrayLike<number>> {
    const counts = new Array<number>(this.codes).fill(0);
    let last: unknown;
    for await (const { encoding, source } of readShard(join(this.path, file))) {
      if (source === last) continue; // another caption of the same picture
      last = source;
      for (const code of encoding as ArrayLike<number> & Iterable<number>)
        counts[code] = (counts[code] ?? 0) + 1;
    }
    return counts;
  }

  /**
   * Writes the log of pictures that were passed over. If all shards are there, writes the final
   * manifest too. Returns whether all shards are there.
   */
  async conclude(): Promise<boolean> {
    await this.refresh();
    const complete = this.records.size === this.shardCount;
    const manifest = await readManifest(this.path);
    if (!manifest?.complete) {
      await this.writeLog();
      if (complete) {
        const codeCounts = await this.codeCounts();
        await writing(this.path, () =>
          writeManifest(this.path, { ...this.manifest(), complete, codeCounts }),
        );
      }
    }
    if (complete) await rm(join(this.path, WORK_FOLDER_NAME), { recursive: true, force: true });
    return complete;
  }

  private async writeLog(): Promise<void> {
    const lines = leftOutLines(this.leftOut).map((line) => `${JSON.stringify({ shard: null, ...line })}\n`);
    for (const { index, failed } of [...this.records.values()].sort((a, b) => a.index - b.index))
      for (const failure of failed) lines.push(`${JSON.stringify({ shard: index, ...failure })}\n`);
    const path = join(this.path, SKIPPED_LOG_NAME);
    await writing(path, () => writeFileAtomic(path, lines.join('')));
  }
}

/** Makes the manifest unless there is one. It appears whole and at once. */
async function createManifest(folder: string, manifest: EncodeManifest): Promise<void> {
  const path = manifestPath(folder);
  const fresh = join(folder, `.manifest-${randomUUID()}.partial`);
  await writeFile(fresh, `${JSON.stringify(manifest)}\n`);
  try {
    await link(fresh, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(fresh, { force: true });
  }
}

/** Describes the differences of two encodings in words. */
export function differences(found: EncodingOrigin, wanted: EncodingOrigin): string[] {
  const names: [keyof EncodingOrigin, string][] = [
    ['source', 'other pictures or captions'],
    ['vqgan', 'another VQGAN'],
    ['shape', 'another picture size, fit, crop, background or filter'],
    ['format', 'another format'],
    ['picturesPerShard', 'another number of pictures a shard'],
    ['clip', 'another CLIP'],
  ];
  return names
    .filter(([key]) => JSON.stringify(found[key]) !== JSON.stringify(wanted[key]))
    .map(([, name]) => name);
}

function requireSame(path: string, found: EncodingOrigin, wanted: EncodingOrigin): void {
  const changed = differences(found, wanted);
  if (changed.length > 0)
    throw new DataError(
      `Encoded set ${path}: it was begun with ${changed.join(', ')}. Choose a new folder, or delete this one.`,
    );
}

/** Whether an encoding has finished no shard with rows in a folder and nobody works on one. */
export async function isUnused(path: string, found: EncodeManifest, leaseSeconds: number): Promise<boolean> {
  if (found.shards.some(({ rows }) => rows > 0)) return false;
  for (const index of await recordedShards(path))
    if (((await readRecord(path, index))?.rows ?? 0) > 0) return false;
  return isIdle(path, leaseSeconds);
}

/** Whether nobody makes a shard in a folder now. */
export async function isIdle(path: string, leaseSeconds: number): Promise<boolean> {
  for (const lease of await leases(path)) {
    const attempt = await takeLock(lease, { expirySeconds: leaseSeconds });
    if (!('lock' in attempt)) return false;
    await attempt.lock.release();
  }
  return true;
}

async function leases(folder: string): Promise<string[]> {
  const work = join(folder, WORK_FOLDER_NAME);
  const names = await readdir(work).catch(() => []);
  return names.filter((name) => name.endsWith('.lease')).map((name) => join(work, name));
}

/** Removes an encoding's files from its folder: shards, records, log and manifest. */
async function clear(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (SHARD_NAME.test(name)) await rm(join(folder, name), { force: true });
  await rm(join(folder, PICTURES_FOLDER_NAME), { recursive: true, force: true });
  for (const name of await readdir(join(folder, WORK_FOLDER_NAME)))
    if (/^\d+\.json$/.test(name)) await rm(join(folder, WORK_FOLDER_NAME, name), { force: true });
  await rm(join(folder, SKIPPED_LOG_NAME), { force: true });
  await rm(manifestPath(folder), { force: true });
}

/** Reads the log of a set and groups it by shard. Lines that can't be read are passed over. */
async function readSkippedLog(folder: string): Promise<Map<number, SkippedPicture[]>> {
  const failed = new Map<number, SkippedPicture[]>();
  const text = await readFile(join(folder, SKIPPED_LOG_NAME), 'utf8').catch(() => '');
  for (const line of text.split('\n')) {
    if (line === '') continue;
    try {
      const { shard, ...failure } = JSON.parse(line) as SkippedPicture & { shard: number };
      failed.set(shard, [...(failed.get(shard) ?? []), failure]);
    } catch {}
  }
  return failed;
}

/** Returns counts in the form that a record has. */
export function encodeCounts(counts: Uint32Array): string {
  const bytes = Buffer.alloc(counts.length * 4);
  for (const [i, count] of counts.entries()) bytes.writeUInt32LE(count, 4 * i);
  return bytes.toString('base64');
}

function decodeCounts(text: string): Uint32Array {
  const bytes = Buffer.from(text, 'base64');
  return Uint32Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => bytes.readUInt32LE(4 * i));
}

/**
 * Runs a write. If it fails (no space, no permission, a file in the place of a folder), the error
 * names the output.
 */
export async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof EaselError) throw error;
    throw new EaselError(
      `Encoding: ${path} can't be written (${(error as Error).message}). What was finished before is kept; the same command goes on from there.`,
    );
  }
}
