import { addonLoad, type CpuTarget } from './addon.js';
import { registerNativeBackend } from './register.js';

export { CPU_TARGETS, type CpuTarget, setTarget, setThreads } from './addon.js';
export { NativeBackend } from './backend.js';
export type { PoolUsage } from './block-pool.js';

/** Whether the backend can be used here, and with what. */
export interface NativeStatus {
  readonly available: boolean;
  /** Why it is not available, and the remedy. */
  readonly reason?: string;
  /** The processor's name, or 'unknown'. */
  readonly cpu: string;
  /** The instruction set in use. */
  readonly target: CpuTarget;
  readonly threads: number;
  /** File of the loaded addon. */
  readonly path?: string;
}

/** Says whether the addon loaded, and how it runs. Never throws. */
export function nativeStatus(): NativeStatus {
  if (addonLoad.addon === undefined) {
    return { available: false, reason: addonLoad.reason, cpu: 'unknown', target: 'serial', threads: 1 };
  }
  const { cpu, target, threads } = addonLoad.addon.status();
  return { available: true, cpu, target, threads, path: addonLoad.path };
}

if (addonLoad.addon !== undefined) registerNativeBackend();
