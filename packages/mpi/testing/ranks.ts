import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from '@jest/globals';
import { mpiStatus } from '../src/launch.js';

const MPIRUN = process.env.MPIRUN ?? 'mpirun';

/** As root, with more ranks than cores; waits of the library itself leave the core to others. */
const ENVIRONMENT = {
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
  OMPI_MCA_mpi_yield_when_idle: '1',
};

/** Why ranks can't be started here, or undefined. Ranks run the built packages. */
function lack(): string | undefined {
  if (spawnSync(MPIRUN, ['--version']).status !== 0) return `there is no ${MPIRUN}`;
  if (!existsSync(join(import.meta.dirname, '../dist/index.js')))
    return 'the packages are not built: npm run build';
  return mpiStatus().reason;
}

/** Tests that start several ranks; skipped, with the reason in their name, where that is not possible. */
export function describeRanks(name: string, tests: () => void): void {
  const reason = lack();
  if (reason === undefined) describe(name, tests);
  else describe.skip(`${name} (skipped: ${reason})`, tests);
}

/** How a job ended. */
export interface JobEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a Node program on several ranks. */
export function startRanks(
  ranks: number,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { readonly child: ChildProcess; readonly ended: Promise<JobEnd> } {
  const child = spawn(MPIRUN, ['-n', String(ranks), process.execPath, ...args], {
    env: { ...process.env, NODE_OPTIONS: '', ...ENVIRONMENT, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream]?.on('data', (text) => {
      said[stream] += text;
    });
  const ended = new Promise<JobEnd>((resolve) => {
    child.on('close', (code) => resolve({ code, ...said }));
  });
  return { child, ended };
}
