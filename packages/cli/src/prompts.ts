import { DataError } from '@easel/core';
import { readLines } from './text-file.js';

/**
 * Returns the prompts of a command line, then those of a file with one prompt a line. Blank lines
 * of the file are skipped.
 *
 * Throws DataError if there is none, one is blank, or one is not valid UTF-8. Node replaces invalid
 * bytes of arguments by U+FFFD, so a prompt with that character is refused as well.
 */
export async function gatherPrompts(given: readonly string[], file: string | undefined): Promise<string[]> {
  const prompts = [...given];
  for (const [i, prompt] of given.entries()) {
    if (prompt.includes('\ufffd')) {
      throw new DataError(
        `Prompt ${i + 1} is not valid UTF-8. Does the terminal use another encoding? Or write it into a UTF-8 file and give --prompts FILE.`,
      );
    }
    if (prompt.trim() === '') {
      throw new DataError(`Prompt ${i + 1} is empty. Say what to draw, e.g. easel generate "a red heart".`);
    }
  }
  if (file !== undefined) {
    const lines = await readLines(file);
    if (lines.length === 0) throw new DataError(`${file}: expected one prompt a line, found no prompt.`);
    prompts.push(...lines);
  }
  if (prompts.length === 0) {
    throw new DataError(
      'No prompt given. Say what to draw, e.g. easel generate "a red heart", or give --prompts FILE.',
    );
  }
  return prompts;
}
