import { basename, dirname } from 'node:path';
import { ConfigError } from '../errors.js';
import { folderFiles } from '../files/folder-files.js';
import { parseJson } from '../files/json.js';

/**
 * The content of a JSON file on disk. Throws ConfigError that names the file if it is missing, not
 * text, or not JSON. `hint` is a sentence that follows where it is missing.
 */
export async function readJsonFile(path: string, hint?: string): Promise<unknown> {
  const text = await folderFiles(dirname(path)).text(basename(path));
  if (text === undefined)
    throw new ConfigError([`${path}: can't be read: there is no such file.`, hint].join(' ').trimEnd());
  return parseJson(text, path);
}
