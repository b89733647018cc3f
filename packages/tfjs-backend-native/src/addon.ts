import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { KernelFunctions } from './addon-kernels.js';
import { setting } from './environment.js';

/** The instruction sets that kernels are written for, in the order of the addon's numbers. */
export const CPU_TARGETS = ['serial', 'avx2', 'avx512', 'neon', 'amx'] as const;
/** The name of one of `CPU_TARGETS`. */
export type CpuTarget = (typeof CPU_TARGETS)[number];

/** What the addon reports. Blocks and bytes are those of all JS environments of the process. */
export interface AddonStatus {
  readonly cpu: string;
  readonly target: CpuTarget;
  readonly targets: readonly CpuTarget[];
  readonly threads: number;
  readonly liveBlocks: number;
  readonly liveBytes: number;
}

/** A file that the addon has mapped. */
export interface FileMapping {
  readonly isFileMapping: never;
}

/** What may have become of a mapped file, in the order of the addon's numbers. */
export const MAPPED_STATES = ['intact', 'shorter', 'changed'] as const;

/**
 * The addon's functions. Each checks the types and lengths of its arguments and throws TypeError or
 * RangeError. The caller answers for shapes. Outputs come first. They must not overlap inputs
 * unless a function says so.
 */
export interface Addon extends KernelFunctions {
  /** An uninitialised block of 1 byte to 4 GiB, 64-byte aligned. */
  allocate(bytes: number): ArrayBuffer;
  /**
   * Detaches the buffer (its length becomes 0) and gives its memory back to the system: at once if
   * it has 128 KiB or more, else soon.
   */
  discard(buffer: ArrayBuffer): void;
  /**
   * Asks the system for huge pages, where that pays, under a buffer that is about to be written for
   * the first time. The buffer may be of any origin.
   */
  preferHugePages(buffer: ArrayBuffer): void;
  /**
   * Lets glibc's malloc keep up to 64 MB of freed memory, where it would keep 128 kB to 32 MB. This
   * holds for the process and is done once. It is not done if a MALLOC_… variable sets the limit.
   */
  keepFreedMemory(): void;
  /**
   * Whether huge pages are asked for (1 or 0), and the processor time in ms of touching 4 MB of fresh
   * memory with and without, by the last probe. A probe of 30 s or more is renewed. Times are −1
   * where the system takes no such advice.
   */
  hugePages(): [advised: number, withMs: number, withoutMs: number];
  status(): AddonStatus;
  /**
   * Switches the process to another instruction set, given by its index in CPU_TARGETS. Returns the
   * previous index.
   */
  setTarget(target: number): number;
  /** Switches the process to another number of threads. Returns the previous number. */
  setThreads(count: number): number;
  /**
   * Floating-point operations a second of all threads, in multiply-adds of registers. They are
   * measured, which takes 40 ms.
   */
  multiplyAddPeak(): number;

  /**
   * Starts a thread that writes arrays to a file descriptor and then syncs the file. Arrays are
   * Float32Array, Int32Array or Uint8Array; `format` says how float32 is stored: 0 as it is, 1
   * float16, 2 bfloat16. written[0] is the number of whole arrays written so far; it counts one
   * more when the file is synced. Arrays must not change until they are counted. `ended` is called
   * with errno, or 0. The function is absent on Windows.
   */
  writeTensors?(
    file: number,
    arrays: readonly (Float32Array | Int32Array | Uint8Array)[],
    format: number,
    written: Int32Array,
    ended: (errno: number) => void,
  ): void;

  /**
   * Maps the file of a descriptor, which may be closed afterwards. What is written to the memory
   * does not reach the file. Returns errno if the system refuses. Absent on Windows, as are the two
   * functions that follow.
   */
  mapFile?(file: number): FileMapping | number;
  /** `bytes` bytes (1 to 4 GiB) of a mapped file, from `position` on, where they lie. */
  mappedBytes?(mapping: FileMapping, position: number, bytes: number): ArrayBuffer;
  /** What has become of the file since: an index into MAPPED_STATES. */
  mappedState?(mapping: FileMapping): number;

