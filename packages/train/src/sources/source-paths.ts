/** Finds out what the path of a source names: a picture folder, tar shards or parquet files. */
import { existsSync } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DataError } from '@easel/core';
import { EXPANSION_MAX, expand } from 'brace-expansion';
import { LIST_NAMES, NAMED_EXTENSIONS, pictureExtension } from './picture-source.js';

/** A source's kind and its files. For a picture folder `paths` is the folder itself. */
export interface SourcePaths {
  readonly kind: 'folder' | 'tar' | 'parquet';
  readonly paths: readonly string[];
}

const TAR = /\.(tar|tgz|tzst|tbz2?|txz|tar\.(gz|zst|bz2|xz|lz4))$/i;
const PARQUET = /\.parquet$/i;

/**
 * Returns the kind of the archive of pictures that a name belongs to; undefined for any other name.
 */
export function archiveKind(name: string): 'tar' | 'parquet' | undefined {
  return TAR.test(name) ? 'tar' : PARQUET.test(name) ? 'parquet' : undefined;
}

/**
 * Returns what a path names. Braces and wildcards are expanded as a shell does
 * (`shards/{00000..00331}.tar`, `data/train-*.parquet`, `**`). The files of each pattern are sorted
 * by name. A folder that holds neither pictures nor lists stands for the tar shards in it or, if it
 * has none, for its parquet files. Throws DataError if nothing matches, or if files of different
 * kinds match.
 */
export async function sourcePaths(path: string): Promise<SourcePaths> {
  const paths = await expandPaths(path);
  const [only] = paths as [string];
  if (paths.length === 1 && archiveKind(only) === undefined) return inFolder(only);
  if (paths.length === 1 && (await isFolder(only))) return inFolder(only);
  const kinds = new Set(paths.map(archiveKind));
  const [kind] = kinds;
  if (kinds.size === 1 && kind !== undefined) return { kind, paths };
  const other = paths.find((file) => archiveKind(file) !== kind || kind === undefined);
  throw new DataError(
    `Pictures ${path}: expected one folder, files ending in .tar, or files ending in .parquet; ${other} is none of them or of another kind. Give several folders as sources of their own.`,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}

const WILD = /[*?[\]]/;

/**
 * Returns the paths that a pattern with braces and wildcards stands for. A path that exists as it
 * is stands for itself.
 */
async function expandPaths(pattern: string): Promise<string[]> {
  if (existsSync(pattern)) return [pattern];
  const alternatives = expand(pattern);
  if (alternatives.length >= EXPANSION_MAX)
    throw new DataError(`Pictures ${pattern}: more than ${EXPANSION_MAX} files. Use a wildcard: *.tar.`);
  const paths: string[] = [];
  for (const path of alternatives) {
    if (!WILD.test(path) || existsSync(path)) paths.push(path);
    else {
      const found = await matching(path);
      if (found.length === 0) throw new DataError(`Pictures ${pattern}: no file matches ${path}.`);
      paths.push(...found);
    }
  }
  return [...new Set(paths)];
}

/** Returns the files and folders that match a pattern, sorted. */
async function matching(pattern: string): Promise<string[]> {
  let found = [pattern.startsWith('/') ? '/' : ''];
  for (const part of pattern.split('/').filter((segment) => segment !== '')) {
    const next: string[] = [];
    for (const folder of found) {
      if (part === '**') next.push(folder, ...(await foldersBelow(folder)));
      else if (!WILD.test(part)) next.push(join(folder, part));
      else for (const name of await namesIn(folder)) if (matches(name, part)) next.push(join(folder, name));
    }
    found = next;
  }
  return [...new Set(found)].filter((path) => existsSync(path)).sort();
}

function matches(name: string, part: string): boolean {
  if (name.startsWith('.') && !part.startsWith('.')) return false;
  const source = part.replace(/\[!?[^\]]+\]|[\s\S]/g, (token) => {
    if (token === '*') return '.*';
    if (token === '?') return '.';
    if (token.length > 1) return token.replace('[!', '[^').replaceAll('\\', '\\\\');
    return token.replace(/[.+^${}()|[\]\\]/, '\\$&');
  });
  return new RegExp(`^${source}$`, 'su').test(name);
}

async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of await opendir(folder === '' ? '.' : folder)) names.push(name);
  } catch {}
  return names;
}

async function foldersBelow(folder: string): Promise<string[]> {
  const all: string[] = [];
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    if (!name.startsWith('.') && (await isFolder(path))) all.push(path, ...(await foldersBelow(path)));
  }
  return all;
}

/**
 * Says what a folder holds. One picture or one list of captions makes it a picture folder.
 * Otherwise the folder stands for its archives.
 */
async function inFolder(path: string): Promise<SourcePaths> {
  const archives: Record<'tar' | 'parquet', string[]> = { tar: [], parquet: [] };
  if (await holdsPictures(path, archives, 0)) return { kind: 'folder', paths: [path] };
  const kind = archives.tar.length > 0 ? 'tar' : 'parquet';
  const paths = archives[kind].sort();
  return paths.length > 0 ? { kind, paths } : { kind: 'folder', paths: [path] };
}

/** Archives are not looked for in deeper folders than this. */
const MAX_DEPTH = 8;

async function holdsPictures(
  folder: string,
  archives: Record<'tar' | 'parquet', string[]>,
  depth: number,
): Promise<boolean> {
  const below: string[] = [];
  try {
    for await (const entry of await opendir(folder)) {
      const { name } = entry;
      if (name.startsWith('.')) continue;
      const path = join(folder, name);
      if (entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(path)))) {
        below.push(path);
        continue;
      }
      if (NAMED_EXTENSIONS.has(pictureExtension(name)) || LIST_NAMES.includes(name)) return true;
      const kind = archiveKind(name);
      if (kind !== undefined) archives[kind].push(path);
    }
  } catch {
    return true; // what is wrong with it, opening it as a folder will say
  }
  for (const path of below)
    if (depth < MAX_DEPTH && (await holdsPictures(path, archives, depth + 1))) return true;
  return false;
}

/** Returns, for messages, the pattern of the archives that lie in a picture folder. */
export function patternOf(archive: string): string {
  return join(dirname(archive), `*${/(\.tar)?\.[^.]*$/i.exec(basename(archive))?.[0] ?? ''}`);
}
