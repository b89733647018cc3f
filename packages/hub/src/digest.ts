import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/**
 * What the hub says of a file's bytes: the SHA-256 of a file in LFS, or git's id of a small one. It
 * is the file's etag, and its name among the cache's blobs.
 */
export interface Digest {
  readonly algorithm: 'sha256' | 'git';
  /** In hexadecimal: 64 digits, or 40 of git. */
  readonly hex: string;
}

/** The digest that a blob of this name has; undefined for a name that is none. */
export function digestOf(hex: string): Digest | undefined {
  if (/^[0-9a-f]{64}$/.test(hex)) return { algorithm: 'sha256', hex };
  return /^[0-9a-f]{40}$/.test(hex) ? { algorithm: 'git', hex } : undefined;
}

/** A hash that takes the bytes of a file of `size`. Git's covers the size, too. */
export function startHash({ algorithm }: Digest, size: number): Hash {
  return algorithm === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
}

/** What a digest is called in a message. */
export function digestName({ algorithm }: Digest): string {
  return algorithm === 'sha256' ? 'SHA-256' : "git's SHA-1";
}

/** Adds the bytes of a file to a hash. Throws what the file system throws. */
export async function hashFile(hash: Hash, path: string): Promise<void> {
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Buffer);
}

/** The digest that a file of `size` has. Throws what the file system throws. */
export async function digestFile(path: string, size: number, digest: Digest): Promise<string> {
  const hash = startHash(digest, size);
  await hashFile(hash, path);
  return hash.digest('hex');
}
