import { ConfigError } from '../errors.js';

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
