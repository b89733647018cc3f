import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { EaselError } from '@easel/core';

/** A file of the page. */
export interface SiteFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Its Content-Type. */
  readonly type: string;
  /** Whether its name changes with its bytes, so that it may be kept for ever. */
  readonly isImmutable: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

/** The folder of the built page. Throws EaselError if it was not built. */
export function siteFolder(): string {
  const folder = join(import.meta.dirname, '../site');
  if (existsSync(join(folder, 'index.html'))) return folder;
  throw new EaselError(
    `The page is not in ${folder}. In a clone of Easel, npm run build -w packages/demo makes it.`,
  );
}

/**
 * Reads all files of the page, by name; a `/` stands between a folder and what lies in it. Throws
 * EaselError if the page was not built.
 */
export async function readSite(): Promise<ReadonlyMap<string, SiteFile>> {
  const folder = siteFolder();
  const files = new Map<string, SiteFile>();
  for (const name of await filesBelow(folder)) {
    files.set(name, {
      bytes: new Uint8Array(await readFile(join(folder, name))),
      type: TYPES[extname(name)] ?? 'application/octet-stream',
      isImmutable: name.startsWith('assets/'),
    });
  }
  return files;
}

/** Names of all files below a folder, in order; a `/` stands between a folder and what lies in it. */
export async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}
