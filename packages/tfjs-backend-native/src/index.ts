import { isMainThread } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs';
import { addon, addonLoad, type CpuTarget, environmentFault } from './addon.js';
import type { NativeBackend } from './backend.js';
import { BACKEND_NAME, registerNativeBackend } from './register.js';

// The backend. Importing this module registers it as 'native'.

export { AllocationError } from './allocation-error.js';
export { NativeBackend } from './backend.js';
export type { PoolUsage } from './block-pool.js';
export type { FusedKernels } from './kernels/fused-kernels.js';

// Which instruction set and how many threads compute.

export { CPU_TARGETS, type CpuTarget, setTarget, setThreads } from './addon.js';

// Which kernels ran, and what a program would take.

export { type KernelCount, kernelCounts, resetKernelCounts } from './kernel-counts.js';
export { type Rehearsal, rehearse } from './rehearsal.js';

/** Whether the backend can be used here, and how it runs. */
export interface NativeStatus {
  readonly available: boolean;
  /** Why the backend is not available, and the remedy. */
  readonly reason?: string;
  /** The processor's name, or 'unknown'. */
  readonly cpu: string;
  /** The instruction set in use. */
  readonly target: CpuTarget;
  readonly threads: number;
  /** The file of the loaded addon. */
  readonly path?: string;
  /** What was found of huge pages, on Linux. */
  readonly hugePages?: HugePages;
}

/**
 * Whether large blocks ask for huge pages. They do where touching fresh memory takes less time so.
 * Where memory is full of page cache it can take more. The probe is renewed every 30 s if need be.
 */
export interface HugePages {
  readonly advised: boolean;
  /** Processor time, in ms, of touching 4 MB for the first time with the advice and without. */
  readonly withMs: number;
  readonly withoutMs: number;
}

/** Says whether the addon loaded, and how it runs. Never throws. */
export function nativeStatus(): NativeStatus {
  if (addonLoad.addon === undefined) {
    return { available: false, reason: addonLoad.reason, cpu: 'unknown', target: 'serial', threads: 1 };
  }
  const { cpu, target, threads } = addonLoad.addon.status();
  const [advised, withMs, withoutMs] = addonLoad.addon.hugePages();
  const hugePages = withMs < 0 ? {} : { hugePages: { advised: advised === 1, withMs, withoutMs } };
  return { available: true, cpu, target, threads, path: addonLoad.path, ...hugePages };
}

/**
 * Gives the memory that the backend keeps for reuse back to the system: large blocks at once, small
 * ones on the next turn of the event loop. Tensors stay. Returns the number of bytes, 0 where the
 * backend is not in use.
 */
export function releaseMemory(): number {
  const backend = tf.engine().registry[BACKEND_NAME] as NativeBackend | undefined;
  return backend?.pool.clear() ?? 0;
}

/**
 * Floating-point operations a second that this machine can do, measured in 40 ms: multiply-adds of
 * registers on all threads, each counted as two operations. Undefined where the addon did not load.
 */
export function multiplyAddPeak(): number | undefined {
  return addonLoad.addon === undefined ? undefined : addon().multiplyAddPeak();
}

/** Set where the process has been told that the addon is missing. */
const TOLD = Symbol.for('tfjs-backend-native.told');

/** Says on stderr, once a process, why there is no backend and what to do. */
function tellOfMissingAddon(reason: string): void {
  const told = globalThis as { [TOLD]?: boolean };
  if (told[TOLD] || !isMainThread) return;
  told[TOLD] = true;
  process.stderr.write(`tfjs-backend-native: ${reason}\n`);
}

const fault = environmentFault();
if (fault !== undefined) throw new Error(`tfjs-backend-native: ${fault}`);
if (addonLoad.addon !== undefined) registerNativeBackend();
else tellOfMissingAddon(addonLoad.reason);
