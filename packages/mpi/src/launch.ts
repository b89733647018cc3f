import { EaselError } from '@easel/core';
import { askVersion, loadAddon } from './addon.js';
import type { Communicator } from './communicator.js';
import { MpiCommunicator } from './mpi-communicator.js';
import { oneProcess } from './one-process.js';

/** This process's place in a job, as its launcher's environment says it. */
export interface Launch {
  readonly rank: number;
  readonly size: number;
}

/**
 * Variables in which launchers tell a process its rank and the number of ranks: Open MPI's mpirun;
 * Hydra (MPICH, Intel MPI) and Slurm's srun with PMI-1 or PMI-2; PMIx, where the number comes from
 * Slurm.
 */
const VARIABLES = [
  ['OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE'],
  ['PMI_RANK', 'PMI_SIZE'],
  ['PMIX_RANK', 'SLURM_NTASKS'],
] as const;

/**
 * Whether an MPI launcher has started this process as one of several, and its place among them.
 * Undefined for a process that works alone. MPI is not loaded for this.
 */
export function launchedBy(environment: NodeJS.ProcessEnv = process.env): Launch | undefined {
  for (const [rankName, sizeName] of VARIABLES) {
    const [rank, size] = [Number(environment[rankName] ?? ''), Number(environment[sizeName] ?? '')];
    const isSet = environment[rankName] !== undefined && environment[sizeName] !== undefined;
    if (isSet && Number.isInteger(rank) && Number.isInteger(size) && size > 1) return { rank, size };
  }
  return undefined;
}

/**
 * Opens the communicator over all processes that the MPI launcher has started, or that of one
 * process. Throws EaselError if there is a launcher but MPI can't be used, saying what to install.
 */
export async function openCommunicator(): Promise<Communicator> {
  const launch = launchedBy();
  if (launch === undefined) return oneProcess;
  const load = loadAddon();
  if (load.addon === undefined)
    throw new EaselError(
      `This is one of ${launch.size} processes that an MPI launcher started, but ${load.reason}`,
    );
  const communicator = await MpiCommunicator.start(load.addon);
  if (communicator.size !== launch.size)
    throw new EaselError(
      `MPI: the launcher started ${launch.size} processes, but the library (${libraryName(load.addon.libraryVersion())}) sees ${communicator.size}. Is mpirun that of another MPI? Build the addon for yours: MPICC=… node packages/mpi/install.mjs.`,
    );
  return communicator;
}

/** What this machine has of MPI. */
export interface MpiStatus {
  readonly available: boolean;
  /** The library and its version, as `Open MPI v4.1.4`; undefined where there is none. */
  readonly library?: string;
  /** Why it can't be used, and what to do. */
  readonly reason?: string;
  /** Number of processes that the launcher has started; 1 without a launcher. */
  readonly ranks: number;
}

/** Says which MPI there is. Another process loads the library for this. Never throws. */
export function mpiStatus(): MpiStatus {
  const ranks = launchedBy()?.size ?? 1;
  const asked = askVersion();
  if (asked.version === undefined) return { available: false, reason: asked.reason, ranks };
  return { available: true, library: libraryName(asked.version), ranks };
}

/** `Open MPI v4.1.4` of `Open MPI v4.1.4, package: …`; `MPICH 4.0.2` of `MPICH Version:\t4.0.2\n…`. */
export function libraryName(version: string): string {
  const mpich = /^MPICH Version:\s*(\S+)/.exec(version);
  return mpich === null ? (version.split(/[,\n]/)[0] ?? version).trim() : `MPICH ${mpich[1]}`;
}
