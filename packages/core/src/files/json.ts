import { ConfigError } from '../errors.js';
import type { ModelFiles } from './model-files.js';

/** Parses a file's JSON. `file` is for messages. Throws ConfigError that names the file. */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`${file}: not JSON (${(error as Error).message}). Is the file complete?`, {
      cause: error,
    });
  }
}

/** Reads a JSON file, or returns undefined if there is none. Throws ConfigError for other content. */
export async function readJson(files: ModelFiles, name: string): Promise<unknown> {
  const text = await files.text(name);
  return text === undefined ? undefined : parseJson(text, files.nameOf(name));
}

/**
 * Reads a JSON file that must be there. `hint` is the sentence that follows where it is missing:
 * which files such a folder has. Throws ConfigError for a missing file and for other content.
 */
export async function requireJson(files: ModelFiles, name: string, hint: string): Promise<unknown> {
  const json = await readJson(files, name);
  if (json === undefined) throw new ConfigError(`${files.nameOf(name)}: there is no such file. ${hint}`);
  return json;
}
