import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { EaselError, MANIFEST_FILE, makeManifest, manifestToJson, openManifest } from '@easel/core';
import { folderFiles } from '@easel/core/node';
import { filesBelow, siteFolder } from './site.js';

/** Options of `writeStaticSite`. */
export interface StaticSiteOptions {
  /** The model's folder. */
  readonly model: string;
  /** The model's name. */
  readonly name: string;
  /** The folder to write; one that such a page is in is replaced. */
  readonly to: string;
}

/** File beside the page that says who draws. */
const CONFIG_FILE = 'page.json';

/** Folder of the model beside the page. */
const MODEL_FOLDER = 'model';

/** Files that a manifest leaves out, since a user may change them, and that a page reads. */
const OTHERS = ['generation.json'];

/**
 * Writes a folder with the page and a model, which draws in the visitor's browser wherever the folder
 * is put. Written completely or not at all. Returns the folder's size in bytes.
 *
 * Throws EaselError if the page was not built, or `to` holds something else; CheckpointError for a
 * model that differs from its manifest.
 */
export async function writeStaticSite({ model, name, to }: StaticSiteOptions): Promise<number> {
  const site = siteFolder();
  const target = resolve(to);
  await checkTarget(target, to);
  const files = folderFiles(model);
  const names = await filesOf(model);
  const manifest =
    (await openManifest(files)) ??
    (await makeManifest(
      files,
      names.filter((one) => !OTHERS.includes(one)),
    ));
  const fresh = join(dirname(target), `.${basename(target)}.${process.pid}`);
  await mkdir(dirname(target), { recursive: true });
  try {
    await cp(site, fresh, { recursive: true });
    for (const file of [...manifest.files.keys(), ...OTHERS.filter((one) => names.includes(one))]) {
      const copy = join(fresh, MODEL_FOLDER, file);
      await mkdir(dirname(copy), { recursive: true });
      await cp(join(model, file), copy, { dereference: true });
    }
    const listed = JSON.stringify(manifestToJson({ ...manifest, restore: 'load the page again' }), null, 1);
    await writeFile(join(fresh, MODEL_FOLDER, MANIFEST_FILE), `${listed}\n`);
    const config = { draws: 'browser', model: MODEL_FOLDER, name };
    await writeFile(join(fresh, CONFIG_FILE), `${JSON.stringify(config)}\n`);
    const size = await sizeOf(fresh);
    await rm(target, { recursive: true, force: true });
    await rename(fresh, target);
    return size;
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
}

/** Throws EaselError unless the folder is not there, empty, or holds such a page. */
async function checkTarget(target: string, asGiven: string): Promise<void> {
  if (!existsSync(target)) return;
  const found = await readdir(target).catch(() => {
    throw new EaselError(`${asGiven}: expected a folder to write the page into, found a file.`);
  });
  if (found.length === 0) return;
  const config = await readFile(join(target, CONFIG_FILE), 'utf8').catch(() => '');
  if (config.includes('"draws"') && found.includes('service-worker.js')) return;
  throw new EaselError(
    `${asGiven}: expected a folder that is new, empty or holds such a page, found ${found.slice(0, 3).join(', ')}${found.length > 3 ? ' and more' : ''}. Give another folder.`,
  );
}

/** Names of all files of a model, without its manifest and hidden ones. */
async function filesOf(folder: string): Promise<readonly string[]> {
  const names = await filesBelow(folder);
  return names.filter((name) => name !== MANIFEST_FILE && !basename(name).startsWith('.'));
}

async function sizeOf(folder: string): Promise<number> {
  const names = await filesBelow(folder);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
