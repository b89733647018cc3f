import { existsSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { EaselError } from '@easel/core';
import { type Case, GoldenFolder, type Kind, type KindEntry } from './kind.js';
import { KINDS } from './kinds/index.js';

/** A case of a folder, or a folder that no runner knows, with the reason. */
export interface FoundCase {
  readonly kind: string;
  /** Folder and case: "bart/preln", "random/original uniform". */
  readonly name: string;
  readonly case?: Case;
  readonly problem?: string;
}

/** Folders that hold no recorded numbers. */
const OTHER_FOLDERS = new Set(['scripts', '__pycache__']);

/** Files that describe the others. */
const OTHER_FILES = /^(README.*|.*\.md|.*\.py|\..*)$/;

/**
 * Finds every case in a folder and in the folders below it. Throws EaselError if there is no such
 * folder, or nothing in it is of a known kind.
 */
export async function findCases(directory: string): Promise<FoundCase[]> {
  const root = resolve(directory);
  if (!existsSync(root)) {
    throw new EaselError(`conformance: expected a folder of recorded numbers, but there is no ${directory}.`);
  }
  const found: FoundCase[] = [];
  const around = kindNamed(basename(dirname(root))); // a single case's folder was given
  await search(root, undefined, around, root, found);
  if (found.length === 0) {
    throw new EaselError(
      `conformance: nothing in ${directory} looks like recorded numbers. Its folders should be named for a kind (${KINDS.map(({ name }) => name).join(', ')}) or hold such a folder's files.`,
    );
  }
  return found;
}

async function search(
  path: string,
  inherited: KindEntry | undefined,
  around: KindEntry | undefined,
  root: string,
  found: FoundCase[],
): Promise<void> {
  const folder = new GoldenFolder(path);
  const named = kindNamed(folder.name) ?? inherited;
  const entry = named ?? KINDS.find((kind) => kind.recognizes(folder)) ?? around;
  if (entry) found.push(...(await casesOf(entry, folder, root)));
  for (const below of folder.folders) {
    const isOther = OTHER_FOLDERS.has(below) || below.startsWith('.') || entry?.inputs?.test(below);
    if (!isOther) {
      await search(join(path, below), named, around, root, found);
    }
  }
}

function kindNamed(name: string): KindEntry | undefined {
  return KINDS.find((kind) => kind.name === name);
}

const loaded = new Map<string, Promise<{ readonly kind: Kind }>>();

async function casesOf(entry: KindEntry, folder: GoldenFolder, root: string): Promise<FoundCase[]> {
  const where = relative(dirname(root), folder.path) || folder.name;
  const files = folder.files.filter((file) => !OTHER_FILES.test(file));
  if (files.length === 0) return [];
  if (!entry.load) {
    return [{ kind: entry.name, name: where, problem: `no runner for the kind "${entry.name}"` }];
  }
  let module = loaded.get(entry.name);
  if (!module) {
    module = entry.load();
    loaded.set(entry.name, module);
  }
  const { kind } = await module;
  const label = (name: string): string => (name === '' ? where : `${where} ${name}`);
  let cases: readonly Case[];
  try {
    cases = kind.cases(folder);
  } catch (error) {
    return [
      { kind: entry.name, name: where, problem: `its files cannot be read: ${(error as Error).message}` },
    ];
  }
  const unread = files.filter((file) => !kind.besides?.test(file));
  if (cases.length === 0 && unread.length > 0) {
    const some = unread.slice(0, 3).join(', ');
    return [
      { kind: entry.name, name: where, problem: `no case of the kind "${entry.name}" in its files: ${some}` },
    ];
  }
  return cases.map((found) => ({ kind: entry.name, name: label(found.name), case: found }));
}
