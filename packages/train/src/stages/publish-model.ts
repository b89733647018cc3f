import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { asWriteError } from '@easel/core/internals/node';

/** Where files are copied to before they are put in their place. */
const PARTIAL = '.model.partial';

/**
 * Copies the files and folders of a model into a folder that may hold others. Each is copied
 * completely before it replaces the one of its name. Throws EaselError if the folder can't be
 * written to.
 */
export async function publishModel(from: string, to: string): Promise<void> {
  const partial = join(to, PARTIAL);
  try {
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    await cp(from, partial, { recursive: true });
    for (const name of await readdir(partial)) {
      await rm(join(to, name), { recursive: true, force: true });
      await rename(join(partial, name), join(to, name));
    }
    await rm(partial, { recursive: true, force: true });
  } catch (error) {
    throw asWriteError(error, `Model ${to}`);
  }
}
