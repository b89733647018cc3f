import { ConfigError } from '@easel/core';
import { parseJson } from '@easel/core/internals';

/** File of a model folder with prompts that the model draws well: a list of texts. */
export const EXAMPLES_FILE = 'examples.json';

/**
 * Reads the text of an examples.json. `file` is for messages. Throws ConfigError for what is no list
 * of texts.
 */
export function parseExamples(text: string, file = EXAMPLES_FILE): readonly string[] {
  const json = parseJson(text, file);
  const isText = (value: unknown) => typeof value === 'string' && value.trim() !== '';
  if (Array.isArray(json) && json.every(isText)) return json as string[];
  throw new ConfigError(`${file}: expected a list of prompts, such as ["a red heart", "a pizza"].`);
}
