import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KernelFunctions } from './addon-kernels.js';

/** Instruction sets that kernels are written for, in the order of the addon's numbers. */
export const CPU_TARGETS = ['serial', 'avx2', 'avx512', 'neon', 'amx'] as const;
/** Name of one of `CPU_TARGETS`. */
export type CpuTarget = (typeof CPU_TARGETS)[number];

/** What the addon says of itself. Blocks and bytes count every JS environment of the process. */
export interface AddonStatus {
  readonly cpu: string;
  readonly target: CpuTarget;
  readonly targets: readonly CpuTarget[];
  readonly threads: number;
  readonly liveBlocks: number;
  readonly liveBytes: number;
}

/**
 * The addon's functions. Each checks types and lengths of its arguments and throws TypeError or RangeError; shapes are the
 * caller's business. Outputs come first and must not overlap inputs unless a function says so.
 */
export interface Addon extends KernelFunctions {
  /** Uninitialised block, 64-byte aligned; 1 byte to 4 GiB. */
  allocate(bytes: number): ArrayBuffer;
  /** Detaches the buffer (its length becomes 0) and gives its memory back to the system: at once from 128 KiB up, else soon. */
  discard(buffer: ArrayBuffer): void;
  /** Asks the system for huge pages under a buffer of any origin that is about to be written for the first time. */
  preferHugePages(buffer: ArrayBuffer): void;
  /** Lets glibc's malloc keep up to 64 MB that were freed, in place of 128 kB to 32 MB; process-wide, once, unless MALLOC_… variables say what it keeps. */
  keepFreedMemory(): void;
  status(): AddonStatus;
  /** Uses another instruction set (its index in CPU_TARGETS), process-wide; returns the previous. */
  setTarget(target: number): number;
  /** Uses another number of threads, process-wide; returns the previous. */
  setThreads(count: number): number;
  /** Floating-point operations a second of all threads, in multiply-adds of registers: measured, takes 40 ms. */
  multiplyAddPeak(): number;

  /**
   * Begins to write arrays (Float32Array, Int32Array, Uint8Array; float32 in a format: 0 as it is, 1 float16, 2 bfloat16) to a file descriptor, on a
   * thread of its own, and syncs it. written[0] counts whole arrays as they are done, and one more at the end; the arrays must not change until
   * then. `ended` gets errno, or 0. Absent on Windows.
   */
  writeTensors?(
    file: number,
    arrays: readonly (Float32Array | Int32Array | Uint8Array)[],
    format: number,
    written: Int32Array,
    ended: (errno: number) => void,
  ): void;

  /**
   * c = activation(op(a)·op(b) + bias) + residual, row-major, for a batch of products. sizes: GEMM of
   * addon-numbers.ts; leakyrelu has the slope `leak`; a step of 0 along a batch axis broadcasts. op(a) is [m,k], op(b) [k,n], bias [n] or null; c and residual (or null) are [batch…,m,n].
   */
  gemm(
    c: Float32Array,
    a: Float32Array,
    b: Float32Array,
    sizes: Int32Array,
    bias: Float32Array | null,
    leak: number,
    residual: Float32Array | null,
  ): void;

  /**
   * y = activation(convolution(x, filter) + bias), images [B,H,W,C], filter [h,w,in,out]. sizes:
   * CONVOLUTION of addon-numbers.ts.
   */
  conv2d(
    y: Float32Array,
    x: Float32Array,
    filter: Float32Array,
    sizes: Int32Array,
    bias: Float32Array | null,
    leak: number,
  ): void;
  /** Gradient of conv2d by its image; sizes as there (the activation is ignored). */
  conv2dInputGradient(dx: Float32Array, dy: Float32Array, filter: Float32Array, sizes: Int32Array): void;
  /** Gradient of conv2d by its filter; sizes as there (the activation is ignored). */
  conv2dFilterGradient(df: Float32Array, x: Float32Array, dy: Float32Array, sizes: Int32Array): void;

  /** As conv2d with filters of one channel each: filter [h,w,in,multiplier], out = in·multiplier. */
  depthwise(
    y: Float32Array,
    x: Float32Array,
    filter: Float32Array,
    sizes: Int32Array,
    bias: Float32Array | null,
    leak: number,
  ): void;
  depthwiseInputGradient(dx: Float32Array, dy: Float32Array, filter: Float32Array, sizes: Int32Array): void;
  depthwiseFilterGradient(df: Float32Array, x: Float32Array, dy: Float32Array, sizes: Int32Array): void;
}

/** The loaded addon and its file, or why there is none. */
export type AddonLoad =
  | { readonly addon: Addon; readonly path: string }
  | { readonly addon: undefined; readonly reason: string };

const require = createRequire(import.meta.url);
const packageDir = join(dirname(fileURLToPath(import.meta.url)), '..');

function load(): AddonLoad {
  try {
    const find = require('node-gyp-build') as { (dir: string): Addon; path(dir: string): string };
    // A copy: the object that the addon fills is a dictionary to V8, where a call is looked up by name, 11 ns.
    return { addon: { ...find(packageDir) }, path: find.path(packageDir) };
  } catch (error) {
    const cause = (error instanceof Error ? error.message : String(error)).split('\n')[0];
    return {
      addon: undefined,
      reason: `the native addon did not load (${cause}); build it with: node ${join(packageDir, 'install.mjs')}`,
    };
  }
}

/** Loaded once a process and environment; never throws. */
export const addonLoad: AddonLoad = load();

/** Stands in for the addon; see rehearsal.ts. */
let standIn: Addon | undefined;

/** Lets kernels call another addon, or again the loaded one (undefined). */
export function substituteAddon(addon: Addon | undefined): void {
  standIn = addon;
}

/** The addon, for kernels that are registered only where it loaded. Throws Error with the reason if it did not. */
export function addon(): Addon {
  if (standIn !== undefined) return standIn;
  if (addonLoad.addon === undefined) throw new Error(`tfjs-backend-native: ${addonLoad.reason}`);
  return addonLoad.addon;
}

/** Uses another instruction set for all kernels; returns the previous. Throws RangeError if this machine cannot run it. */
export function setTarget(target: CpuTarget): CpuTarget {
  return CPU_TARGETS[addon().setTarget(CPU_TARGETS.indexOf(target))] as CpuTarget;
}

/** Uses another number of threads (1 to 256) for all kernels; returns the previous. */
export function setThreads(count: number): number {
  return addon().setThreads(count);
}
