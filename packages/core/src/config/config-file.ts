import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TokenizerFiles } from '../bpe/files.js';
import { ConfigError } from '../errors.js';

/** The text of a file, or undefined if there is none. Throws ConfigError, naming the file, if it is not readable UTF-8. */
export async function readTextIfThere(file: string): Promise<string | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new ConfigError(`${file}: cannot be read (${code}).`, { cause: error });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ConfigError(`${file}: expected UTF-8 text. Is the file complete, and really a text file?`, {
      cause: error,
    });
  }
}

/** A file's JSON. Throws ConfigError that names the file. */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`${file}: not JSON (${(error as Error).message}). Is the file complete?`, {
      cause: error,
    });
  }
}

/** The content of a JSON file. Throws ConfigError that names it if it is missing or not JSON. */
export async function readJsonFile(path: string): Promise<unknown> {
  const text = await readTextIfThere(path);
  if (text === undefined) throw new ConfigError(`${path}: can't be read: there is no such file.`);
  return parseJson(text, path);
}

/** The texts of a tokenizer's files in a folder in Hugging Face form, those that are there. Throws ConfigError for one that is no text. */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const [vocab, merges, tokenizerJson, specialTokensMap, tokenizerConfig] = await Promise.all(
    ['vocab.json', 'merges.txt', 'tokenizer.json', 'special_tokens_map.json', 'tokenizer_config.json'].map(
      (name) => readTextIfThere(join(folder, name)),
    ),
  );
  return { vocab, merges, tokenizerJson, specialTokensMap, tokenizerConfig };
}
