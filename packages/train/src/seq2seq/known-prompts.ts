import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@easel/core/internals/node';

/** File of a model folder with prompts of what the model was trained on, one a line. */
export const PROMPTS_FILE = 'prompts.txt';

/** Most captions of a training set that its model's folder names. */
export const MOST_KNOWN_PROMPTS = 2048;

/** Writes prompts into a model folder, each once and on a line of its own. */
export async function writeKnownPrompts(folder: string, prompts: readonly string[]): Promise<void> {
  const lines = new Set(prompts.map((prompt) => prompt.replace(/\s+/g, ' ').trim()));
  lines.delete('');
  await writeFileAtomic(join(folder, PROMPTS_FILE), [...lines].map((line) => `${line}\n`).join(''));
}

/** The prompts that a model folder names; none where it has no such file. */
export async function readKnownPrompts(folder: string): Promise<string[]> {
  const text = await readFile(join(folder, PROMPTS_FILE), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return [...new Set(text.split(/\r\n|\r|\n/).map((line) => line.trim()))].filter((line) => line !== '');
}
