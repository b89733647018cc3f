import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe } from '@jest/globals';

/** The program that the tests start. */
export const easelBin = fileURLToPath(new URL('../bin/easel.js', import.meta.url));
const built = existsSync(fileURLToPath(new URL('../dist/main.js', import.meta.url)));

/** Tests of real processes, which run what `npm run build` made; `npm run check` builds first. */
export const whenBuilt: (name: string, tests: () => void) => void = built ? describe : describe.skip;

/** How a process ended, and what it said. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Starts a command line in a process of its own; `prefix`: words before it, e.g. of a shell that
 * sets limits.
 */
export function startEasel(
  words: readonly string[],
  prefix: readonly string[] = [],
): { readonly child: ChildProcess; readonly ended: Promise<ProcessEnd> } {
  const [program, ...rest] = [...prefix, process.execPath, easelBin, ...words] as [string, ...string[]];
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (text) => {
      said[stream] += text;
    });
  const ended = new Promise<ProcessEnd>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...said }));
  });
  return { child, ended };
}
