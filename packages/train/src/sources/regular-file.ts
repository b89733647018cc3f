import type { Stats } from 'node:fs';
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { join, parse, sep } from 'node:path';
import { DataError } from '@easel/core';

/**
 * Says what an entry of a file system is if it is no regular file. Returns undefined for a regular
 * file.
 */
export function irregularKind(
  info: Pick<Stats, 'isFile' | 'isDirectory' | 'isFIFO' | 'isSocket'>,
): string | undefined {
  if (info.isFile()) return undefined;
  if (info.isDirectory()) return 'a folder';
  return info.isFIFO() ? 'a FIFO' : info.isSocket() ? 'a socket' : 'a device';
}

/**
 * Opens a regular file for reading. Throws DataError that begins with `where` if the file can't be
 * opened, or if it is a folder, FIFO, socket or device. A FIFO is never opened, since that might
 * wait for ever.
 */
export async function openRegularFile(path: string, where: string): Promise<FileHandle> {
  try {
    const irregular = irregularKind(await stat(path));
    if (irregular !== undefined) throw new Error(`it is ${irregular} and no file`);
    return await open(path);
  } catch (error) {
    throw new DataError(`${where}: can't be opened (${(error as Error).message}).`);
  }
}

/** The name exists, but it names no regular file. Reading it might never end. */
export class NoFileError extends Error {}

/**
 * Reads a regular file. If there is no file of that name, the other Unicode forms of the name are
 * tried: a list may be in NFC while its files are in NFD, as macOS names them, or the other way
 * round. Throws what the file system throws, or NoFileError for a folder, FIFO, socket or device.
 */
export async function readRegularFile(path: string): Promise<Buffer> {
  const actual = await actualPath(path);
  const irregular = irregularKind(await stat(actual));
  if (irregular !== undefined) throw new NoFileError(`it is ${irregular}`);
  return readFile(actual);
}

/**
 * Returns a path as the disk has it, if it exists in another Unicode form. Otherwise returns the
 * path itself.
 */
export async function actualPath(path: string): Promise<string> {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII has one form only
  if (/^[\x00-\x7f]*$/.test(path) || (await isThere(path))) return path;
  const { root } = parse(path);
  return (await withForms(root, path.slice(root.length).split(sep))) ?? path;
}

/**
 * Returns the path of these parts below a folder, each in the Unicode form that exists. Returns
 * undefined if they don't exist.
 */
async function withForms(folder: string, parts: readonly string[]): Promise<string | undefined> {
  const [part, ...rest] = parts;
  if (part === undefined) return folder;
  for (const form of new Set([part, part.normalize('NFC'), part.normalize('NFD')])) {
    const path = join(folder, form);
    const found = (await isThere(path)) ? await withForms(path, rest) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
