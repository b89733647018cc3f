import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '@easel/core';
import { writeJson } from '@easel/core/internals/node';

/** What is known of a learning that was begun, in OUT/learning/state.json. */
export interface LearnState {
  readonly version: 1;
  /** Digest of the pictures and captions. */
  readonly source: string;
  /** Time that it was given, in seconds, and what of it is used up, over all sittings. */
  readonly seconds: number;
  readonly spent: number;
  /** Updates of the two trainings, once they are known. */
  readonly vqganSteps: number | null;
  readonly seq2seqSteps: number | null;
  /** Stages that are done. */
  readonly done: readonly string[];
}

const path = (folder: string) => join(folder, 'state.json');

/** The state in a folder; undefined where there is none. Throws DataError if it is damaged. */
export async function readLearnState(folder: string): Promise<LearnState | undefined> {
  const text = await readFile(path(folder), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const state = JSON.parse(text) as LearnState;
    if (state.version === 1 && Array.isArray(state.done) && state.seconds > 0) return state;
  } catch {}
  throw new DataError(`${path(folder)}: damaged. Choose a new folder, or delete ${folder}.`);
}

/** Replaces the state in a folder as a whole. */
export async function writeLearnState(folder: string, state: LearnState): Promise<void> {
  await writeJson(path(folder), state);
}