  /**
   * c = activation(op(a)·op(b) + bias) + residual, row-major, for a batch of products. op(a) is
   * [m,k], op(b) [k,n], bias [n] or null; c and residual (or null) are [batch…,m,n]. `sizes` is
   * laid out as GEMM of addon-numbers.ts; a step of 0 along a batch axis broadcasts. `leak` is
   * leakyrelu's slope below 0.
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
   * y = activation(convolution(x, filter) + bias), images [B,H,W,C], filter [h,w,in,out]. `sizes`
   * is laid out as CONVOLUTION of addon-numbers.ts.
   */
  conv2d(
    y: Float32Array,
    x: Float32Array,
    filter: Float32Array,
    sizes: Int32Array,
    bias: Float32Array | null,
    leak: number,
  ): void;
  /**
   * The gradient of conv2d with respect to its image. `sizes` is as in conv2d; its activation is
   * ignored.
   */
  conv2dInputGradient(dx: Float32Array, dy: Float32Array, filter: Float32Array, sizes: Int32Array): void;
  /**
   * The gradient of conv2d with respect to its filter. `sizes` is as in conv2d; its activation is
   * ignored.
   */
  conv2dFilterGradient(df: Float32Array, x: Float32Array, dy: Float32Array, sizes: Int32Array): void;

  /**
   * As conv2d, with filters that see one channel each: filter [h,w,in,multiplier], out =
   * in·multiplier.
   */
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

/** The loaded addon and its file, or the reason why there is none. */
export type AddonLoad =
  | { readonly addon: Addon; readonly path: string }
  | { readonly addon: undefined; readonly reason: string };

const require = createRequire(import.meta.url);

function load(): AddonLoad {
  try {
    // By name, since the build for CommonJS lies deeper than this one.
    const packageDir = dirname(require.resolve('tfjs-backend-native/package.json'));
    const { findAddon } = require(join(packageDir, 'native', 'find-addon.cjs')) as {
      findAddon(packageDir: string): string;
    };
    const path = findAddon(packageDir);
    // The copy is faster. V8 makes a dictionary of the object that the addon fills, and looks each
    // call up by name, which takes 11 ns.
    return { addon: { ...(require(path) as Addon) }, path };
  } catch (error) {
    const cause = (error instanceof Error ? error.message : String(error)).split('\n')[0];
    return {
      addon: undefined,
      reason: `the native addon did not load (${cause}); build it with: npm rebuild tfjs-backend-native`,
    };
  }
}

/** The addon, loaded once for each process and environment. Loading never throws. */
export const addonLoad: AddonLoad = load();

/**
 * What is wrong with the environment's TFJS_NATIVE_CPU or TFJS_NATIVE_THREADS here, or undefined: a
 * program that asks for what the machine has not must not get something else.
 */
export function environmentFault(): string | undefined {
  if (addonLoad.addon === undefined) return undefined;
  const [cpu, threads] = [setting('CPU'), setting('THREADS')];
  const { targets } = addonLoad.addon.status();
  if (cpu !== undefined && cpu !== '' && !targets.includes(cpu as CpuTarget))
    return `TFJS_NATIVE_CPU is ${cpu}; this machine runs ${targets.join(', ')}`;
  if (threads !== undefined && threads !== '' && !/^(?:[1-9]\d?|1\d\d|2[0-4]\d|25[0-6])$/.test(threads))
    return `TFJS_NATIVE_THREADS is ${threads}; expected a number from 1 to 256`;
  return undefined;
}

/** An addon that stands in for the loaded one; see rehearsal.ts. */
let standIn: Addon | undefined;

/** Makes kernels call another addon, or the loaded one again (undefined). */
export function substituteAddon(addon: Addon | undefined): void {
  standIn = addon;
}

/**
 * The addon, for kernels, which are registered only where it loaded. Throws Error with the reason
 * if it did not load.
 */
export function addon(): Addon {
  if (standIn !== undefined) return standIn;
  if (addonLoad.addon === undefined) throw new Error(`tfjs-backend-native: ${addonLoad.reason}`);
  return addonLoad.addon;
}

/**
 * Switches all kernels to another instruction set. Returns the previous one. Throws RangeError if
 * this machine cannot run it.
 */
export function setTarget(target: CpuTarget): CpuTarget {
  return CPU_TARGETS[addon().setTarget(CPU_TARGETS.indexOf(target))] as CpuTarget;
}

/** Switches all kernels to another number of threads (1 to 256). Returns the previous number. */
export function setThreads(count: number): number {
  return addon().setThreads(count);
}
