import type { TensorInfo } from '@tensorflow/tfjs';

/** How often a kernel ran in C++, and how often tfjs's cpu backend ran it. */
export interface KernelCount {
  readonly kernel: string;
  /** Runs in C++, and runs that only gave the same data another shape. */
  readonly native: number;
  /** Runs in JavaScript. The kernel has no native form, or none for these dtypes. */
  readonly cpu: number;
  /**
   * Elements of the largest tensor, input or output, of a run in JavaScript; 0 if there was none.
   */
  readonly largestOnCpu: number;
}

class Counter {
  native = 0;
  cpu = 0;
  largestOnCpu = 0;
}

const counters = new Map<string, Counter>();

/** How many runs the cpu backend's code has had so far. */
let fallenThrough = 0;

/** The counter of a kernel, which whoever runs the kernel increments. */
export function counterOf(kernel: string): Counter {
  let counter = counters.get(kernel);
  if (counter === undefined) {
    counter = new Counter();
    counters.set(kernel, counter);
  }
  return counter;
}

/** Counts a run on the cpu backend's code. */
export function countOnCpu(
  kernel: string,
  inputs: Readonly<Record<string, TensorInfo | TensorInfo[] | undefined>>,
  outputs: TensorInfo | readonly TensorInfo[],
): void {
  const counter = counterOf(kernel);
  counter.cpu += 1;
  fallenThrough += 1;
  for (const tensor of [...Object.values(inputs), outputs].flat()) {
    if (tensor === undefined || !Array.isArray(tensor.shape)) continue;
    const elements = tensor.shape.reduce((product, extent) => product * extent, 1);
    if (elements > counter.largestOnCpu) counter.largestOnCpu = elements;
  }
}

/**
 * How many runs on the cpu backend's code there have been. The difference of two calls tells
 * whether one happened between them.
 */
export function runsOnCpu(): number {
  return fallenThrough;
}

/**
 * The kernels that ran since the start or the last reset. The kernel with most elements in
 * JavaScript comes first, then order is by name. All backends of the thread are counted.
 */
export function kernelCounts(): KernelCount[] {
  return [...counters]
    .filter(([, { native, cpu }]) => native + cpu > 0)
    .map(([kernel, { native, cpu, largestOnCpu }]) => ({ kernel, native, cpu, largestOnCpu }))
    .sort((a, b) => b.largestOnCpu - a.largestOnCpu || (a.kernel < b.kernel ? -1 : 1));
}

/** Sets all counts to 0. */
export function resetKernelCounts(): void {
  for (const counter of counters.values()) Object.assign(counter, new Counter());
}
