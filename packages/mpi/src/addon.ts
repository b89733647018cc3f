import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Memory } from './communicator.js';

/** The operations, in the order of the addon's numbers. */
export const KINDS = ['allReduce', 'broadcast', 'gather', 'barrier', 'abandon', 'close'] as const;
/** Element types of sums, in the order of the addon's numbers. */
export const ELEMENTS = ['float32', 'bfloat16'] as const;
/** How an operation ends, in the order of the addon's numbers. */
export const ENDS = ['done', 'abandoned', 'failed'] as const;

/** The addon's functions. One thread carries out what is submitted, in that order. */
export interface Addon {
  /** Name and version of the MPI library. */
  libraryVersion(): string;
  /** Starts MPI. `error` is empty if it started. */
  start(started: (error: string, rank: number, size: number, host: string) => void): void;
  /** `ended` gets an index into ENDS; which rank abandoned the work, and why; and what was gathered. */
  submit(
    kind: number,
    element: number,
    ordered: boolean,
    root: number,
    arrays: readonly Memory[],
    message: string,
    ended: (end: number, rank: number, message: string, received: readonly Uint8Array[]) => void,
  ): void;
  recover(): void;
  abort(code: number): void;
}

const packageDir = join(dirname(fileURLToPath(import.meta.url)), '..');
const ADDON = join(packageDir, 'build', 'easel_mpi.node');

/** What to do where the addon is missing or does not load. */
export const REMEDY = `Install MPI (Debian: apt install openmpi-bin libopenmpi-dev; macOS: brew install open-mpi), then run: node ${join(packageDir, 'install.mjs')}`;

/** The loaded addon, or the reason why there is none. */
export type AddonLoad = { readonly addon: Addon } | { readonly addon: undefined; readonly reason: string };

let loaded: AddonLoad | undefined;

/** Loads the addon, once in a process. It is not loaded before it is asked for. Never throws. */
export function loadAddon(): AddonLoad {
  loaded ??= load();
  return loaded;
}

function load(): AddonLoad {
  if (!existsSync(ADDON)) return { addon: undefined, reason: `the addon over MPI is not built. ${REMEDY}` };
  try {
    const module: { exports: unknown } = { exports: {} };
    // MPI libraries load plug-ins that look for the library's symbols among the global ones.
    const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
    process.dlopen(module, ADDON, RTLD_NOW | RTLD_GLOBAL);
    return { addon: module.exports as Addon };
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return { addon: undefined, reason: `the addon over MPI does not load (${cause}). ${REMEDY}` };
  }
}
