import type { Hash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asWriteError, makeFolder } from '@easel/core/internals/node';
import { digestName, hashFile, startHash } from './digest.js';
import { ATTEMPTS, ConnectionError, type HubClient, type RepositoryFile } from './hub-client.js';
import { HubError } from './hub-error.js';

/** Where a file comes from, and where it goes. */
export interface BlobTarget {
  readonly repository: string;
  readonly commit: string;
  readonly blob: string;
  readonly incomplete: string;
}

/** The bytes of a file changed in number: more came, or those that were there were no good. */
export type OnBytes = (change: number) => void;

/**
 * Fetches a file to `blob`. What came of it before lies in `incomplete`, and only the rest is asked
 * for. A connection that is cut is made again, from the byte at which it ended, until nothing has
 * come ATTEMPTS times in a row. The file gets its name when its digest is the hub's. If it is not,
 * the file is fetched once more from its first byte.
 *
 * Throws HubError for bytes that differ twice (nothing of them is kept), ConnectionError for a
 * connection that stays away, EaselError for a disk that is full; what came is kept then.
 */
export async function downloadBlob(
  client: HubClient,
  file: RepositoryFile,
  { repository, commit, blob, incomplete }: BlobTarget,
  onBytes: OnBytes = () => {},
): Promise<void> {
  await makeFolder(dirname(blob));
  for (let again = false; ; again = true) {
    const partial = await PartialFile.open(incomplete, file, onBytes);
    let wrong: string | undefined;
    try {
      await fill(partial, client, repository, commit, file);
      wrong = partial.difference();
      if (wrong === undefined) await partial.sync();
    } finally {
      await partial.close();
    }
    if (wrong === undefined) break;
    await rm(incomplete, { force: true });
    onBytes(-partial.size);
    if (again)
      throw new HubError(
        `${repository}: ${file.path} came with other bytes than the hub lists, twice (${wrong}). Nothing of it was kept. A proxy or a mirror between here and the hub may change files.`,
      );
  }
  try {
    await rename(incomplete, blob);
  } catch (error) {
    throw asWriteError(error, blob);
  }
}

/** Asks for the missing bytes until all are there. */
async function fill(
  partial: PartialFile,
  client: HubClient,
  repository: string,
  commit: string,
  file: RepositoryFile,
): Promise<void> {
  let most = partial.size;
  let failures = 0;
  while (partial.size < file.size) {
    let lost: ConnectionError | undefined;
    try {
      const { start, chunks } = await client.read(repository, commit, file, partial.size);
      if (start === 0) await partial.restart();
      for await (const chunk of chunks) if (!(await partial.add(chunk))) return;
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      lost = error;
    }
    if (partial.size >= file.size) return;
    failures = partial.size > most ? 0 : failures + 1;
    most = Math.max(most, partial.size);
    if (failures >= ATTEMPTS)
      throw new ConnectionError(
        `${repository}: ${file.path} ended ${ATTEMPTS} times in a row at byte ${partial.size} of ${file.size}. ${lost?.message ?? 'The server closed the connection.'} What came is kept: the same command goes on from there.`,
        lost === undefined ? {} : { cause: lost },
      );
    if (failures > 0 || lost !== undefined) await client.pause(failures);
  }
}

/** A file that grows, and the hash of what it has. */
class PartialFile {
  size: number;
  private hash: Hash;
  private overflowed = false;
  private readonly handle: FileHandle;
  private readonly path: string;
  private readonly file: RepositoryFile;
  private readonly onBytes: OnBytes;

  private constructor(
    handle: FileHandle,
    {
      path,
      file,
      size,
      hash,
      onBytes,
    }: { path: string; file: RepositoryFile; size: number; hash: Hash; onBytes: OnBytes },
  ) {
    this.handle = handle;
    this.path = path;
    this.file = file;
    this.size = size;
    this.hash = hash;
    this.onBytes = onBytes;
  }

  /** Opens what is there, or makes an empty file. More bytes than the file can have are dropped. */
  static async open(path: string, file: RepositoryFile, onBytes: OnBytes): Promise<PartialFile> {
    try {
      const handle = await open(path, 'a+');
      let { size } = await handle.stat();
      const hash = startHash(file.digest, file.size);
      if (size > file.size) {
        await handle.truncate(0);
        size = 0;
      } else if (size > 0) await hashFile(hash, path);
      onBytes(size);
      return new PartialFile(handle, { path, file, size, hash, onBytes });
    } catch (error) {
      throw asWriteError(error, path);
    }
  }

  /** Adds bytes. Returns false, and takes none of them, if the file would become too long. */
  async add(chunk: Uint8Array): Promise<boolean> {
    if (this.size + chunk.length > this.file.size) {
      this.overflowed = true;
      return false;
    }
    for (let written = 0; written < chunk.length; ) {
      let bytes: number;
      try {
        bytes = (await this.handle.write(chunk, written)).bytesWritten;
      } catch (error) {
        throw this.writeError(error);
      }
      this.hash.update(chunk.subarray(written, written + bytes));
      written += bytes;
      this.size += bytes;
      this.onBytes(bytes);
    }
    return true;
  }

  /** Drops all bytes, where a server sends the file from its first one. */
  async restart(): Promise<void> {
    if (this.size === 0) return;
    await this.handle.truncate(0);
    this.onBytes(-this.size);
    this.size = 0;
    this.hash = startHash(this.file.digest, this.file.size);
  }

  /** How the bytes differ from what the hub lists; undefined if they don't. */
  difference(): string | undefined {
    if (this.overflowed) return `more than ${this.file.size} bytes`;
    const found = this.hash.digest('hex');
    const { digest } = this.file;
    if (found === digest.hex) return undefined;
    return `${digestName(digest)}: expected ${digest.hex}, found ${found}`;
  }

  async sync(): Promise<void> {
    try {
      await this.handle.sync();
    } catch (error) {
      throw this.writeError(error);
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  private writeError(error: unknown): unknown {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') return asWriteError(error, this.path);
    return new HubError(
      `${this.path}: the disk is full: ${this.size} of ${this.file.size} bytes of ${this.file.path} are there. They are kept: make room and run the command again, or set HF_HUB_CACHE to a folder on another disk.`,
      { cause: error },
    );
  }
}
