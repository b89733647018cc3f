// The machine as a contestant: compiles machine.cc for this CPU and says how fast multiply-adds and
// memory streams can go on it.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Contestant } from '../contestant.mjs';
import { median } from '../median.mjs';

/**
 * Bytes of the streams that measure the memory's bandwidth. They are more than any share of a cache
 * that a program can count on.
 */
const STATED_BYTES = 2 ** 28;

/** What the compiler is told to use, by the bench's names of instruction sets. */
const ARCHITECTURES = { serial: 'x86-64', avx2: 'haswell', avx512: 'skylake-avx512' };

/** Compiles the program and returns its path; undefined if there is no compiler. */
function compile(cpu) {
  const source = join(import.meta.dirname, 'machine.cc');
  const architecture = cpu === undefined ? 'native' : ARCHITECTURES[cpu];
  const hash = createHash('sha256')
    .update(architecture)
    .update(readFileSync(source))
    .digest('hex')
    .slice(0, 16);
  const folder = join(tmpdir(), `easel-bench-${process.getuid?.() ?? 'machine'}`);
  const program = join(folder, `machine-${hash}`);
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  const flags = ['-O3', `-march=${architecture}`, '-std=c++17', '-pthread'];
  const { status } = spawnSync(process.env.CXX ?? 'c++', [
    ...flags,
    source,
    '-o',
    `${program}.${process.pid}`,
  ]);
  if (status !== 0) return undefined;
  renameSync(`${program}.${process.pid}`, program);
  return program;
}

/** Measures what the machine permits with `threads` threads. */
export class Machine {
  #process;

  /**
   * Returns undefined if the program cannot be compiled. There are no limits then. `cpu` names the
   * instruction set that it may use; by default all of this machine's.
   */
  static start(threads = availableParallelism(), cpu = undefined) {
    const program = compile(cpu);
    return program === undefined ? undefined : new Machine(program, threads);
  }

  constructor(program, threads) {
    this.threads = threads;
    this.#process = new Contestant('machine', program, [String(threads)], { format: (line) => line });
  }

  /** Measures multiply-adds in registers for so many seconds, in GFLOP/s. */
  async fma(seconds) {
    return (await this.#process.ask(`fma ${seconds}`)).gflops;
  }

  /**
   * Measures passes that read `read` bytes, write `write` others, and change `update` bytes in
   * place, in milliseconds.
   */
  async stream({ read = 0, write = 0, update = 0 }, seconds) {
    return (await this.#process.ask(`stream ${read} ${write} ${update} ${seconds}`)).ms;
  }

  /** Returns peak and bandwidths for the table's head. */
  async describe() {
    const rounds = 5;
    const gflops = [];
    for (let i = 0; i < rounds; i++) gflops.push(await this.fma(0.05));
    const gbps = (bytes, ms) => bytes / median(ms) / 1e6;
    return {
      threads: this.threads,
      gflops: median(gflops),
      readGBps: gbps(STATED_BYTES, await this.stream({ read: STATED_BYTES }, 0.3)),
      readWriteGBps: gbps(
        STATED_BYTES,
        await this.stream({ read: STATED_BYTES / 2, write: STATED_BYTES / 2 }, 0.4),
      ),
      read64MBps: gbps(2 ** 26, await this.stream({ read: 2 ** 26 }, 0.1)),
    };
  }

  end() {
    this.#process.end();
  }
}
