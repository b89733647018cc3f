import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '@easel/core';
import { writeJson } from '@easel/core/internals/node';

/** What is known of a staged work that was begun, in state.json of its folder. */
export interface WorkState {
  readonly version: 2;
  /** What the work was begun with, by name. */
  readonly conditions: Readonly<Record<string, string | number>>;
  /** Seconds that are used up, over all sittings. */
  readonly spent: number;
  /** Numbers that stages found and that later stages or sittings need. */
  readonly found: Readonly<Record<string, number>>;
  /** Stages that are done. */
  readonly done: readonly string[];
}

const path = (folder: string) => join(folder, 'state.json');

/** The state in a folder; undefined where there is none. Throws DataError if it is damaged. */
export async function readWorkState(folder: string): Promise<WorkState | undefined> {
  const text = await readFile(path(folder), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const state = JSON.parse(text) as WorkState;
    if (state.version === 2 && Array.isArray(state.done) && state.spent >= 0 && isRecord(state.conditions))
      if (isRecord(state.found)) return state;
  } catch {}
  throw new DataError(
    `${path(folder)}: damaged, or of another version of Easel. Choose a new folder, or delete ${folder}.`,
  );
}

/** Replaces the state in a folder as a whole. */
export async function writeWorkState(folder: string, state: WorkState): Promise<void> {
  await writeJson(path(folder), state);
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
