import { DataError } from '@easel/core';
import type { PictureGenerator } from '../sources/generated-pictures.js';
import { openModule } from '../sources/open-module.js';
import type { JudgedSet } from './judged-set.js';

/**
 * Opens the module of a judged set (see `JudgedModule`). Settings stand behind its path and a
 * question mark. Returns null for a module that makes pictures (`GeneratorModule`): it is judged by
 * its captions, as any source is.
 *
 * Throws DataError for a module that can't be imported or gives something else, and ConfigError for
 * settings that can't be.
 */
export async function openJudgedSet(path: string): Promise<JudgedSet | null> {
  const where = `Judged set ${path}`;
  const opened = await openModule<Partial<JudgedSet & PictureGenerator>>(path, where, 'Judging');
  const { kinds, prompts, render, picture } = opened;
  if (typeof picture === 'function') return null;
  if (Array.isArray(kinds) && typeof prompts === 'function' && typeof render === 'function')
    return opened as JudgedSet;
  throw new DataError(
    `${where}: expected \`open\` to return { kinds, prompts, render }, it returned { ${Object.keys(opened).join(', ')} }. See "Judging" in the README of @easel/train.`,
  );
}
