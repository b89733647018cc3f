import { spawnSync } from 'node:child_process';
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
const REMEDY = `Install MPI (Debian: apt install openmpi-bin libopenmpi-dev; macOS: brew install open-mpi), then run: node ${join(packageDir, 'install.mjs')}`;

/** MPI libraries load plug-ins that look for the library's symbols among the global ones. */
const FLAGS = constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL;

const NOT_BUILT = `the addon over MPI is not built. ${REMEDY}`;
const notLoading = (cause: string) => `the addon over MPI does not load (${cause}). ${REMEDY}`;

/** The loaded addon, or the reason why there is none. */
export type AddonLoad = { readonly addon: Addon } | { readonly addon: undefined; readonly reason: string };

/**
 * The MPI library's own text about its version, or why the addon does not load. Another process loads
 * it: MPICH's ends with a crash if it was loaded and not started.
 */
export function askVersion():
  | { readonly version: string }
  | { readonly version?: undefined; readonly reason: string } {
  if (!existsSync(ADDON)) return { reason: NOT_BUILT };
  const code = `const m = { exports: {} }; process.dlopen(m, ${JSON.stringify(ADDON)}, ${FLAGS}); process.stdout.write(m.exports.libraryVersion())`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' });
  if (stdout !== '') return { version: stdout };
  return { reason: notLoading(stderr.match(/^\w*Error: .*/m)?.[0] ?? stderr.trim()) };
}

let loaded: AddonLoad | undefined;

/** Loads the addon, once in a process. It is not loaded before it is asked for. Never throws. */
export function loadAddon(): AddonLoad {
  loaded ??= load();
  return loaded;
}

function load(): AddonLoad {
  if (!existsSync(ADDON)) return { addon: undefined, reason: NOT_BUILT };
  try {
    const module: { exports: unknown } = { exports: {} };
    process.dlopen(module, ADDON, FLAGS);
    return { addon: module.exports as Addon };
  } catch (error) {
    return { addon: undefined, reason: notLoading(error instanceof Error ? error.message : String(error)) };
  }
}
