import type { Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, parse, sep } from 'node:path';

/** What something in a file system is that is no regular file; undefined for one that is. */
export function irregularKind(
  info: Pick<Stats, 'isFile' | 'isDirectory' | 'isFIFO' | 'isSocket'>,
): string | undefined {
  if (info.isFile()) return undefined;
  if (info.isDirectory()) return 'a folder';
  return info.isFIFO() ? 'a FIFO' : info.isSocket() ? 'a socket' : 'a device';
}

/** A name was found, but what it names is no file; reading it might never end. */
export class NoFileError extends Error {}

/**
 * The content of a regular file. Where there is none of that name, its other Unicode forms are tried: a list may
 * be in NFC beside files in NFD, as macOS names them, or the other way round.
 * Throws what the file system throws, or NoFileError for a folder, FIFO, socket or device.
 */
export async function readRegularFile(path: string): Promise<Buffer> {
  const actual = await actualPath(path);
  const irregular = irregularKind(await stat(actual));
  if (irregular !== undefined) throw new NoFileError(`it is ${irregular}`);
  return readFile(actual);
}

/** A path as it is written on disk, if it is there in another Unicode form; else the path itself. */
export async function actualPath(path: string): Promise<string> {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII has one form only
  if (/^[\x00-\x7f]*$/.test(path) || (await isThere(path))) return path;
  const { root } = parse(path);
  let at = root;
  for (const part of path.slice(root.length).split(sep)) {
    const forms = [...new Set([part, part.normalize('NFC'), part.normalize('NFD')])];
    let found: string | undefined;
    for (const form of forms)
      if (found === undefined && (await isThere(join(at, form)))) found = join(at, form);
    if (found === undefined) return path;
    at = found;
  }
  return at;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
